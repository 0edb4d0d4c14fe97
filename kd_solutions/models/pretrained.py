"""The lessons' teacher, known by its files, and loaded only when somebody asks it something new."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kd_solutions.models.teacher import TeacherModel, load_head, no_head, way_of_reading
from kd_solutions.support.assets import asset_folder, sha256_of
from kd_solutions.support.devices import default_device
from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import read_json, write_json
from kd_solutions.support.language import say
from kd_solutions.support.paths import cache_folder

FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")  # what a model is read from


class PretrainedTeacher:
    """Stands for the `TeacherModel` of a folder: the same vectors, fingerprint, size and head.

    Where all the vectors that are asked for are cached, the model itself is never loaded, which would take
    longer than all the rest of a lesson's start. `model` is the `TeacherModel`, loaded on first use.

    folder: by default all-MiniLM-L6-v2 from the assets. device: by default the GPU, where there is one.
    head: D → classes, or None; may be set.
    Raises: StudyError on first use where there is no such model.
    """

    def __init__(self, folder: Path | None = None, device: torch.device | str | None = None):
        self.folder = Path(folder or asset_folder("teacher"))
        self.device = torch.device(device or default_device())

    @cached_property
    def model(self) -> TeacherModel:
        return TeacherModel.from_pretrained(self.folder, self.device)

    @cached_property
    def head(self) -> nn.Linear | None:
        head = load_head(self.folder)
        return head and head.to(self.device)

    @property
    def size(self) -> int:
        """D, the width of its vectors."""
        return self._known["size"]

    def fingerprint(self) -> str:
        """The model's: a hash of all that decides its vectors."""
        return self._known["fingerprint"]

    def encode(self, texts: Sequence[str]) -> Tensor:
        """(N, D) float32, as the model's."""
        return self._checked_model.encode(texts)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(N, classes) logits; ValueError before there is a head."""
        if self.head is None:
            raise ValueError(no_head())
        return self.head(self.encode(texts))

    @cached_property
    def _known(self) -> dict[str, Any]:
        """Fingerprint and size, remembered under a hash of the files, or had from the model once."""
        path = cache_folder() / "teachers" / f"{self._hash_of_files()}.json"
        if path.exists():
            with suppress(StudyError):  # damaged: had anew
                return read_json(path)
        known = {"fingerprint": self.model.fingerprint(), "size": self.model.size}
        with suppress(StudyError):  # can't be written: had anew next time
            write_json(path, known)
        return known

    @cached_property
    def _checked_model(self) -> TeacherModel:
        """The model, once it is known to be the one whose vectors are kept under this fingerprint."""
        if self.model.fingerprint() != self.fingerprint():
            raise StudyError(
                say(
                    f"The teacher in {self.folder} is damaged: delete that folder, "
                    "and it is downloaded anew.",
                    f"{self.folder}里的教师模型已损坏：请删除这个文件夹，之后会重新下载。",
                )
            )
        return self.model

    def _hash_of_files(self) -> str:
        """Weights that were checked when they were downloaded are not read for it."""
        releases = f"{version('transformers')} {torch.__version__}"
        digest = hashlib.sha256(f"{releases} {way_of_reading(TeacherModel)}".encode())
        for path in sorted(path for pattern in FILES for path in self.folder.glob(pattern)):
            digest.update(f"{path.name} {sha256_of(path)}\n".encode())
        return digest.hexdigest()[:16]


Teacher = TeacherModel | PretrainedTeacher
