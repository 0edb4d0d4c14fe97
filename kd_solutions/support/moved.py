"""Modules that had another name before the rooms were built, for lessons that a learner copied then.

Their imports are sent on. Where the name is gone, one sentence says how to get a fresh copy of the lesson.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

# Old name → where its names may be now. With () they are gone, or mean something else than they did.
MOVED: dict[str, tuple[str, ...]] = {
    "kd_solutions.assets": ("kd_solutions.support.assets", "kd_solutions.support.paths"),
    "kd_solutions.batches": ("kd_solutions.training.batches",),
    "kd_solutions.checkpoint": ("kd_solutions.training.checkpoint",),
    "kd_solutions.corpus": ("kd_solutions.flagship.corpus", "kd_solutions.flagship.recipe"),
    "kd_solutions.crosslingual": (
        "kd_solutions.losses.crosslingual",
        "kd_solutions.evaluation.retrieval",
        "kd_solutions.models",
        "kd_solutions.data.sampling",
    ),
    "kd_solutions.distill": ("kd_solutions.training.loop", "kd_solutions.training.classic"),
    "kd_solutions.errors": ("kd_solutions.support.errors",),
    "kd_solutions.evaluate": ("kd_solutions.evaluation",),
    "kd_solutions.features": ("kd_solutions.losses.features",),
    "kd_solutions.language": ("kd_solutions.support.language",),
    "kd_solutions.lexicon": ("kd_solutions.flagship.lexicon",),
    "kd_solutions.numerics": ("kd_solutions.losses.numerics",),
    "kd_solutions.optimizers": ("kd_solutions.training.optimizers",),
    "kd_solutions.scoreboard": ("kd_solutions.flagship.scoreboard",),
    "kd_solutions.sequence": ("kd_solutions.losses.sequences",),
    "kd_solutions.serving": ("kd_solutions.flagship.store", "kd_solutions.flagship.predict"),
    "kd_solutions.shipping": ("kd_solutions.export.quantization",),
    "kd_solutions.subwords": ("kd_solutions.models.subwords",),
    "kd_solutions.templates": ("kd_solutions.data.templates",),
    "kd_solutions.thesaurus": ("kd_solutions.flagship.thesaurus",),
    "kd_solutions.translations": ("kd_solutions.data.translations", "kd_solutions.data.sampling"),
    "kd_solutions.vector_store": ("kd_solutions.signals.vector_store",),
}


class _Moved(ModuleType):
    """A module under its old name; each of its names is looked up where it lives now."""

    def __getattr__(self, name: str):
        if name.startswith("__"):  # what Python itself asks of a module
            raise AttributeError(name)
        for place in MOVED[self.__name__]:
            module = import_module(place)
            if hasattr(module, name):
                return getattr(module, name)
        raise _gone(f"{self.__name__}.{name}")


def _gone(name: str) -> Exception:
    from kd_solutions.support.errors import StudyError
    from kd_solutions.support.language import say

    return StudyError(
        say(
            f"{name} is gone, so this copy of a lesson is older than the code: in a terminal, type "
            "`python -m kd_study reset LESSON`, such as `reset 02`; yours is kept beside the new one.",
            f"{name}已不存在，你的这份课程比代码旧：请在终端运行`python -m kd_study reset 课程`，"
            "例如`reset 02`；你的副本会另存在新课旁边。",
        )
    )


class _Finder:
    """Asked last, when nothing else knows a module of that name."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        return ModuleSpec(name, _Finder) if name in MOVED else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return _Moved(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Nothing: its names are looked up when they are asked for."""


def follow(more: dict[str, tuple[str, ...]] | None = None) -> None:
    """From here on, imports of the old names are followed; more: those of another package."""
    MOVED.update(more or {})
    if _Finder not in sys.meta_path:
        sys.meta_path.append(_Finder)
