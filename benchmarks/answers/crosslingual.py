"""Pooling, alignment and retrieval, as sentence-embedding code has them; and measuring and shipping."""

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.answers import answer


@answer("mean_pool", "multiplies_by_the_mask", "divides_by_zero", source="mean pooling without a clamp")
def no_clamp(hidden, mask):
    expanded = mask.unsqueeze(-1).expand(hidden.size()).to(hidden.dtype)
    return torch.sum(hidden * expanded, 1) / expanded.sum(1)


@answer("mean_pool", "multiplies_by_the_mask", source="sentence-transformers' mean_pooling")
def with_a_clamp(hidden, mask):
    expanded = mask.unsqueeze(-1).expand(hidden.size()).to(hidden.dtype)
    return torch.sum(hidden * expanded, 1) / torch.clamp(expanded.sum(1), min=1e-9)


@answer("mean_pool", "counts_padding", source="hidden.mean(1)")
def plain_mean(hidden, mask):
    return hidden.mean(dim=1)


@answer("mean_pool", "multiplies_by_the_mask", "normalises_the_result", source="pool and normalise")
def pooled_and_normalised(hidden, mask):
    m = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * m).sum(1) / m.sum(1).clamp(min=1e-9), dim=-1)


@answer("multilingual_mse", "adds_without_averaging", "trains_the_teacher_too", source="two MSE losses added")
def two_losses(student_source, student_target, teacher_source):
    return F.mse_loss(student_source, teacher_source) + F.mse_loss(student_target, teacher_source)


@answer("multilingual_mse", "leaves_the_source_out", "trains_the_teacher_too", source="translation only")
def translation_only(student_source, student_target, teacher_source):
    return F.mse_loss(student_target, teacher_source)


@answer("multilingual_mse", "takes_the_cosine", "trains_the_teacher_too", source="CosineEmbeddingLoss")
def cosine_loss(student_source, student_target, teacher_source):
    costs = [1 - F.cosine_similarity(x, teacher_source).mean() for x in (student_source, student_target)]
    return sum(costs) / 2


@answer("retrieval_accuracy", "lets_arg_max_break_ties", source="LASER-like arg max")
def arg_max(source, target):
    scores = F.normalize(source) @ F.normalize(target).T
    y = torch.arange(len(scores))
    return (scores.argmax(1) == y).float().mean().item(), (scores.argmax(0) == y).float().mean().item()


@answer("retrieval_accuracy", "searches_by_margin", source="LASER's margin search")
def margin_search(source, target):
    x = F.normalize(source) @ F.normalize(target).T
    k = min(4, len(x))
    margin = x / ((x.topk(k, 1).values.mean(1)[:, None] + x.topk(k, 0).values.mean(0)[None]) / 2)
    off = margin.clone().fill_diagonal_(-torch.inf)
    own = margin.diagonal()
    return (own > off.amax(1)).float().mean().item(), (own > off.amax(0)).float().mean().item()


@answer(
    "retrieval_accuracy", "searches_by_dot_product", "lets_arg_max_break_ties", source="inner product search"
)
def inner_product(source, target):
    scores = source @ target.T
    y = torch.arange(len(scores))
    return (scores.argmax(1) == y).float().mean().item(), (scores.argmax(0) == y).float().mean().item()


@answer("csls", "divides_by_the_neighbourhoods", source="ratio margin for CSLS")
def ratio(source, target, k=10):
    x = F.normalize(source, dim=1) @ F.normalize(target, dim=1).T
    a = x.topk(min(k, x.shape[1]), 1).values.mean(1)[:, None]
    b = x.topk(min(k, x.shape[0]), 0).values.mean(0)[None]
    return x / ((a + b) / 2)


@answer("csls", "asks_for_more_neighbours_than_there_are", source="MUSE: topk(10) as it is")
def muse(source, target, k=10):
    x = F.normalize(source, dim=1) @ F.normalize(target, dim=1).t()
    return 2 * x - x.topk(k, 1)[0].mean(1)[:, None] - x.topk(k, 0)[0].mean(0)[None]


@answer("procrustes", "transposes_v_twice", source="svd's V taken for its transpose")
def v_for_vh(source, target):
    u, _, v = torch.linalg.svd(source.T @ target)
    return u @ v.T


@answer("procrustes", "turns_the_other_way", source="MUSE's convention: W x")
def muse_convention(source, target):
    u, _, vh = torch.linalg.svd(target.T @ source)
    return u @ vh


@answer("language_weights", "gives_the_ratio_of_up_sampling", source="fairseq's size ratio")
def size_ratio(counts, alpha=0.3):
    total = sum(counts.values())
    p = {name: n / total for name, n in counts.items()}
    powers = {name: x**alpha if x else 0.0 for name, x in p.items()}
    return {name: powers[name] / sum(powers.values()) / x if x else 0.0 for name, x in p.items()}


@answer("language_weights", "divides_by_alpha", source="temperature sampling, t = 1 / alpha")
def temperature_sampling(counts, alpha=0.3):
    t = 1 / alpha
    powers = {name: n ** (1 / t) if n > 0 else 0.0 for name, n in counts.items()}
    return {name: x / sum(powers.values()) for name, x in powers.items()}


@answer("expected_calibration_error", "closes_the_bins_below", source="np.digitize and its edges")
def by_digitize(probabilities, targets, bins=15):
    confidence, choice = probabilities.max(1)
    right = (choice == targets).double()
    place = (confidence * bins).long().clamp(max=bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            gap = (right[inside].mean() - confidence[inside].double().mean()).abs()
            error += gap.item() * inside.double().mean().item()
    return error


@answer("paired_bootstrap", "breaks_up_the_pairs", source="two independent resamples")
def independent(a, b, samples=10_000, seed=0):
    rng = np.random.default_rng(seed)
    a, b = np.asarray(a, float), np.asarray(b, float)
    draws = [rng.choice(x, (samples, len(x))).mean(1) for x in (a, b)]
    low, high = np.percentile(draws[0] - draws[1], [2.5, 97.5])
    return float(a.mean() - b.mean()), float(low), float(high)


@answer("paired_bootstrap", "draws_half_as_many", source="resamples of half the size")
def half_the_size(a, b, samples=10_000, seed=0):
    rng = np.random.default_rng(seed)
    d = np.asarray(a, float) - np.asarray(b, float)
    means = rng.choice(d, (samples, max(len(d) // 2, 1))).mean(1)
    return float(d.mean()), *map(float, np.percentile(means, [2.5, 97.5]))


@answer("paired_bootstrap", "leaves_five_percent_on_each_side", source="np.percentile(…, [5, 95])")
def ninety_percent(a, b, samples=10_000, seed=0):
    rng = np.random.default_rng(seed)
    d = np.asarray(a, float) - np.asarray(b, float)
    means = rng.choice(d, (samples, len(d))).mean(1)
    return float(d.mean()), *map(float, np.percentile(means, [5, 95]))


@answer("quantize_int8", "keeps_the_scale_above_a_floor", source="clamp(min=1e-5) under the scale")
def with_a_floor(weight):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-5) / 127
    return torch.round(weight / scale).to(torch.int8), scale


@answer("quantize_int8", "rounds_the_scale_to_half", source="GGUF-like scales in half precision")
def half_scale(weight):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
    return torch.round(weight / scale).clamp(-127, 127).to(torch.int8), scale.half().to(weight.dtype)


@answer("quantize_int8", "leaves_a_scale_of_zero", source="THUDM/slime PR#2256")
def zero_scale(weight):
    scale = weight.abs().amax(dim=1, keepdim=True) / 127
    return torch.where(scale > 0, weight / scale, 0.0).round().to(torch.int8), scale


@answer("quantize_int8", "divides_the_weight_in_place", source="in-place quantisation")
def in_place(weight):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-30) / 127
    weight.div_(scale)
    return weight.round().to(torch.int8), scale


@answer("agreement", "leaves_out_the_mean", source="lesson 00's own example")
def without_mean(student_logits, teacher_logits):
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).item()


@answer(
    "agreement",
    "gives_percent",
    "returns_a_tensor",
    "returns_it_in_the_form_asked_for",
    source="accuracy helpers",
)
def percent(student_logits, teacher_logits):
    return (student_logits.argmax(1) == teacher_logits.argmax(1)).float().mean() * 100
