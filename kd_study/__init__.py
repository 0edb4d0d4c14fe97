"""The learner's desk: graded exercises, hints, questions, progress, and everything a notebook calls."""

from importlib import import_module

_HOMES = {
    "grading": "grade Report",
    "notebook": "check hint solution yours_or_reference progress lesson_map exercise_table",
    "widgets": "guess try_commands show_answers",
    "language": "use_language",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'kd_study' has no attribute {name!r}")
    value = getattr(import_module(f"kd_study.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__
