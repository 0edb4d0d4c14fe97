"""What the lessons import: experiments, the voice assistant, pictures, dials, rehearsals."""

__all__ = ["assistant", "dials", "experiments", "pictures", "rehearsal"]
