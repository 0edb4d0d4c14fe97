"""What lessons import: shared experiments, pictures and dials, and modules of one lesson's own world."""

__all__ = [
    "assistant",
    "crossing",
    "curves",
    "dials",
    "experiments",
    "feature_runs",
    "features",
    "insides",
    "less_data",
    "neighbours",
    "perturbations",
    "pictures",
    "rehearsal",
    "robustness",
    "slots",
    "tagging",
    "text_store",
    "transfer",
]
