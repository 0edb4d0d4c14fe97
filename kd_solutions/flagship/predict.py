"""A distilled student at work: what does a command ask for?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kd_solutions.flagship.train import encode
from kd_solutions.models.student import StudentModel
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say


@dataclass(frozen=True)
class Prediction:
    """intent: its name in the data; None where the command isn't understood. confidence: the probability of
    the most probable intent. nearest: (English command, cosine) pairs."""

    intent: str | None
    confidence: float
    nearest: list[tuple[str, float]]
    understood: bool = True


class Predictor:
    """What commands in any language ask for: command → Prediction.

    The English examples, with which a command is compared, are read once, and so before the first command: a
    student that is trained further needs a new `Predictor`. nearest: how many of them a prediction names.
    threshold: a command whose `certainty` is below it isn't understood; 0 understands all.
    """

    def __init__(
        self, student: StudentModel, examples: Sequence[str], nearest: int = 3, threshold: float = 0.0
    ):
        self.student, self.examples, self.nearest = student, examples, min(nearest, len(examples))
        self.threshold = threshold
        with torch.no_grad():
            self._vectors = student.encode(examples)

    @torch.no_grad()
    def certainty(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """(N,) confidence times the cosine of the nearest example, and (N,) the most probable intents.

        A head that only ever saw commands is confident of anything; how near the next known command lies says
        whether it is one at all.
        """
        vectors = encode(self.student, texts)
        confidence, intents = self.student.head(vectors).softmax(dim=-1).max(dim=-1)
        nearest = [(part @ self._vectors.T).amax(dim=1) for part in vectors.split(1024)]
        return (confidence * torch.cat(nearest)).cpu(), intents.cpu()

    @torch.no_grad()
    def __call__(self, text: str) -> Prediction:
        """Raises: StudyError for a text without a word."""
        features = self.student.features([text])
        if not len(features.ids):
            raise StudyError(
                say(
                    "There is no word in this text: type a command, such as 'turn on the light'.",
                    "这段文字里没有词语：请输入一条指令，例如“打开客厅的灯”。",
                )
            )
        vector = self.student.encode(features)
        probabilities = self.student.head(vector).softmax(dim=-1)[0]
        cosines = self._vectors @ vector[0]
        best = cosines.topk(self.nearest)
        understood = bool(probabilities.max() * cosines.max() >= self.threshold)
        return Prediction(
            intent=self.student.labels[int(probabilities.argmax())] if understood else None,
            confidence=float(probabilities.max()),
            nearest=[
                (self.examples[row], cosine)
                for row, cosine in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ],
            understood=understood,
        )


def predict(student: StudentModel, text: str, examples: Sequence[str], nearest: int = 3) -> Prediction:
    """What one command asks for; for more than one, a `Predictor` reads the examples only once."""
    return Predictor(student, examples, nearest)(text)
