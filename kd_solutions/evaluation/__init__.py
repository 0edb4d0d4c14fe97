"""How good is a student, and how sure are we?"""

from kd_solutions.evaluation.intervals import (
    Interval,
    paired_bootstrap,
    paired_t_interval,
    share_interval,
    t_interval,
)
from kd_solutions.evaluation.metrics import (
    accuracy,
    agreement,
    expected_calibration_error,
    worst_language,
)
from kd_solutions.evaluation.retrieval import csls, margin_scores, procrustes, retrieval_accuracy

__all__ = [
    "Interval",
    "accuracy",
    "agreement",
    "csls",
    "expected_calibration_error",
    "margin_scores",
    "paired_bootstrap",
    "paired_t_interval",
    "procrustes",
    "retrieval_accuracy",
    "share_interval",
    "t_interval",
    "worst_language",
]
