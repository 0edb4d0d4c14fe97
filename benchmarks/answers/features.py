"""Losses on hidden states and relations."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.answers import answer

FORM = "returns_it_in_the_form_asked_for"


@answer("similarity_preserving", FORM, "trains_the_teacher_too", source="HobbitLong/RepDistiller, SP.py")
def shape_of_one(student, teacher):
    n = student.shape[0]
    s, t = student.view(n, -1), teacher.view(n, -1)
    s, t = F.normalize(torch.mm(s, torch.t(s))), F.normalize(torch.mm(t, torch.t(t)))
    return ((t - s) * (t - s)).view(-1, 1).sum(0) / (n * n)


@answer(
    "similarity_preserving",
    FORM,
    "normalises_the_whole_matrix",
    "trains_the_teacher_too",
    source="a reimplementation",
)
def norm_of_the_matrix(student, teacher):
    s, t = student @ student.t(), teacher @ teacher.t()
    s, t = s / s.norm(2), t / t.norm(2)
    return ((t - s) * (t - s)).view(-1, 1).sum(0) / (len(s) ** 2)


@answer(
    "similarity_preserving", "normalises_the_vectors", "trains_the_teacher_too", source="a federated variant"
)
def cosines_instead(student, teacher):
    s, t = F.normalize(student), F.normalize(teacher)
    difference = torch.norm(s @ s.t() - t @ t.t())
    return difference * difference / (len(s) * len(s))


@answer(
    "attention_transfer",
    "averages_over_places",
    "trains_the_teacher_too",
    source="szagoruyko/attention-transfer",
)
def mean_of_all(student_map, teacher_map):
    def at(x):
        return F.normalize(x.pow(2).mean(1).view(x.size(0), -1))

    return (at(student_map) - at(teacher_map)).pow(2).mean()


@answer("attention_transfer", "averages_over_places", "takes_absolute_activations", source="p = 1 variants")
def with_p_of_one(student_map, teacher_map):
    s, t = (F.normalize(x.abs().mean(1).flatten(1)) for x in (student_map, teacher_map.detach()))
    return (s - t).pow(2).mean()


@answer(
    "attention_transfer",
    "adds_a_small_number_to_the_length",
    "trains_the_teacher_too",
    source="AT with eps=1e-6",
)
def with_an_eps(student_map, teacher_map):
    def at(x, eps=1e-6):
        a = torch.pow(torch.abs(x), 2).mean(1).flatten(1)
        return torch.div(a, torch.norm(a, dim=1, keepdim=True) + eps)

    return (at(student_map) - at(teacher_map)).pow(2).sum(1).mean()


@answer("attention_transfer", "forgets_to_normalise", "averages_over_places", source="early drafts")
def raw_maps(student_map, teacher_map):
    return F.mse_loss(student_map.pow(2).mean(1), teacher_map.detach().pow(2).mean(1))


def _pdist(e, eps=1e-12):
    squares = e.pow(2).sum(dim=1)
    d = (squares.unsqueeze(1) + squares.unsqueeze(0) - 2 * e @ e.t()).clamp(min=eps).sqrt().clone()
    d[range(len(e)), range(len(e))] = 0
    return d


@answer(
    "rkd_distance", "averages_the_diagonal_in", "leaves_equal_points_out_of_the_mean",
    source="lenscloth/RKD, metric/loss.py",
)  # fmt: skip
def rkd_as_published(student, teacher):
    with torch.no_grad():
        t = _pdist(teacher)
        t = t / t[t > 0].mean()
    s = _pdist(student)
    return F.smooth_l1_loss(s / s[s > 0].mean(), t)


@answer("rkd_distance", "averages_the_diagonal_in", "forgets_to_normalise", source="ports without the mean")
def plain_distances(student, teacher):
    return F.smooth_l1_loss(_pdist(student), _pdist(teacher.detach()))


@answer("rkd_distance", "squares_the_differences", "trains_the_teacher_too", source="MSE for Huber")
def with_mse(student, teacher):
    i, j = torch.triu_indices(len(student), len(student), offset=1)
    s, t = ((x[i] - x[j]).norm(dim=1) for x in (student, teacher))
    return F.mse_loss(s / s.mean(), t / t.mean())


@answer("rkd_angle", "averages_over_all_entries", source="lenscloth/RKD, metric/loss.py")
def angles_as_published(student, teacher):
    def angles(x):
        edges = F.normalize(x.unsqueeze(0) - x.unsqueeze(1), p=2, dim=2)
        return torch.bmm(edges, edges.transpose(1, 2)).view(-1)

    with torch.no_grad():
        t = angles(teacher)
    return F.smooth_l1_loss(angles(student), t, reduction="mean")


@answer(
    "rkd_angle", "averages_over_all_entries", "puts_the_points_on_a_sphere", source="normalised embeddings given",
)  # fmt: skip
def after_normalising(student, teacher):
    def angles(x):
        x = F.normalize(x, dim=1)
        edges = F.normalize(x.unsqueeze(0) - x.unsqueeze(1), dim=2)
        return torch.bmm(edges, edges.transpose(1, 2)).view(-1)

    return F.smooth_l1_loss(angles(student), angles(teacher.detach()))


@answer("rkd_angle", "forgets_to_normalise", "trains_the_teacher_too", source="dot products for cosines")
def dot_products(student, teacher):
    n = len(student)
    place = torch.arange(n)
    i, j, k = (x.flatten() for x in torch.meshgrid(place, place, place, indexing="ij"))
    kept = (i != j) & (k != j) & (i != k)
    i, j, k = i[kept], j[kept], k[kept]
    s, t = (((x[i] - x[j]) * (x[k] - x[j])).sum(1) for x in (student, teacher))
    return F.smooth_l1_loss(s, t)


@answer("hint_loss", "trains_the_teacher_too", source="RepDistiller, FitNet.py: nn.MSELoss()")
def hint_as_published(student_hidden, teacher_hidden, projector):
    return nn.MSELoss()(projector(student_hidden), teacher_hidden)


@answer("hint_loss", "takes_the_cosine", "trains_the_teacher_too", source="cosine hint losses")
def cosine_hint(student_hidden, teacher_hidden, projector):
    return 1 - F.cosine_similarity(projector(student_hidden), teacher_hidden, dim=-1).mean()


@answer("hint_loss", "looks_at_the_first_token_only", source="[CLS] distillation")
def cls_only(student_hidden, teacher_hidden, projector):
    if student_hidden.dim() == 3:
        student_hidden, teacher_hidden = student_hidden[:, 0], teacher_hidden[:, 0]
    else:
        student_hidden, teacher_hidden = student_hidden[:1], teacher_hidden[:1]
    return F.mse_loss(projector(student_hidden), teacher_hidden.detach())


@answer("hint_loss", "ignores_the_projector", source="equal widths assumed")
def no_projector(student_hidden, teacher_hidden, projector):
    return F.mse_loss(student_hidden, teacher_hidden.detach())


@answer("hint_loss", "sums_the_squares", "trains_the_teacher_too", source="reduction='sum'")
def summed(student_hidden, teacher_hidden, projector):
    return ((projector(student_hidden) - teacher_hidden) ** 2).sum()


@answer("hint_loss", "compares_directions_only", "trains_the_teacher_too", source="normalised hints")
def both_normalised(student_hidden, teacher_hidden, projector):
    s, t = F.normalize(projector(student_hidden), dim=-1), F.normalize(teacher_hidden, dim=-1)
    return F.mse_loss(s, t)


@answer(
    "layer_map", "steps_back_from_the_last_layer", "refuses_nothing", source="TinyBERT-like, from the end"
)
def from_the_end(student_layers, teacher_layers):
    step = teacher_layers // student_layers
    return list(range(teacher_layers, 0, -step))[:student_layers][::-1]


@answer("layer_map", "fixes_both_ends", "refuses_nothing", source="np.linspace in int()")
def linspace(student_layers, teacher_layers):
    return [int(x) for x in np.linspace(1, teacher_layers, student_layers)]


@answer("layer_map", "takes_every_other_layer", "refuses_nothing", source="DistilBERT's 1 3 5 8 10 12")
def distilbert(student_layers, teacher_layers):
    return [min(2 * i + 1, teacher_layers) for i in range(student_layers - 1)] + [teacher_layers]


@answer("layer_map", "rounds_before_it_multiplies", "refuses_nothing", source="every k-th layer")
def every_kth(student_layers, teacher_layers):
    k = teacher_layers // student_layers
    return [k * (i + 1) for i in range(student_layers)]


@answer(
    "layer_map",
    "counts_from_zero",
    "refuses_nothing",
    "lets_a_student_without_layers_through",
    source="indices of hidden_states",
)
def zero_based(student_layers, teacher_layers):
    return [(i + 1) * teacher_layers // student_layers - 1 for i in range(student_layers)]


@answer(
    "minilm_relation", "averages_over_keys_too", "ignores_the_mask", source="kl_div of log-softmaxes, mean"
)
def relations_with_mean(student_values, teacher_values, heads, mask=None):
    def relation(x):
        x = x.unflatten(-1, (heads, -1)).transpose(1, 2)
        return x @ x.transpose(-1, -2) / x.shape[-1] ** 0.5

    s, t = F.log_softmax(relation(student_values), -1), F.softmax(relation(teacher_values.detach()), -1)
    return F.kl_div(s, t, reduction="mean")


@answer("contrastive_kd", "trains_the_teacher_too", source="CLIP-style, teacher not detached")
def clip_style(student, teacher, temperature=0.07):
    s, t = F.normalize(student, dim=-1), F.normalize(teacher, dim=-1)
    return F.cross_entropy(s @ t.T / temperature, torch.arange(len(s)))


@answer(
    "contrastive_kd", "averages_both_directions", "trains_the_teacher_too", source="CLIP's symmetric loss"
)
def clip_both_ways(student, teacher, temperature=0.07):
    scores = F.normalize(student, dim=-1) @ F.normalize(teacher, dim=-1).T / temperature
    y = torch.arange(len(scores))
    return (F.cross_entropy(scores, y) + F.cross_entropy(scores.T, y)) / 2


@answer("contrastive_kd", "forgets_to_normalise", "forgets_the_temperature", source="plain InfoNCE")
def dot_product_nce(student, teacher, temperature=0.07):
    return F.cross_entropy(student @ teacher.detach().T, torch.arange(len(student)))
