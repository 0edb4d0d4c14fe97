"""What the lessons import: experiments, the voice assistant, pictures."""
