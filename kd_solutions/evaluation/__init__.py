"""How good is a student, and how sure are we?"""

from kd_solutions.evaluation.abstention import risk_threshold
from kd_solutions.evaluation.intervals import (
    Interval,
    paired_bootstrap,
    paired_t_interval,
    share_interval,
    t_interval,
    two_level_bootstrap,
)
from kd_solutions.evaluation.language_identity import remove_language
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
    "remove_language",
    "retrieval_accuracy",
    "risk_threshold",
    "share_interval",
    "t_interval",
    "two_level_bootstrap",
    "worst_language",
]
