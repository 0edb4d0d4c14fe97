"""A pretrained English sentence encoder, the teacher of every lesson."""

import hashlib
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.losses.numerics import widen
from kd_solutions.models.pooling import mean_pool
from kd_solutions.support.assets import asset_folder
from kd_solutions.support.devices import default_device
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.support.modes import answering

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
    def from_pretrained(
        cls, source: str | Path | None = None, device: torch.device | str | None = None
    ) -> Self:
        """From a folder, a name on Hugging Face, or by default all-MiniLM-L6-v2 from the assets.

        It is in eval mode. device: by default the GPU, where there is one.
        Raises: StudyError where there is no such model, or a part of it is missing or damaged.
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        source = source or asset_folder("teacher")
        try:
            encoder, report = AutoModel.from_pretrained(source, output_loading_info=True)
            tokenizer = AutoTokenizer.from_pretrained(source)
            _require_whole(encoder, tokenizer, report["missing_keys"])
            head = load_head(Path(source))
        except Exception as error:  # each of the formats has errors of its own
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise StudyError(
                say(
                    f"There is no teacher at {source} that can be read ({reason}): give a folder with "
                    "config.json, model.safetensors and tokenizer.json, or the name of a model on Hugging "
                    "Face that this machine can reach.",
                    f"{source}没有可读取的教师模型（{reason}）：请给出含有config.json、model.safetensors和"
                    "tokenizer.json的文件夹，或本机能访问到的Hugging Face模型名称。",
                )
            ) from error
        return cls(encoder, tokenizer, head).to(device or default_device()).eval()

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

    @property
    def device(self) -> torch.device:
        return next(self.encoder.parameters()).device

    def fingerprint(self) -> str:
        """A hash of all that decides its vectors: the same for two teachers only if their vectors are.

        The weights and the encoder's configuration, the tokenizer's state, and how `encode` reads a text.
        """
        digest = hashlib.sha256(json.dumps(_settings(self.encoder), sort_keys=True, default=repr).encode())
        digest.update(json.dumps(_state(self.tokenizer), sort_keys=True, default=repr).encode())
        digest.update(way_of_reading(type(self)).encode())
        for name, tensor in sorted(self.encoder.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    def encode(self, texts: Sequence[str], batch_size: int = 64) -> Tensor:
        """(N, D) float32: the mean over tokens, L2-normalised; no graph. Like lengths go in one batch.

        The encoder answers in eval mode, whatever mode it is in.
        """
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        vectors = torch.empty(len(texts), self.size, device=self.device)
        with answering(self.encoder):
            for batch in torch.tensor(order, dtype=torch.long).split(batch_size):
                tokens = self.tokenizer(
                    [_readable(texts[index]) for index in batch.tolist()],
                    padding=True,
                    truncation=True,
                    max_length=LONGEST,
                    return_tensors="pt",
                ).to(self.device)
                hidden = self.encoder(**tokens).last_hidden_state
                pooled = mean_pool(hidden, tokens["attention_mask"]).float()
                vectors[batch.to(self.device)] = F.normalize(pooled)
        return vectors

    def forward(self, texts: Sequence[str]) -> Tensor:
        """(N, classes) logits; ValueError before there is a head."""
        if self.head is None:
            raise ValueError(no_head())
        return self.head(self.encode(texts))


def no_head() -> str:
    return say(
        "This teacher has no head yet: set teacher.head to an nn.Linear.",
        "这个教师模型还没有分类头：请把teacher.head设为一个nn.Linear。",
    )


def load_head(folder: Path) -> nn.Linear | None:
    """The head that `TeacherModel.save` wrote into a folder, if any."""
    if not (folder / HEAD).exists():
        return None
    state = load_file(folder / HEAD)
    classes, size = state["weight"].shape
    head = nn.Linear(size, classes)
    head.load_state_dict(state)
    return head


def way_of_reading(kind: type[TeacherModel]) -> str:
    """What decides a vector beside the model's files: the code that reads a text, and where a text is cut."""
    return "".join([f"{LONGEST} ", *map(_code, (kind.encode, _readable, mean_pool, widen))])


def _code(function: Callable) -> str:
    try:
        return inspect.getsource(function)
    except OSError:  # typed into an interpreter
        return function.__code__.co_code.hex()


def _readable(text: str) -> str:
    """The text with half characters, as of a cut emoji, replaced: a tokenizer takes none."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _require_whole(encoder: nn.Module, tokenizer, missing: set[str]) -> None:
    """ValueError where transformers would put something random, or an empty vocabulary, in a part's place."""
    if missing := sorted(name for name in missing if "pooler" not in name):  # whose output nobody reads
        raise ValueError(f"the weights lack {missing[0]}")
    if len(tokenizer) < encoder.config.vocab_size / 2:  # tables are padded, but not to twice their size
        raise ValueError(f"its tokenizer knows {len(tokenizer)} of {encoder.config.vocab_size} tokens")


def _settings(encoder: nn.Module) -> dict[str, Any]:
    """What an encoder computes with its weights, wherever and by whichever release it was saved."""
    config = encoder.config.to_dict() if hasattr(encoder, "config") else {}
    here = {"_name_or_path", "transformers_version"}
    return {"layers": repr(encoder)} | {name: config[name] for name in config.keys() - here}


def _state(tokenizer) -> dict[str, Any]:
    """All that decides a text's tokens; padding and truncation, which `encode` sets, are left out."""
    plain = (bool, int, float, str, type(None))
    own = {name: value for name, value in vars(tokenizer).items() if isinstance(value, plain)}
    state = {name: value for name, value in own.items() if not name.endswith(("_file", "_path"))}
    state |= {"class": type(tokenizer).__name__, "vocabulary": tokenizer.get_vocab()}
    if backend := getattr(tokenizer, "backend_tokenizer", None):
        whole = json.loads(backend.to_str())
        state["backend"] = {name: whole[name] for name in whole.keys() - {"truncation", "padding"}}
    return state
