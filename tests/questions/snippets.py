"""What stands between the fences of a question, and running it with small models."""

import copy
import random
import re

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader

from kd_study.questions import question

TOOLS = {
    "torch": torch,
    "nn": nn,
    "F": F,
    "copy": copy,
    "random": random,
    "checkpoint": checkpoint,
    "DataLoader": DataLoader,
    "DistributedDataParallel": DistributedDataParallel,
}


def block(name: str, kind: str = "python", language: str = "en") -> str:
    """The one block of that kind in a question's text."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", getattr(question(name).question, language), re.M | re.S)
    return found


def ran(name: str, **given) -> dict:
    """The names that a question's code leaves behind, run with what it takes for granted."""
    names = TOOLS | given
    exec(compile(block(name), name, "exec"), names)
    return names


def numbers(name: str, language: str = "en") -> list[list[float]]:
    """The numbers of a log, line by line, its first line left out."""
    return [
        [float(each) for each in re.findall(r"(?<![A-Za-z0-9_.])\d+(?:\.\d+)?", line)]
        for line in block(name, "text", language).splitlines()[1:]
    ]


def gradient(loss: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
    """d loss / d of, zero where nothing flows."""
    (found,) = torch.autograd.grad(loss, of, allow_unused=True)
    return torch.zeros_like(of) if found is None else found


def kl(log_p: torch.Tensor, log_q: torch.Tensor) -> torch.Tensor:
    """KL(p || q) a row."""
    return (log_p.exp() * (log_p - log_q)).sum(-1)
