"""Correct solutions written unlike the reference: `@accepted("name")` marks one."""

from collections import defaultdict
from importlib import import_module
from pathlib import Path

ALTERNATIVES = defaultdict(list)


def accepted(name):
    """Marks a function as a correct solution of the exercise `name`."""

    def add(function):
        ALTERNATIVES[name].append(function)
        return function

    return add


for _path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{_path.stem}")
