"""The small student that reads every language."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.export.quantization import quantize_int8
from kd_solutions.models.subwords import Features, Subwords
from kd_solutions.support.devices import default_device
from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.files import write_whole
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
        """Table in int8 with a scale a row, the rest in float16, and a JSON configuration: some 9 MB.

        Raises: StudyError where the folder can't be written, or a weight isn't finite in float16.
        """
        folder = Path(folder)
        weights = {name: tensor.half() for name, tensor in self.state_dict().items()}
        table, scale = quantize_int8(self.table.weight)
        weights |= {"table.weight": table, "table.scale": scale}
        if not all(tensor.isfinite().all() for tensor in weights.values()):
            raise StudyError(
                say(
                    "The student has weights that are infinite or no numbers, and isn't saved: train it anew "
                    "with a lower learning rate.",
                    "学生模型的权重里有无穷大或非数，没有保存：请降低学习率重新训练。",
                )
            )
        content = save({name: tensor.cpu().contiguous() for name, tensor in weights.items()})
        config = {"labels": self.labels, **self.sizes}
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / WEIGHTS, content)
            config["sha256"] = _checksum(config, content)
            write_whole(folder / CONFIG, json.dumps(config, indent=1).encode())

    @classmethod
    def load(cls, folder: str | Path, device: torch.device | str | None = None) -> Self:
        """What `save` wrote, in float32 and in eval mode.

        device: by default the GPU, where there is one. Raises: StudyError where there is no whole student.
        """
        folder = Path(folder)
        if not (folder / CONFIG).exists():
            raise no_student(folder)
        try:
            config = json.loads((folder / CONFIG).read_bytes())
            content = (folder / WEIGHTS).read_bytes()
            wanted = config.pop("sha256", None)  # None in students of our first weeks
            if wanted and wanted != _checksum(config, content):
                raise ValueError("wrong checksum")
            student = cls(**config)
            weights = {name: tensor.float() for name, tensor in load(content).items()}
            weights["table.weight"] *= weights.pop("table.scale")
            student.load_state_dict(weights)
        except Exception as error:  # each of the formats has errors of its own
            raise damaged_student(folder, error) from error
        return student.to(device or default_device()).eval()


def _checksum(config: dict, weights: bytes) -> str:
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    digest.update(weights)
    return digest.hexdigest()


def no_student(folder: Path) -> StudyError:
    """What to say where nothing was distilled yet."""
    return StudyError(
        say(
            f"There is no student in {folder}: distil one with `python -m kd_study distill`.",
            f"{folder}里没有学生模型：请先运行`python -m kd_study distill`。",
        )
    )


def damaged_student(folder: Path, error: Exception) -> StudyError:
    """What to say where a file of a student is gone, or isn't what was saved."""
    reason = type(error).__name__
    return StudyError(
        say(
            f"The student in {folder} is damaged ({reason}): "
            "distil another with `python -m kd_study distill`.",
            f"{folder}里的学生模型已损坏（{reason}）：请用`python -m kd_study distill`重新蒸馏。",
        )
    )
