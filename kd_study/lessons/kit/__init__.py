"""What the lessons import: experiments, the voice assistant, pictures."""

__all__ = ["assistant", "experiments", "pictures"]
