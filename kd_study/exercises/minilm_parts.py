"""What the checks and the wrong answers of minilm_relation share: relations written out, sentences with padding."""

import torch
import torch.nn.functional as F

from kd_study.exercises.base import normal

TENSORS = ("student_values", "teacher_values")


def example() -> dict:
    """Two sentences of four tokens, of which three and two count."""
    return {
        "student_values": normal(2, 4, 4, seed=1, scale=1.0),
        "teacher_values": normal(2, 4, 6, seed=2, scale=1.0),
        "heads": 2,
        "mask": torch.tensor([[True, True, True, False], [True, True, False, False]]),
    }


def with_padding(arguments: dict, value: float) -> dict:
    """The arguments with `value` at every token that is masked out, on both sides."""
    hidden = ~arguments["mask"].bool()[..., None]
    return arguments | {name: arguments[name].masked_fill(hidden, value) for name in TENSORS}


def kept(values, mask):
    """Bool (N, L): the tokens that count."""
    return torch.ones(values.shape[:2], dtype=torch.bool) if mask is None else mask.bool()


def split(values, heads):
    """(N, L, D) → (N, heads, L, D / heads)."""
    return values.unflatten(-1, (heads, -1)).transpose(1, 2)


def scores(values, heads, keep, root=None):
    """(N, heads, L, L) scaled inner products; what isn't kept is 0 as a vector and no key; `root` replaces √head size."""
    parts = split(torch.where(keep[..., None], values, 0), heads)
    root = parts.shape[-1] ** 0.5 if root is None else root
    return (parts @ parts.mT / root).masked_fill(~keep[:, None, None], torch.finfo(values.dtype).min)


def kl(student_scores, teacher_scores):
    """KL(teacher ‖ student) of each query, (N, heads, L)."""
    log_p, log_q = teacher_scores.detach().log_softmax(-1), student_scores.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def mean_of_kept(each, keep):
    """Mean over heads and kept queries of (N, heads, L); 0 where nothing is kept."""
    chosen = each.transpose(1, 2)[keep]
    return chosen.sum() / max(chosen.numel(), 1)


def relation_kl(student_values, teacher_values, heads, mask, root=None):
    """The loss by the functions above."""
    keep = kept(student_values, mask)
    return mean_of_kept(
        kl(scores(student_values, heads, keep, root), scores(teacher_values, heads, keep, root)), keep
    )


def sentence_by_sentence(student_values, teacher_values, heads, mask=None):
    """The loss in loops over sentences and heads, padding cut off: what the checks expect."""
    each = []
    for s, t, keep in zip(student_values, teacher_values.detach(), kept(student_values, mask), strict=True):
        for part_s, part_t in zip(s[keep].chunk(heads, -1), t[keep].chunk(heads, -1), strict=True):
            log_q, log_p = ((x @ x.T / x.shape[-1] ** 0.5).log_softmax(-1) for x in (part_s, part_t))
            each.append(F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1))
    return torch.cat(each).mean()
