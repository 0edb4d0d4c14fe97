"""What the lessons import: experiments, the voice assistant, pictures, dials; slots and what carries them."""

__all__ = [
    "assistant",
    "crossing",
    "dials",
    "experiments",
    "neighbours",
    "pictures",
    "slots",
    "tagging",
    "transfer",
]
