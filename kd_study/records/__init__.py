"""What a learner did: attempts, answers, hints and solutions seen, kept on their own machine."""

from kd_study.records.store import Answer, Attempt, Records, now, record, records, records_path
from kd_study.records.summary import Row, summarise

__all__ = ["Answer", "Attempt", "Records", "Row", "now", "record", "records", "records_path", "summarise"]
