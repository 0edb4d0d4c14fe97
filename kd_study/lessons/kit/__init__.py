"""What the lessons import: experiments, the voice assistant, pictures, dials."""

__all__ = ["assistant", "dials", "experiments", "pictures"]
