"""Word alignment and the filtering of parallel text, as public code has them."""

from collections import defaultdict

import torch
import torch.nn.functional as F

from benchmarks.answers import answer


@answer(
    "ibm1_step", "adds_a_null_word", "halves_a_repeated_target_word", "keeps_stale_entries", "divides_by_zero",
    source="NLTK's IBMModel1.train",
)  # fmt: skip
def as_in_nltk(pairs, table):
    words = {word for _, target in pairs for word in target}
    t = defaultdict(float, {(None, word): 1 / len(words) for word in words} | dict(table))
    counts, totals = defaultdict(float), defaultdict(float)
    for source, target in pairs:
        source = [None, *source]
        total_count = defaultdict(float)
        for word in target:
            for origin in source:
                total_count[word] += t[origin, word]
        for word in target:
            for origin in source:
                normalized = t[origin, word] / total_count[word]
                counts[origin, word] += normalized
                totals[origin] += normalized
    new = {key: count / totals[key[0]] for key, count in counts.items()}
    return {**table, **new}


@answer(
    "ibm1_step", "halves_a_repeated_target_word", "divides_by_zero", "returns_zeros",
    source="Koehn's pseudo-code, word by word",
)  # fmt: skip
def as_in_the_pseudo_code(pairs, table):
    counts, totals = defaultdict(float), defaultdict(float)
    for source, target in pairs:
        s_total = dict.fromkeys(target, 0.0)
        for word in target:
            for origin in source:
                s_total[word] += table.get((origin, word), 0)
        for word in target:
            for origin in source:
                counts[origin, word] += table.get((origin, word), 0) / s_total[word]
                totals[origin] += table.get((origin, word), 0) / s_total[word]
    return {(origin, word): counts[origin, word] / totals[origin] for origin, word in counts}


@answer(
    "ibm1_step",
    "shares_out_the_source_words",
    "makes_a_set_of_the_source",
    "divides_by_zero",
    "returns_zeros",
    source="pytorch/translate PR#493",
)
def denominator_of_the_source(pairs, table):
    expectations = defaultdict(lambda: defaultdict(float))
    for source, target in pairs:
        denom, nominator = defaultdict(float), defaultdict(lambda: defaultdict(float))
        for origin in source:
            for word in target:
                denom[origin] += table.get((origin, word), 0.0)
                nominator[origin][word] += table.get((origin, word), 0.0)
        for origin in nominator:
            for word in nominator[origin]:
                expectations[origin][word] += nominator[origin][word] / denom[origin]
    return {
        (origin, word): value / sum(row.values())
        for origin, row in expectations.items()
        for word, value in row.items()
    }


@answer("ibm1_step", "raises_at_a_missing_entry", source="a course's EM in a plain dict")
def plain_dict(pairs, table):
    counts, totals = {}, {}
    for source, target in pairs:
        for f in target:
            z = sum(table[e, f] for e in source)
            for e in source:
                c = table[e, f] / z
                counts[e, f] = counts.get((e, f), 0) + c
                totals[e] = totals.get(e, 0) + c
    return {(e, f): counts[e, f] / totals[e] for e, f in counts}


@answer(
    "margin_scores", "normalises_in_place", source="LASER's mine_bitexts, mode score, with faiss.normalize_L2"
)
def laser_in_place(source, target, k=4):
    source /= source.norm(dim=1, keepdim=True)
    target /= target.norm(dim=1, keepdim=True)
    sim = source @ target.T
    x2y = sim.topk(min(k, len(target)), 1).values.mean(1)
    y2x = sim.topk(min(k, len(source)), 0).values.mean(0)
    return torch.stack([sim[i, i] / ((x2y[i] + y2x[i]) / 2) for i in range(len(source))])


@answer("margin_scores", "asks_for_more_neighbours_than_there_are", source="facebookresearch/LASER#57")
def laser_before_the_fix(source, target, k=4):
    x, y = F.normalize(source), F.normalize(target)
    forward, backward = torch.topk(x @ y.T, k)[0].mean(1), torch.topk(y @ x.T, k)[0].mean(1)
    return (x * y).sum(1) / ((forward + backward) / 2)


@answer("margin_scores", "cuts_k_to_one_less", source="an xsim with min(k, n - 1)")
def xsim_with_one_less(source, target, k=4):
    x, y = F.normalize(source), F.normalize(target)
    sim, n = x @ y.T, len(source)
    kk = min(k, n - 1) if n > 1 else 1
    forward = sim.sort(1)[0][:, -kk:].mean(1, keepdim=True)
    backward = sim.sort(0)[0][-kk:].mean(0, keepdim=True)
    return (sim / ((forward + backward) / 2).clamp(min=1e-9)).diagonal()


@answer("margin_scores", "scores_the_best_candidate", source="LASER's mode mine, retrieval fwd")
def mining_forward(source, target, k=4):
    x, y = F.normalize(source), F.normalize(target)
    sim = x @ y.T
    k = min(k, len(x))
    fwd, bwd = sim.topk(k, 1), sim.topk(k, 0).values.mean(0)
    return (fwd.values / ((fwd.values.mean(1, keepdim=True) + bwd[fwd.indices]) / 2)).max(1).values


@answer("margin_scores", "divides_by_squared_distances", source="an IndexFlatL2 for an IndexFlatIP")
def with_an_index_of_distances(source, target, k=4):
    x, y = F.normalize(source), F.normalize(target)
    squared = torch.cdist(x, y).square()
    near = min(k, len(x))
    forward = squared.topk(near, 1, largest=False).values.mean(1)
    backward = squared.topk(near, 0, largest=False).values.mean(0)
    return (x * y).sum(1) / ((forward + backward) / 2)


@answer("margin_scores", "subtracts_the_neighbourhoods", source="LASER's --margin distance")
def margin_distance(source, target, k=4):
    sim = F.cosine_similarity(source[:, None], target[None], dim=2)
    near = min(k, len(sim))
    return torch.diag(sim) - 0.5 * (sim.topk(near, 1)[0].mean(1) + sim.topk(near, 0)[0].mean(0))
