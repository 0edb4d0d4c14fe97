"""What lessons import: shared experiments, pictures and dials, and modules of one lesson's own world."""

__all__ = [
    "assistant",
    "crossing",
    "curves",
    "dials",
    "experiments",
    "less_data",
    "neighbours",
    "perturbations",
    "pictures",
    "rehearsal",
    "robustness",
    "slots",
    "subliminal",
    "tagging",
    "text_store",
    "transfer",
    "what_is_learned",
    "what_is_learned_pictures",
    "what_is_learned_record",
]
