"""Response-based distillation: losses on the logits of a teacher and a student.

All of them return a scalar with a graph to the student alone, in the student's dtype, and stay finite for
logits of ±1e4 as far as that dtype reaches. Half precision is computed in float32 inside, because a KL
divergence of bfloat16 numbers has few correct digits and may even be negative. A class that both mask with
-inf counts nothing, except for `logit_mse`. A row labelled -100 has no label: it is left out where the label
is needed, as in F.cross_entropy. An empty batch gives 0. Shapes that differ are a ValueError.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from kd_solutions.losses.numerics import (
    UNLABELLED,
    check_temperature,
    log_sum,
    mean_or_zero,
    same_shape,
    widen,
)


def soft_targets(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Probabilities at a temperature: softmax(logits / T).

    T > 1 flattens them, so that the wrong classes' probabilities ("dark knowledge") become visible; T → 0
    tends to the one-hot argmax, T → ∞ to 1/C.

    Args: logits (N, C); temperature > 0, else ValueError.
    Returns: (N, C), rows sum to 1, in the dtype of `logits`.
    Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """
    return _soften(logits, temperature).softmax(-1).to(logits.dtype)


def soft_cross_entropy(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Cross-entropy −Σ p log q of student q against soft labels p, both at T; mean over rows, without T².

    It is KL(p ‖ q) plus the teacher's entropy: the same gradient as KL, but not 0 for a perfect student.

    Args: two (N, C); temperature > 0. Returns: a scalar, in nats.
    Source: Hinton et al. 2015, section 2.
    """
    same_shape(student_logits, teacher_logits)
    p = _soften(teacher_logits.detach(), temperature).softmax(-1)
    log_q = _soften(student_logits, temperature).log_softmax(-1)
    return mean_or_zero(-_expectation(p, log_q)).to(student_logits.dtype)


def distillation_kl(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """T² · KL(teacher ‖ student) at temperature T, mean over rows.

    Zero if and only if the logits are equal up to a shift of each row. The soft gradient shrinks like 1/T²;
    the factor T² keeps its size, so that the balance with a hard loss survives a change of T.

    Args: two (N, C); temperature > 0. Returns: a scalar, in nats times T².
    Source: Hinton et al. 2015, section 2.1.
    """
    return mean_or_zero(kl_per_row(student_logits, teacher_logits, temperature)).to(student_logits.dtype)


def kd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    targets: Tensor,
    temperature: float = 4.0,
    alpha: float = 0.5,
) -> Tensor:
    """alpha · distillation_kl at T + (1 − alpha) · cross-entropy with the labels at T = 1.

    Continuous in alpha, both ends included: T² stays in the soft term whatever its weight, and a term of
    weight 0 may be infinite. The soft mean runs over all rows, the hard one over those with a label.

    Args: two (N, C); targets (N,) of class indices, -100 for none; temperature > 0; alpha in [0, 1].
    Returns: a scalar.
    Source: Hinton et al. 2015, section 2.
    """
    same_shape(targets, student_logits[:, 0])
    wide, labelled = widen(student_logits), (targets != UNLABELLED).sum()
    soft = distillation_kl(wide, teacher_logits, temperature)
    hard = F.cross_entropy(wide, targets, reduction="sum") / labelled.clamp(min=1)
    loss = hard if alpha == 0 else soft if alpha == 1 else alpha * soft + (1 - alpha) * hard
    return loss.to(student_logits.dtype)


def kd_gradient(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Gradient of `distillation_kl` with respect to the student's logits, derived by hand, without autograd.

    Every row sums to 0. For large T it tends to the centred difference of the logits over C · N: no T is
    left.

    Args: two (N, C); temperature > 0. Returns: (N, C), without a graph.
    Source: Hinton et al. 2015, section 2.1.
    """
    same_shape(student_logits, teacher_logits)
    q = _soften(student_logits.detach(), temperature).softmax(-1)
    p = _soften(teacher_logits.detach(), temperature).softmax(-1)
    return (temperature * (q - p) / max(len(q), 1)).to(student_logits.dtype)


def logit_mse(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Σ (centred difference)² / (2C), mean over rows: what `distillation_kl` becomes for large T.

    The error of that limit is O(1/T). Without centring a shift of a row, which no softmax sees, would cost.

    Args: two (N, C). Returns: a scalar, in squared logits.
    Source: Ba & Caruana 2014, "Do Deep Nets Really Need to be Deep?"; Hinton et al. 2015, section 2.1.
    """
    same_shape(student_logits, teacher_logits)
    difference = widen(student_logits) - widen(teacher_logits.detach())
    centred = difference - difference.mean(-1, keepdim=True)
    return mean_or_zero(centred.square().mean(-1) / 2).to(student_logits.dtype)


def dkd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    targets: Tensor,
    alpha: float = 1.0,
    beta: float = 8.0,
    temperature: float = 4.0,
) -> Tensor:
    """Decoupled KD, row mean of T² · (alpha · KL of target against rest + beta · KL among the others).

    `distillation_kl` of a row is the same sum with alpha = 1 and beta = 1 − p_t: a confident teacher silences
    what it knows about the other classes, and a fixed beta gives it its voice back. With two classes, or
    where the teacher masks all others, the second term is 0.

    Args: two (N, C); targets (N,) of class indices, -100 for a row that is left out; temperature > 0.
    Returns: a scalar.
    Source: Zhao et al. 2022, "Decoupled Knowledge Distillation".
    """
    same_shape(student_logits, teacher_logits)
    same_shape(targets, student_logits[:, 0])
    student, teacher, targets = (x[targets != UNLABELLED] for x in (student_logits, teacher_logits, targets))
    rows, classes = student.shape
    is_other = F.one_hot(targets, classes) == 0

    def split(logits: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of (target, rest), and of the other classes among themselves."""
        others = logits[is_other].view(rows, classes - 1)
        rest = log_sum(others)
        pair = torch.cat([logits.gather(1, targets[:, None]), rest], dim=1)
        return pair.log_softmax(1), torch.where(rest == -torch.inf, -torch.inf, others - rest)

    q_pair, q_others = split(_soften(student, temperature))
    p_pair, p_others = split(_soften(teacher.detach(), temperature))
    decoupled = alpha * _kl(p_pair, q_pair) + beta * _kl(p_others, q_others)
    return (temperature**2 * mean_or_zero(decoupled)).to(student_logits.dtype)


def dist_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    beta: float = 1.0,
    gamma: float = 1.0,
    temperature: float = 1.0,
) -> Tensor:
    """DIST: T² · (beta · inter + gamma · intra), each the mean of 1 − Pearson correlation of probabilities.

    Inter compares rows (how one example is spread over classes), intra compares columns (how one class is
    spread over the batch). Correlation forgives scale and offset, which helps where a strong teacher's
    probabilities are out of a small student's reach. The correlation with a constant row or column counts as
    0. A class that both mask belongs to no row, and one that is masked in every row is no column.

    Args: two (N, C); temperature > 0. Returns: a scalar between 0 and 2 · T² · (beta + gamma).
    Source: Huang et al. 2022, "Knowledge Distillation from A Stronger Teacher".
    """
    same_shape(student_logits, teacher_logits)
    q = _soften(student_logits, temperature).softmax(-1)
    p = _soften(teacher_logits.detach(), temperature).softmax(-1)
    counts = torch.maximum(student_logits, teacher_logits) != -torch.inf

    def distance(dim: int) -> Tensor:
        return 1 - (_standardise(q, counts, dim) * _standardise(p, counts, dim)).sum(dim)

    inter, intra = mean_or_zero(distance(1)), mean_or_zero(distance(0)[counts.any(0)])
    return (temperature**2 * (beta * inter + gamma * intra)).to(student_logits.dtype)


def smooth_labels(targets: Tensor, num_classes: int, epsilon: float = 0.1) -> Tensor:
    """Label smoothing as a teacher that knows nothing but the label: (1 − ε) · one-hot + ε / C.

    Args: targets (N,) of class indices; epsilon in [0, 1]. Returns: (N, C) probabilities, in the default
    dtype.
    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7.
    """
    return (1 - epsilon) * F.one_hot(targets, num_classes) + epsilon / num_classes


def average_teachers(teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """An ensemble as one teacher: the mean of the teachers' probabilities at T, not of their logits.

    Args: teacher_logits (K, N, C) of K teachers; temperature > 0. Returns: (N, C) probabilities, without a
    graph.
    Source: Hinton et al. 2015, section 3.
    """
    probabilities = _soften(teacher_logits.detach(), temperature).softmax(-1)
    return probabilities.mean(0).to(teacher_logits.dtype)


def kl_per_row(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """T² · KL(teacher ‖ student) of every row before any mean: two (…, C) → (…), in float32 or better.

    For losses that choose or weigh their rows; no gradient reaches the teacher.
    """
    same_shape(student_logits, teacher_logits)
    log_p = _soften(teacher_logits.detach(), temperature).log_softmax(-1)
    log_q = _soften(student_logits, temperature).log_softmax(-1)
    return temperature**2 * _kl(log_p, log_q)


def _soften(logits: Tensor, temperature: float) -> Tensor:
    """logits / T, in float32 at least."""
    check_temperature(temperature)
    return widen(logits) / temperature


def _expectation(p: Tensor, values: Tensor) -> Tensor:
    """Σ p · values over classes, where probability 0 times infinity is 0; NaN stays NaN."""
    return torch.where(p == 0, 0, p * values).sum(-1)


def _kl(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q) of every row."""
    return _expectation(log_p.exp(), log_p - log_q)


def _standardise(x: Tensor, counts: Tensor, dim: int) -> Tensor:
    """x, which is 0 where it doesn't count, centred and of length 1 along a dimension over what counts.

    Zeros where x is constant but for rounding.
    """
    mean = x.sum(dim, keepdim=True) / counts.sum(dim, keepdim=True).clamp(min=1)
    centred = torch.where(counts, x - mean, 0)
    length = torch.linalg.vector_norm(centred, dim=dim, keepdim=True)
    rounding = 16 * torch.finfo(x.dtype).eps * torch.linalg.vector_norm(x, dim=dim, keepdim=True)
    constant = length <= rounding
    return torch.where(constant, 0, centred) / torch.where(constant, 1, length)
