"""When not to answer: a threshold chosen on English alone, and what it is worth in other languages."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kd_solutions.data.commands import ENGLISH, command_languages, load_commands
from kd_solutions.data.out_of_scope import out_of_scope
from kd_solutions.evaluation.abstention import risk_threshold
from kd_solutions.flagship.predict import Predictor

RISK = 0.05


@dataclass(frozen=True)
class Abstention:
    """What the threshold does in one language, in percent.

    coverage: of the commands that are answered. risk: of the answered commands that are read wrongly.
    good_refused: of the commands that would be read rightly, and aren't answered. out_of_scope_refused: of
    the texts that ask for nothing served.
    """

    coverage: float
    risk: float
    good_refused: float
    out_of_scope_refused: float


def fit_threshold(predictor: Predictor, risk: float = RISK) -> float:
    """The lowest certainty at which of all English texts that are answered at most this share is wrong.

    The texts: held-out commands of every other template, and as many that ask for nothing, whose every answer
    counts as wrong.
    """
    texts, labels = _english_commands("threshold")
    nothing = out_of_scope(ENGLISH, "threshold")
    rows = torch.randperm(len(texts), generator=torch.Generator().manual_seed(0))[: len(nothing)]
    certainty, intents = predictor.certainty([texts[row] for row in rows.tolist()])
    of_nothing, _ = predictor.certainty(nothing[: len(rows)])
    correct = torch.cat([intents == labels[rows], torch.zeros(len(of_nothing), dtype=torch.bool)])
    return risk_threshold(torch.cat([certainty, of_nothing]), correct, risk)


def abstention(predictor: Predictor, languages: Sequence[str]) -> dict[str, Abstention]:
    """Language → what the threshold does there, on texts by which it wasn't chosen; English first."""
    found = {}
    for language in (ENGLISH, *(name for name in languages if name != ENGLISH)):
        if language in command_languages():
            texts, labels = _english_commands("test") if language == ENGLISH else _commands(language)
            if texts:
                found[language] = _measured(predictor, texts, labels, out_of_scope(language, "test"))
    return found


def _measured(
    predictor: Predictor, texts: Sequence[str], labels: Tensor, nothing: Sequence[str]
) -> Abstention:
    certainty, intents = predictor.certainty(texts)
    answered, right = certainty >= predictor.threshold, intents == labels
    refused = predictor.certainty(nothing)[0] < predictor.threshold
    return Abstention(
        coverage=_percent(answered),
        risk=_percent(~right[answered]),
        good_refused=_percent(~answered[right]),
        out_of_scope_refused=_percent(refused),
    )


def _percent(found: Tensor) -> float:
    return 100 * found.float().mean().item() if len(found) else 0.0


def _commands(language: str) -> tuple[list[str], Tensor]:
    test = load_commands(language, "test")
    return test.texts, test.labels


def _english_commands(split: str) -> tuple[list[str], Tensor]:
    """Held-out English commands: one half of the templates to choose by, the other to report on."""
    test = load_commands(ENGLISH, "test")
    rows = (test.templates % 2 == (split == "test")).nonzero()[:, 0]
    return [test.texts[row] for row in rows.tolist()], test.labels[rows]
