"""What lessons import: shared experiments, pictures and dials, and modules of one lesson's own world."""

__all__ = [
    "assistant",
    "crossing",
    "curves",
    "design_choices",
    "design_record",
    "dials",
    "experiments",
    "families",
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
