"""Labelled commands and parallel text: real, and the same on every machine."""

from kd_solutions.data.alignment import ibm1_step
from kd_solutions.data.by_hand import asking_nothing, commands_by_hand
from kd_solutions.data.commands import (
    ENGLISH,
    TEN_LANGUAGES,
    Commands,
    command_languages,
    intent_names,
    load_commands,
    served_intents,
)
from kd_solutions.data.parallel import ParallelText, load_parallel, parallel_languages
from kd_solutions.data.sampling import language_weights, stable_order

__all__ = [
    "Commands",
    "ENGLISH",
    "ParallelText",
    "TEN_LANGUAGES",
    "asking_nothing",
    "command_languages",
    "commands_by_hand",
    "ibm1_step",
    "intent_names",
    "language_weights",
    "load_commands",
    "load_parallel",
    "parallel_languages",
    "served_intents",
    "stable_order",
]
