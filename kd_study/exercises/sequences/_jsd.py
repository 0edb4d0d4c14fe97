"""The parts that generalized_jsd is put together from, right ones and wrong."""

import math

import torch
from torch import Tensor


def kept_logs(student_logits, teacher_logits, mask):
    """log q and log p of the kept tokens; the teacher's detached."""
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    kept = mask.bool()
    return student_logits[kept].log_softmax(-1), teacher_logits.detach()[kept].log_softmax(-1)


def require_between(beta):
    if not 0 < beta < 1:
        raise ValueError(f"beta must lie between 0 and 1, got {beta}")


def log_mixture(log_q: Tensor, log_p: Tensor, beta: float) -> Tensor:
    return torch.logaddexp(log_p + math.log(beta), log_q + math.log(1 - beta))


def kl_of_logs(log_a: Tensor, log_b: Tensor) -> Tensor:
    return (log_a.exp() * (log_a - log_b)).sum(-1)


def each_jsd(log_q: Tensor, log_p: Tensor, beta: float) -> Tensor:
    """The divergence of every token, as it should be."""
    require_between(beta)
    log_m = log_mixture(log_q, log_p, beta)
    return beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m)


def mean_or_zero(each: Tensor) -> Tensor:
    return each.sum() / max(each.numel(), 1)
