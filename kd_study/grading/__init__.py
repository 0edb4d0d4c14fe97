"""Who grades: checks run away from the learner's process, and the misconception gets its name."""

from kd_study.grading.grade import Diagnosis, Report, Result, grade

__all__ = ["Diagnosis", "Report", "Result", "grade"]
