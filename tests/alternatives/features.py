from fractions import Fraction
from itertools import permutations
from math import floor

import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("hint_loss")
def with_mse_loss(student_hidden, teacher_hidden, projector):
    with torch.no_grad():
        goal = teacher_hidden.clone()
    return F.mse_loss(projector(student_hidden), goal)


@accepted("hint_loss")
def as_a_dot_product_in_float64(student_hidden, teacher_hidden, projector):
    gap = (projector(student_hidden).double() - teacher_hidden.data.double()).flatten()
    return (torch.dot(gap, gap) / gap.numel()).to(student_hidden.dtype)


@accepted("hint_loss")
def as_mean_of_squares_opened_up(student_hidden, teacher_hidden, projector):
    made, goal = projector(student_hidden), teacher_hidden.detach()
    return (made**2 - 2 * made * goal + goal**2).mean()


@accepted("attention_transfer")
def with_normalize(student_map, teacher_map):
    a, b = (F.normalize(x.pow(2).mean(1).flatten(1), eps=1e-8) for x in (student_map, teacher_map.detach()))
    return (a - b).pow(2).sum() / len(a)


@accepted("attention_transfer")
def as_two_minus_two_cosines(student_map, teacher_map):
    a, b = (x.square().sum(1).flatten(1) for x in (student_map, teacher_map.detach()))
    return (2 - 2 * F.cosine_similarity(a, b)).mean()


@accepted("attention_transfer")
def example_by_example(student_map, teacher_map):
    losses = []
    for s, t in zip(student_map.double(), teacher_map.detach().double(), strict=True):
        s, t = (torch.einsum("chw,chw->hw", x, x) / len(x) for x in (s, t))
        s, t = (x / x.norm().clamp(min=1e-20) for x in (s, t))
        losses.append((s - t).square().sum())
    return torch.stack(losses).mean().to(student_map.dtype)


@accepted("rkd_distance")
def with_cdist_and_a_mask(student, teacher):
    apart = ~torch.eye(len(student), dtype=torch.bool)
    s, t = (torch.cdist(x, x)[apart] for x in (student, teacher.detach()))
    return F.smooth_l1_loss(s / s.mean(), t / t.mean())


@accepted("rkd_distance")
def from_squares_and_a_product(student, teacher):
    def distances(x):
        squares = x.square().sum(1)
        both = (squares[:, None] + squares[None] - 2 * x @ x.T).clamp(min=1e-24).sqrt()
        return both * (1 - torch.eye(len(x), dtype=x.dtype))

    n, loss = len(student), torch.nn.HuberLoss(reduction="sum")
    s, t = distances(student), distances(teacher.detach())
    s, t = (d * n * (n - 1) / d.sum() for d in (s, t))
    return loss(s, t) / (n * (n - 1))


@accepted("rkd_distance")
def pair_by_pair(student, teacher):
    def distances(x):
        pairs = [(i, j) for i in range(len(x)) for j in range(len(x)) if i != j]
        return torch.stack([((x[i] - x[j]).square().sum() + 1e-30).sqrt() for i, j in pairs])

    s, t = distances(student), distances(teacher.detach())
    d = s / s.mean() - t / t.mean()
    return torch.where(d.abs() < 1, 0.5 * d * d, d.abs() - 0.5).mean()


@accepted("rkd_angle")
def triplet_by_triplet(student, teacher):
    total, count = student.new_zeros(()), 0
    for j, i, k in permutations(range(len(student)), 3):
        s, t = ((x[i] - x[j], x[k] - x[j]) for x in (student, teacher.detach()))
        s, t = (torch.dot(a, b) / (a.norm() * b.norm()) for a, b in (s, t))
        total, count = total + F.huber_loss(s, t), count + 1
    return total / count


@accepted("rkd_angle")
def all_entries_rescaled(student, teacher):
    def cosines(x):
        edges = F.normalize(x[:, None] - x[None], dim=-1, eps=1e-8)
        return torch.einsum("ijd,kjd->ijk", edges, edges)

    n = len(student)
    loss = F.smooth_l1_loss(cosines(student), cosines(teacher.detach()), reduction="sum")
    return loss / (n * (n - 1) * (n - 2))


@accepted("rkd_angle")
def vertex_by_vertex_over_unordered_pairs(student, teacher):
    def cosines(x, j):
        edges = torch.cat([x[:j], x[j + 1 :]]) - x[j]
        edges = edges / edges.square().sum(1, keepdim=True).clamp(min=1e-30).sqrt()
        i, k = torch.triu_indices(len(edges), len(edges), offset=1)
        return (edges[i] * edges[k]).sum(1)

    losses = [F.huber_loss(cosines(student, j), cosines(teacher.detach(), j)) for j in range(len(student))]
    return torch.stack(losses).mean()


@accepted("similarity_preserving")
def with_normalised_columns(student, teacher):
    s, t = (F.normalize(x @ x.T, dim=0, eps=1e-8) for x in (student, teacher.detach()))
    return (s - t).pow(2).mean()


@accepted("similarity_preserving")
def row_by_row_over_a_norm_of_its_own(student, teacher):
    total = 0.0
    for s, t in zip(torch.einsum("id,jd->ij", student, student), teacher @ teacher.T, strict=True):
        s, t = (x / x.norm().clamp(min=1e-20) for x in (s, t.detach()))
        total = total + (s - t).square().sum()
    return total / len(student) ** 2


@accepted("similarity_preserving")
def with_the_frobenius_norm_in_float64(student, teacher):
    with torch.no_grad():
        goal = F.normalize(teacher.double() @ teacher.double().T)
    made = F.normalize(student.double() @ student.double().T)
    return ((made - goal).norm(p="fro") ** 2 / made.numel()).to(student.dtype)


@accepted("contrastive_kd")
def as_a_cross_entropy(student, teacher, temperature=0.07):
    s, t = F.normalize(student, dim=-1), F.normalize(teacher, dim=-1).detach()
    return F.cross_entropy(s @ t.T / temperature, torch.arange(len(s)))


@accepted("contrastive_kd")
def with_cosine_similarity_and_logsumexp(student, teacher, temperature=0.07):
    scores = F.cosine_similarity(student[:, None], teacher.detach()[None], dim=2) / temperature
    return (torch.logsumexp(scores, 1) - torch.diagonal(scores)).mean()


@accepted("contrastive_kd")
def row_by_row_with_negatives_second(student, teacher, temperature=0.07):
    losses = []
    for i, s in enumerate(student):
        t = torch.cat([teacher[i : i + 1], teacher[:i], teacher[i + 1 :]]).detach()
        t = t / t.norm(dim=1, keepdim=True).clamp(min=1e-20)
        scores = t @ s / s.norm().clamp(min=1e-20) / temperature
        losses.append(-F.log_softmax(scores, 0)[0])
    return sum(losses) / len(losses)


@accepted("layer_map")
def by_floor_of_a_fraction(student_layers, teacher_layers):
    if student_layers < 1 or student_layers > teacher_layers:
        raise ValueError("depths don't fit")
    return [floor(Fraction(i * teacher_layers, student_layers)) for i in range(1, 1 + student_layers)]


@accepted("layer_map")
def by_running_remainder(student_layers, teacher_layers):
    if student_layers <= 0:
        raise ValueError(student_layers)
    if teacher_layers < student_layers:
        raise ValueError(teacher_layers)
    step, rest = divmod(teacher_layers, student_layers)
    layers, here, left = [], 0, 0
    for _ in range(student_layers):
        left += rest
        here += step + left // student_layers
        left %= student_layers
        layers.append(here)
    return layers


@accepted("layer_map")
def by_int_of_the_product(student_layers, teacher_layers):
    if not 0 < student_layers <= teacher_layers:
        raise ValueError
    return list(map(lambda i: int((i + 1) * teacher_layers / student_layers), range(student_layers)))


@accepted("minilm_relation")
def sentence_by_sentence_without_padding(student_values, teacher_values, heads, mask=None):
    keep = torch.ones(student_values.shape[:2]) if mask is None else mask
    total, count = student_values[keep.bool()].sum() * 0, 0
    for s, t, m in zip(student_values, teacher_values.detach(), keep.bool(), strict=True):
        for a, b in zip(s[m].chunk(heads, dim=1), t[m].chunk(heads, dim=1), strict=True):
            log_q, log_p = (torch.log_softmax(x @ x.T / x.shape[1] ** 0.5, dim=1) for x in (a, b))
            total = total + F.kl_div(log_q, log_p, reduction="sum", log_target=True)
            count += len(a)
    return total / max(count, 1)


@accepted("minilm_relation")
def with_scores_of_minus_infinity(student_values, teacher_values, heads, mask=None):
    n, length, _ = student_values.shape
    keep = torch.ones(n, length, dtype=torch.bool) if mask is None else mask != 0

    def rows(values):
        v = values.masked_fill(~keep.unsqueeze(-1), 0.0).reshape(n, length, heads, -1).permute(0, 2, 1, 3)
        scores = torch.einsum("nhqd,nhkd->nhqk", v, v) / v.shape[-1] ** 0.5
        scores = scores.masked_fill(~keep[:, None, None, :], float("-inf"))
        return scores.permute(0, 2, 1, 3)[keep]

    q, p = rows(student_values).log_softmax(-1), rows(teacher_values).detach().softmax(-1)
    each = torch.where(p > 0, p * (p.clamp(min=1e-38).log() - q.masked_fill(p == 0, 0.0)), 0.0)
    return each.sum() / max(keep.sum().item() * heads, 1)


@accepted("minilm_relation")
def with_a_large_negative_number_and_weights(student_values, teacher_values, heads, mask=None):
    weight = (
        student_values.new_ones(student_values.shape[:2]) if mask is None else mask.to(student_values.dtype)
    )
    hidden = (weight == 0)[..., None]

    def log_rows(values):
        parts = values.masked_fill(hidden, 0).chunk(heads, -1)
        scores = torch.stack([x @ x.transpose(1, 2) / x.shape[-1] ** 0.5 for x in parts], 1)
        return F.log_softmax(scores.masked_fill((weight == 0)[:, None, None], -1e9), -1)

    with torch.no_grad():
        log_p = log_rows(teacher_values)
    each = F.kl_div(log_rows(student_values), log_p, reduction="none", log_target=True).sum(-1)
    return (each * weight[:, None]).sum() / (heads * weight.sum()).clamp(min=1)
