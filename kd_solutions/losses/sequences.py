"""Distillation of sequences: one loss a token, averaged over the tokens that count.

All return a scalar in the student's dtype with a graph to the student alone; `accumulated_kd` a list of them.
Tokens are selected by their mask before anything is computed: NaN times 0 is NaN, in the backward pass too.
The mean is one mean over all kept tokens of the batch, not a mean of the sentences' means. No token gives 0.
Shapes that differ are a ValueError.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from kd_solutions.losses.numerics import log_sum, mean_or_zero, same_shape, widen
from kd_solutions.losses.response import distillation_kl, kl_per_row
from kd_solutions.support.language import say


def masked_kd(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    """`distillation_kl` of each token, with its T², mean over the kept tokens of the batch.

    Args: two (N, L, C); mask (N, L), true or 1 where a token counts; temperature > 0. Returns: a scalar.
    Source: Sanh et al. 2019, "DistilBERT"; Kim & Rush 2016, "Sequence-Level Knowledge Distillation", for
    word-level distillation.
    """
    same_shape(student_logits, teacher_logits)
    same_shape(mask, student_logits[..., 0])
    kept = mask.bool()
    return distillation_kl(student_logits[kept], teacher_logits[kept], temperature)


def accumulated_kd(
    student_logits: Tensor,
    teacher_logits: Tensor,
    mask: Tensor,
    micro_batches: int,
    temperature: float = 1.0,
) -> list[Tensor]:
    """`masked_kd` in pieces for gradient accumulation: the losses' sum is that of the whole batch.

    Each piece is its sum over kept tokens divided by the number kept in the whole batch. Dividing by the
    piece's own number would weigh a token in a short piece more. Each loss can be back-propagated by
    itself.

    Args: two (N, L, C); mask (N, L); micro_batches > 0, cut along N as `torch.chunk` does, which can give
    fewer; temperature > 0. Returns: a list of scalars.
    Source: huggingface/trl PR#6006, where each piece was divided by its own number.
    """
    same_shape(student_logits, teacher_logits)
    same_shape(mask, student_logits[..., 0])
    mask = mask.bool()
    total = mask.sum().clamp(min=1)
    pieces = zip(*(x.chunk(micro_batches) for x in (student_logits, teacher_logits, mask)), strict=True)
    return [
        (kl_per_row(student[kept], teacher[kept], temperature).sum() / total).to(student.dtype)
        for student, teacher, kept in pieces
    ]


def top_k_kd(
    student_logits: Tensor, top_values: Tensor, top_indices: Tensor, temperature: float = 1.0
) -> Tensor:
    """T² · KL(teacher ‖ student) over the teacher's k largest classes and one bucket for all the others.

    Storing k probabilities a token makes offline teachers of large vocabularies affordable. Without the
    bucket the k would be taken for everything there is. The bucket is one more class, with the
    probability that the k leave. With k = C the loss is `distillation_kl`; else a lower bound of it.

    Args: student_logits (…, C); top_values (…, k), the teacher's probabilities at T; top_indices (…, k),
    their classes; temperature > 0. Returns: a scalar, mean over all rows.
    Source: Anshumann et al. 2025, "Sparse Logit Sampling", on what plain top-k loses.
    """
    same_shape(top_values, top_indices)
    same_shape(student_logits, top_values, "all but last")
    student, p = widen(student_logits), widen(top_values)
    top = student.gather(-1, top_indices)
    if top.shape[-1] < student.shape[-1]:
        others = log_sum(student.scatter(-1, top_indices, -torch.inf) / temperature)
        p_others = (1 - p.sum(-1, keepdim=True)).clamp(min=0)
        rounding = p_others <= p.shape[-1] * torch.finfo(top_values.dtype).eps
        p_others = p_others.masked_fill(rounding & (others == -torch.inf), 0)  # both mask all the others
        top = torch.cat([top, temperature * others], -1)
        p = torch.cat([p, p_others], -1)
    return distillation_kl(top, temperature * p.log(), temperature).to(student_logits.dtype)


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """KL(student ‖ teacher), mean over kept tokens: mode-seeking.

    A student too small for all of the teacher's modes is punished for probability where the teacher has none,
    and gives up modes instead; forward KL would smear it over all of them.

    Args: two (…, C); mask (…), true or 1 where a token counts, None for all. Returns: a scalar, in nats.
    Source: Gu et al. 2024, "MiniLLM: Knowledge Distillation of Large Language Models".
    """
    same_shape(student_logits, teacher_logits)
    log_q = _log_probabilities(student_logits, mask)
    log_p = _log_probabilities(teacher_logits.detach(), mask)
    return mean_or_zero(_kl(log_q, log_p)).to(student_logits.dtype)


def generalized_jsd(
    student_logits: Tensor, teacher_logits: Tensor, beta: float = 0.5, mask: Tensor | None = None
) -> Tensor:
    """beta · KL(teacher ‖ m) + (1 − beta) · KL(student ‖ m), with m = beta · teacher + (1 − beta) · student.

    Bounded, as m is 0 nowhere that either is not. For beta → 0 it tends to 0 as beta · KL(teacher ‖ student),
    for beta → 1 as (1 − beta) · KL(student ‖ teacher): the ends are no KL, so they are refused.

    Args: two (…, C); 0 < beta < 1, else ValueError; mask (…), None for all. Returns: a scalar, in nats.
    Source: Agarwal et al. 2024, "On-Policy Distillation of Language Models" (GKD).
    """
    if not 0 < beta < 1:
        raise ValueError(
            say(
                f"beta must lie between 0 and 1, got {beta}: at its ends the divergence is 0.",
                f"beta必须严格介于0和1之间，实际是{beta}：在两端散度恒为0。",
            )
        )
    same_shape(student_logits, teacher_logits)
    log_q = _log_probabilities(student_logits, mask)
    log_p = _log_probabilities(teacher_logits.detach(), mask)
    least = torch.finfo(log_q.dtype).min  # a class that both rule out: logaddexp of two -inf has no gradient
    log_m = torch.logaddexp(
        log_p.clamp(min=least) + math.log(beta), log_q.clamp(min=least) + math.log1p(-beta)
    )
    return mean_or_zero(beta * _kl(log_p, log_m) + (1 - beta) * _kl(log_q, log_m)).to(student_logits.dtype)


def uld_loss(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Universal logit distillation across tokenizers: L1 distance of the sorted probabilities.

    Two vocabularies have no class in common to compare, but the shapes of their distributions can be: how
    sure is the next token? Blind to which token is meant, so it needs a hard loss at its side.

    Args: student_logits (…, C); teacher_logits (…, C'), the smaller vocabulary padded with zeros.
    Returns: a scalar from 0 to 2, mean over all positions.
    Source: Boizard et al. 2024, "Towards Cross-Tokenizer Distillation: the Universal Logit Distillation Loss
    for LLMs".
    """
    same_shape(student_logits, teacher_logits, "all but last")
    q, p = (
        widen(logits).softmax(-1).sort(-1, descending=True).values
        for logits in (student_logits, teacher_logits.detach())
    )
    q, p = (F.pad(x, (0, max(q.shape[-1], p.shape[-1]) - x.shape[-1])) for x in (q, p))
    return mean_or_zero((q - p).abs().sum(-1)).to(student_logits.dtype)


def on_policy_loss(
    student_logits: Tensor, teacher_logits: Tensor, tokens: Tensor, prompt_length: int, eos_id: int
) -> Tensor:
    """Reverse KL along the student's own continuation: the teacher marks what the student really writes.

    Logits at position i score token i + 1. Scored are the tokens from `prompt_length` on, up to and with the
    first end token there: learning where to stop is part of the task. An end token in the prompt ends
    nothing.

    Args: two (N, L, C); tokens (N, L), prompt and what the student sampled; prompt_length, the same for all
    rows; eos_id. Returns: a scalar, mean over all scored tokens of the batch.
    Source: Agarwal et al. 2024, "On-Policy Distillation of Language Models"; Gu et al. 2024, "MiniLLM".
    """
    same_shape(tokens, student_logits[..., 0])
    continues = torch.arange(tokens.shape[1], device=tokens.device) >= prompt_length
    ends = (continues & (tokens == eos_id)).long()
    ends_before = ends.cumsum(1) - ends
    scored = continues & (ends_before == 0)
    return reverse_kl(student_logits[:, :-1], teacher_logits[:, :-1], scored[:, 1:])


def _log_probabilities(logits: Tensor, mask: Tensor | None) -> Tensor:
    """(tokens, C) of the kept tokens."""
    if mask is not None:
        same_shape(mask, logits[..., 0])
        logits = logits[mask.bool()]
    return widen(logits).log_softmax(-1)


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) of each token, with a gradient to both; a class of probability 0 in p counts nothing."""
    p = log_p.exp()
    return (p * torch.where(p == 0, 0, log_p - log_q)).sum(-1)
