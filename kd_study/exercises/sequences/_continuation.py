"""Which tokens of a sampled continuation are scored, and the parts that on_policy_loss is put together from."""

import torch
from torch import Tensor

from kd_study.exercises.base import expect, gradient, normal


def in_continuation(tokens: Tensor, prompt_length: int) -> Tensor:
    return (torch.arange(tokens.shape[1]) >= prompt_length).expand_as(tokens)


def until_the_end(tokens: Tensor, eos_id: int) -> Tensor:
    """True up to and with each row's first end token."""
    ends = (tokens == eos_id).long()
    return ends.cumsum(1) - ends == 0


def scored_tokens(tokens: Tensor, prompt_length: int, eos_id: int) -> Tensor:
    """(N, L): the tokens that count, as it should be."""
    continues = in_continuation(tokens, prompt_length)
    return continues & until_the_end(tokens.masked_fill(~continues, eos_id - 1), eos_id)


def each_reverse_kl(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    log_q, log_p = student_logits.log_softmax(-1), teacher_logits.log_softmax(-1)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


def mean_loss(student_logits: Tensor, teacher_logits: Tensor, scored: Tensor) -> Tensor:
    """Mean over the scored tokens, as it should be."""
    kept = scored[:, 1:]
    each = each_reverse_kl(student_logits[:, :-1][kept], teacher_logits.detach()[:, :-1][kept])
    return each.sum() / max(each.numel(), 1)


def expect_scored(fn, tokens, prompt_length, eos_id, positions, en, zh):
    """Raises `Unmet` unless the logits at these positions, and no others, of the only row get a gradient."""
    tokens = torch.tensor([tokens])
    student, teacher = (normal(1, tokens.shape[1], 5, seed=seed) for seed in (11, 12))
    found = gradient(lambda leaf: fn(leaf, teacher, tokens, prompt_length, eos_id), student)
    reached = (found[0].nan_to_num(1.0).abs().amax(-1) > 1e-7).nonzero().flatten().tolist()
    expect(
        reached == positions,
        f"{en}: the logits at positions {positions} should get a gradient, but those at {reached} do",
        f"{zh}：得到梯度的应是位置{positions}的logits，实际是{reached}",
    )
