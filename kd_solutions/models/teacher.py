"""A pretrained English sentence encoder, the teacher of every lesson."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.models.pooling import mean_pool
from kd_solutions.support.assets import asset_folder
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

HEAD = "head.safetensors"
LONGEST = 128  # teacher tokens a text; what follows is cut


class TeacherModel(nn.Module):
    """A pretrained sentence encoder, with a linear head once a task is known.

    encoder and tokenizer as transformers' AutoModel and AutoTokenizer give them. head: D → classes, or None.
    """

    def __init__(self, encoder: nn.Module, tokenizer, head: nn.Linear | None = None):
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.head = head

    @classmethod
    def from_pretrained(cls, source: str | Path | None = None) -> Self:
        """From a folder, a name on Hugging Face, or by default all-MiniLM-L6-v2 from the assets.

        Raises: StudyError where there is no such model.
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        source = source or asset_folder("teacher")
        try:
            encoder, tokenizer = AutoModel.from_pretrained(source), AutoTokenizer.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise StudyError(
                say(
                    f"There is no teacher at {source}: give a folder with config.json and model.safetensors, "
                    "or the name of a model on Hugging Face that this machine can reach.",
                    f"{source}没有教师模型：请给出含有config.json和model.safetensors的文件夹，"
                    "或本机能访问到的Hugging Face模型名称。",
                )
            ) from error
        head_file = Path(source) / HEAD
        head = _linear_from(load_file(head_file)) if head_file.exists() else None
        return cls(encoder, tokenizer, head).eval()

    load = from_pretrained

    def save(self, folder: str | Path) -> None:
        """Encoder, tokenizer and head, as `load` reads them (safetensors and JSON)."""
        self.encoder.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.head is None:
            (Path(folder) / HEAD).unlink(missing_ok=True)  # of another teacher that was saved here before
        else:
            save_file(self.head.state_dict(), Path(folder) / HEAD)

    @property
    def size(self) -> int:
        """D, the width of its vectors."""
        return self.encoder.config.hidden_size

    def fingerprint(self) -> str:
        """The same for two teachers only if their vectors are: a hash of the weights and the vocabulary."""
        digest = hashlib.sha256(json.dumps(self.tokenizer.get_vocab(), sort_keys=True).encode())
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    @torch.no_grad()
    def encode(self, texts: Sequence[str], batch_size: int = 64) -> Tensor:
        """(N, D) float32: the mean over tokens, L2-normalised; no graph. Like lengths go in one batch."""
        device = next(self.encoder.parameters()).device
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = torch.empty(len(texts), self.size, device=device)
        for batch in torch.tensor(order, dtype=torch.long).split(batch_size):
            tokens = self.tokenizer(
                [texts[index] for index in batch.tolist()],
                padding=True,
                truncation=True,
                max_length=LONGEST,
                return_tensors="pt",
            ).to(device)
            hidden = self.encoder(**tokens).last_hidden_state
            vectors[batch.to(device)] = F.normalize(mean_pool(hidden, tokens["attention_mask"]).float())
        return vectors

    def forward(self, texts: Sequence[str]) -> Tensor:
        """(N, classes) logits; ValueError before there is a head."""
        if self.head is None:
            raise ValueError("This teacher has no head yet: set teacher.head to an nn.Linear.")
        return self.head(self.encode(texts))


def _linear_from(state: dict[str, Tensor]) -> nn.Linear:
    classes, size = state["weight"].shape
    head = nn.Linear(size, classes)
    head.load_state_dict(state)
    return head
