"""The small student that reads every language."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.export.quantization import quantize_int8
from kd_solutions.models.subwords import Features, Subwords
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

CONFIG, WEIGHTS = "student.json", "student.safetensors"


class StudentModel(nn.Module):
    """Hashed subwords, their mean, two layers, a normalised vector; then a linear head.

    labels: names of the classes, in the order of the logits. rows, width: the table of subwords, nine tenths
    of the model. hidden: width of the layer between. size: D, the teacher's width.
    """

    def __init__(
        self, labels: Sequence[str], rows: int = 65_536, width: int = 128, hidden: int = 512, size: int = 384
    ):
        super().__init__()
        self.labels = tuple(labels)
        self.sizes = {"rows": rows, "width": width, "hidden": hidden, "size": size}
        self.features = Subwords(rows)
        self.table = nn.EmbeddingBag(rows, width, mode="mean", sparse=True)
        nn.init.normal_(self.table.weight, std=0.1)  # pieces that were never met shall say little
        self.body = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, size))
        self.head = nn.Linear(size, len(self.labels))

    def encode(self, texts: Sequence[str] | Features) -> Tensor:
        """(N, D), L2-normalised, with a graph; texts as strings or as `features(texts)`."""
        features = texts if isinstance(texts, Features) else self.features(texts)
        device = self.table.weight.device
        bags = self.table(features.ids.to(device), features.offsets.to(device))
        return F.normalize(self.body(bags), dim=-1)

    def forward(self, texts: Sequence[str] | Features) -> Tensor:
        """(N, classes) logits."""
        return self.head(self.encode(texts))

    def save(self, folder: str | Path) -> None:
        """Table in int8 with a scale a row, the rest in float16, and a JSON configuration: some 9 MB."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: tensor.half() for name, tensor in self.state_dict().items()}
        table, scale = quantize_int8(self.table.weight.detach())
        weights |= {"table.weight": table, "table.scale": scale.half()}
        save_file(weights, folder / WEIGHTS)
        config = {"labels": self.labels, **self.sizes}
        (folder / CONFIG).write_text(json.dumps(config, indent=1), "utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote, in float32 and in eval mode; StudyError where there is no whole student."""
        folder = Path(folder)
        if not (folder / CONFIG).exists():
            raise no_student(folder)
        try:
            student = cls(**json.loads((folder / CONFIG).read_text("utf-8")))
            weights = {name: tensor.float() for name, tensor in load_file(folder / WEIGHTS).items()}
            weights["table.weight"] *= weights.pop("table.scale")
            student.load_state_dict(weights)
        except Exception as error:  # each of the formats has errors of its own
            reason = type(error).__name__
            raise StudyError(
                say(
                    f"The student in {folder} is damaged ({reason}): "
                    "distil another with `python -m kd_study distill`.",
                    f"{folder}里的学生模型已损坏（{reason}）：请用`python -m kd_study distill`重新蒸馏。",
                )
            ) from error
        return student.eval()


def no_student(folder: Path) -> StudyError:
    """What to say where nothing was distilled yet."""
    return StudyError(
        say(
            f"There is no student in {folder}: distil one with `python -m kd_study distill`.",
            f"{folder}里没有学生模型：请先运行`python -m kd_study distill`。",
        )
    )
