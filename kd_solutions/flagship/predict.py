"""A distilled student at work: what does a command ask for?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from kd_solutions.models.student import StudentModel
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say


@dataclass(frozen=True)
class Prediction:
    """intent: its name in the data. confidence: its probability. nearest: (English command, cosine) pairs."""

    intent: str
    confidence: float
    nearest: list[tuple[str, float]]


class Predictor:
    """What commands in any language ask for: command → Prediction.

    The English examples, with which a command is compared, are read once, and so before the first command: a
    student that is trained further needs a new `Predictor`. nearest: how many of them a prediction names.
    """

    def __init__(self, student: StudentModel, examples: Sequence[str], nearest: int = 3):
        self.student, self.examples, self.nearest = student, examples, min(nearest, len(examples))
        with torch.no_grad():
            self._vectors = student.encode(examples)

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
        best = (self._vectors @ vector[0]).topk(self.nearest)
        return Prediction(
            intent=self.student.labels[int(probabilities.argmax())],
            confidence=float(probabilities.max()),
            nearest=[
                (self.examples[row], cosine)
                for row, cosine in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ],
        )


def predict(student: StudentModel, text: str, examples: Sequence[str], nearest: int = 3) -> Prediction:
    """What one command asks for; for more than one, a `Predictor` reads the examples only once."""
    return Predictor(student, examples, nearest)(text)
