"""The one error that a person is meant to read."""


class StudyError(RuntimeError):
    """Something outside the code is missing or wrong. The message is one sentence that says what to do."""
