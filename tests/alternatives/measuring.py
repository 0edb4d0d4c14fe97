import random
from collections import defaultdict
from statistics import fmean, quantiles

import numpy as np
import torch

from tests.alternatives import accepted


@accepted("agreement")
def row_by_row(student_logits, teacher_logits):
    pairs = list(zip(student_logits.tolist(), teacher_logits.tolist(), strict=True))
    return sum(s.index(max(s)) == t.index(max(t)) for s, t in pairs) / len(pairs)


@accepted("agreement")
def with_the_indices_of_max(student_logits, teacher_logits):
    chosen = [logits.max(dim=1).indices for logits in (student_logits, teacher_logits)]
    return torch.eq(*chosen).sum().item() / student_logits.shape[0]


@accepted("agreement")
def in_numpy(student_logits, teacher_logits):
    return np.mean(np.argmax(student_logits.numpy(), 1) == np.argmax(teacher_logits.numpy(), 1))


@accepted("expected_calibration_error")
def bin_by_bin(probabilities, targets, bins=15):
    confidence, prediction = probabilities.max(dim=1)
    right = prediction.eq(targets)
    edges = torch.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = confidence.gt(low) & confidence.le(high)
        if inside.any():
            gap = right[inside].float().mean() - confidence[inside].mean()
            error += inside.float().mean().item() * abs(gap.item())
    return error


@accepted("expected_calibration_error")
def in_a_dictionary(probabilities, targets, bins=15):
    found = defaultdict(list)
    for row, target in zip(probabilities.tolist(), targets.tolist(), strict=True):
        confidence = max(row)
        place = next(b for b in range(bins) if confidence <= (b + 1) / bins or b == bins - 1)
        found[place].append((row.index(confidence) == target) - confidence)
    return sum(abs(sum(gaps)) for gaps in found.values()) / len(targets)


@accepted("expected_calibration_error")
def with_numpy_digitize(probabilities, targets, bins=15):
    p = probabilities.double().numpy()
    confidence, hit = p.max(1), p.argmax(1) == targets.numpy()
    place = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    counts = np.maximum(np.bincount(place, minlength=bins), 1)
    accuracy = np.bincount(place, hit, bins) / counts
    sure = np.bincount(place, confidence, bins) / counts
    return float((counts * np.abs(accuracy - sure)).sum() / len(hit))


@accepted("paired_bootstrap")
def in_plain_python(a, b, samples=10_000, seed=0):
    generator = random.Random(seed)
    differences = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    n = len(differences)
    means = sorted(fmean(generator.choices(differences, k=n)) for _ in range(samples))
    return fmean(differences), means[int(0.025 * samples)], means[min(int(0.975 * samples), samples - 1)]


@accepted("paired_bootstrap")
def in_numpy_with_percentiles(a, b, samples=10_000, seed=0):
    d = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    chosen = np.random.default_rng(seed).integers(0, d.size, size=(samples, d.size))
    low, high = np.percentile(d[chosen].mean(axis=1), [2.5, 97.5])
    return float(d.mean()), float(low), float(high)


@accepted("paired_bootstrap")
def with_multinomial_counts(a, b, samples=10_000, seed=0):
    d = torch.tensor([float(x) - float(y) for x, y in zip(a, b, strict=True)])
    generator = torch.Generator()
    generator.manual_seed(seed)
    chosen = torch.multinomial(torch.ones(len(d)), samples * len(d), replacement=True, generator=generator)
    means = d.index_select(0, chosen).view(samples, -1).mean(1)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975])).tolist()
    return d.mean().item(), low, high


@accepted("quantize_int8")
def row_by_row_in_python(weight):
    levels, scales = [], []
    for row in weight.tolist():
        scale = max(abs(value) for value in row) / 127 or 1.0
        levels.append([round(value / scale) for value in row])
        scales.append([scale])
    return torch.tensor(levels, dtype=torch.int8), torch.tensor(scales)


@accepted("quantize_int8")
def with_the_infinity_norm(weight):
    largest = torch.linalg.vector_norm(weight.double(), ord=torch.inf, dim=1, keepdim=True)
    levels = torch.where(largest > 0, 127 * weight / largest, 0).round()
    scale = torch.where(largest > 0, largest / 127, 1.0)
    return levels.clamp(-127, 127).char(), scale.to(weight.dtype)


@accepted("quantize_int8")
def with_torch_fake_quantisation(weight):
    scale = torch.maximum(weight.amax(1), -weight.amin(1)).clamp_min(1e-8) / 127
    zero = torch.zeros(len(weight), dtype=torch.int32)
    back = torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -127, 127)
    return torch.round(back / scale[:, None]).to(torch.int8), scale[:, None]


@accepted("paired_bootstrap")
def with_the_statistics_module(a, b, samples=10_000, seed=0):
    d = [float(x) - float(y) for x, y in zip(a, b, strict=True)]
    draw = random.Random(seed)
    cuts = quantiles([fmean(draw.choices(d, k=len(d))) for _ in range(samples)], n=40, method="inclusive")
    return fmean(d), cuts[0], cuts[-1]


@accepted("risk_threshold")
def threshold_by_threshold(confidence, correct, risk=0.05):
    answers = [(float(c), bool(hit)) for c, hit in zip(confidence, correct, strict=True)]
    for threshold in sorted(c for c, _ in answers):
        hits = [hit for c, hit in answers if c >= threshold]
        if hits.count(False) / len(hits) <= risk:
            return threshold
    return float("inf")


@accepted("risk_threshold")
def sorted_and_summed_up(confidence, correct, risk=0.05):
    confidence, order = torch.as_tensor(confidence, dtype=torch.float64).sort(descending=True)
    wrong = torch.as_tensor(correct)[order] == 0
    share = wrong.double().cumsum(0) / torch.arange(1, len(order) + 1)
    last = torch.ones_like(wrong)
    last[:-1] = confidence[:-1] != confidence[1:]
    fit = confidence[last & (share <= risk)]
    return fit[-1].item() if len(fit) else float("inf")


@accepted("risk_threshold")
def with_numpy_searchsorted(confidence, correct, risk=0.05):
    c = np.asarray([float(value) for value in confidence])
    mistakes = np.sort(c[np.asarray([not hit for hit in correct], dtype=bool)])
    levels = np.sort(c)
    accepted = len(c) - np.searchsorted(levels, levels)
    wrong = len(mistakes) - np.searchsorted(mistakes, levels)
    return float(np.min(levels[wrong / accepted <= risk], initial=np.inf))


@accepted("two_level_bootstrap")
def drawn_twice_in_plain_python(differences, groups, samples=10_000, seed=0):
    rows = defaultdict(list)
    ids = groups.tolist() if isinstance(groups, torch.Tensor) else groups
    for difference, group in zip(differences, ids, strict=True):
        rows[group].append(float(difference))
    every, draw = list(rows.values()), random.Random(seed)
    means = [
        sum(sum(draw.choices(own, k=len(own))) / len(own) for own in draw.choices(every, k=len(every)))
        / len(every)
        for _ in range(samples)
    ]
    low, *_, high = quantiles(means, n=40, method="inclusive")
    return fmean(map(fmean, every)), low, high


@accepted("two_level_bootstrap")
def with_multinomial_counts_in_numpy(differences, groups, samples=10_000, seed=0):
    ids = groups.tolist() if isinstance(groups, torch.Tensor) else groups
    number = {}
    places = np.array([number.setdefault(group, len(number)) for group in ids])
    x, rng = np.array([float(d) for d in differences]), np.random.default_rng(seed)
    times = rng.multinomial(len(number), np.full(len(number), 1 / len(number)), samples)
    means, observed = np.zeros(samples), 0.0
    for group in range(len(number)):
        own = x[places == group]
        observed += own.mean() / len(number)
        counts = rng.multinomial(times[:, group] * len(own), np.full(len(own), 1 / len(own)))
        means += (counts * own).sum(1) / len(own) / len(number)
    low, high = np.quantile(means, [0.025, 0.975])
    return observed.item(), low.item(), high.item()


@accepted("two_level_bootstrap")
def group_by_group_in_torch(differences, groups, samples=10_000, seed=0):
    ids = groups.tolist() if isinstance(groups, torch.Tensor) else groups
    generator = torch.Generator().manual_seed(seed)
    x = torch.as_tensor(differences).double()
    rows = [x[[id == own for id in ids]] for own in dict.fromkeys(ids)]
    chosen = torch.randint(len(rows), (samples, len(rows)), generator=generator)
    means = torch.empty(chosen.shape, dtype=torch.float64)
    for number, own in enumerate(rows):
        here = (chosen == number).nonzero(as_tuple=True)
        drawn = torch.randint(len(own), (len(here[0]), len(own)), generator=generator)
        means[here] = own[drawn].mean(1)
    ends = means.mean(1).sort().values[[int(0.025 * samples), min(int(0.975 * samples), samples - 1)]]
    return torch.stack([own.mean() for own in rows]).mean().item(), *ends.tolist()
