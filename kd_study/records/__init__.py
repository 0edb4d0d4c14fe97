"""What a learner did: attempts, hints and solutions seen, kept on their own machine."""

from kd_study.records.store import Attempt, Records, record, records, records_path
from kd_study.records.summary import Row, summarise

__all__ = ["Attempt", "Records", "Row", "record", "records", "records_path", "summarise"]
