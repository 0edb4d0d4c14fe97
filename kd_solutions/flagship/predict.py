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


def predict(student: StudentModel, text: str, examples: Sequence[str], nearest: int = 3) -> Prediction:
    """What a command in any language asks for. Raises: StudyError for a text without a word."""
    features = student.features([text])
    if not len(features.ids):
        raise StudyError(
            say(
                "There is no word in this text: type a command, such as 'turn on the light'.",
                "这段文字里没有词语：请输入一条指令，例如“打开客厅的灯”。",
            )
        )
    with torch.no_grad():
        vector = student.encode(features)
        probabilities = student.head(vector).softmax(dim=-1)[0]
        similarities = student.encode(examples) @ vector[0]
    best = similarities.topk(min(nearest, len(examples)))
    return Prediction(
        intent=student.labels[int(probabilities.argmax())],
        confidence=float(probabilities.max()),
        nearest=[(examples[i], float(s)) for s, i in zip(best.values, best.indices.tolist(), strict=True)],
    )
