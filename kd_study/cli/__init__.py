"""The command line, one module a group of commands; `kd_study.__main__` puts them together."""

import sys

__all__ = ["warn"]


def warn(sentence: str) -> None:
    """Tell a person something beside a command's output."""
    print(sentence, file=sys.stderr)
