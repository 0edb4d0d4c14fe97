"""Everything slow that lessons share, done once before the first of them opens."""

from collections.abc import Iterator
from pathlib import Path

from kd_solutions.data import commands
from kd_solutions.data.parallel import data_folder
from kd_solutions.support.assets import ASSETS, asset_folder, asset_version
from kd_solutions.support.files import fingerprint, write_whole


def prepare(everything: bool = False) -> Iterator[tuple[str, Path]]:
    """Fetch what is missing, parse it, and let the teacher read what most lessons ask it about.

    everything: also the texts of the longest lessons, which otherwise are read when such a lesson runs.
    Yields (asset, its folder) as each is there. What was done before is not done again.
    """
    for name in ASSETS:
        yield name, asset_folder(name)
    folder = data_folder()
    what = "everything" if everything else "commands"
    done = folder / f"prepared-{what}-{fingerprint(asset_version('teacher'), commands)}"
    if not done.exists():
        _let_the_teacher_read(everything)
        write_whole(done, b"")


def _let_the_teacher_read(everything: bool) -> None:
    from kd_solutions.flagship import FULL, QUICK, build_corpus, training_commands
    from kd_solutions.models import PretrainedTeacher
    from kd_solutions.signals import CachedSignal

    held_out = commands.load_commands(commands.ENGLISH, "test").texts
    strings = build_corpus((), FULL if everything else QUICK).english
    CachedSignal(PretrainedTeacher())([*training_commands().texts, *held_out, *strings])
