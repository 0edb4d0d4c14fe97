"""Everything slow that lessons share, done once before the first of them opens."""

import sys
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
    made_of = fingerprint(asset_version("teacher"), commands, sys.modules[__name__])
    done = folder / f"prepared-{'everything' if everything else 'commands'}-{made_of}"
    if not done.exists():
        _let_the_teacher_read(everything)
        write_whole(done, b"")


def _let_the_teacher_read(everything: bool) -> None:
    from kd_solutions.flagship import FULL, QUICK, build_corpus, training_commands
    from kd_solutions.models import PretrainedTeacher
    from kd_solutions.signals import CachedSignal
    from kd_study.lessons.kit.assistant import FIRST_LANGUAGES, some_commands

    held_out = commands.load_commands(commands.ENGLISH, "test").texts
    strings = build_corpus((), FULL if everything else QUICK).english
    foreign = commands.TEN_LANGUAGES if everything else FIRST_LANGUAGES
    samples = [text for language in foreign for text in some_commands(language).texts]
    CachedSignal(PretrainedTeacher())([*training_commands().texts, *held_out, *strings, *samples])
