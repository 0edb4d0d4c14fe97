import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.alternatives import accepted


@accepted("multilingual_mse")
def with_two_mse_losses(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return 0.5 * F.mse_loss(student_source, goal) + 0.5 * F.mse_loss(student_target, goal)


@accepted("multilingual_mse")
def one_mse_of_a_doubled_batch(student_source, student_target, teacher_source):
    with torch.no_grad():
        goal = teacher_source.repeat(2, 1)
    return F.mse_loss(torch.cat([student_source, student_target]), goal)


@accepted("multilingual_mse")
def row_by_row_in_float64_with_norms(student_source, student_target, teacher_source):
    total = student_source.new_zeros((), dtype=torch.float64)
    rows = zip(
        student_source.double(), student_target.double(), teacher_source.detach().double(), strict=True
    )
    for source, target, goal in rows:
        total = total + torch.dot(source - goal, source - goal) + torch.dot(target - goal, target - goal)
    return (total / (2 * teacher_source.numel())).to(student_source.dtype)


@accepted("mean_pool")
def sentence_by_sentence(hidden, mask):
    rows = []
    for tokens, keep in zip(hidden, mask.bool(), strict=True):
        kept = tokens[keep]
        rows.append(kept.mean(0) if len(kept) else tokens.new_zeros(tokens.shape[-1]))
    return torch.stack(rows)


@accepted("mean_pool")
def with_weights_and_einsum(hidden, mask):
    keep = mask != 0
    weights = keep / keep.sum(1, keepdim=True).clamp(min=1e-9)
    clean = torch.where(keep.unsqueeze(-1), hidden, torch.zeros((), dtype=hidden.dtype))
    return torch.einsum("nl,nld->nd", weights.to(hidden.dtype), clean)


@accepted("mean_pool")
def with_a_scatter_of_the_kept_tokens(hidden, mask):
    rows, places = mask.bool().nonzero(as_tuple=True)
    total = torch.zeros(hidden.shape[0], hidden.shape[2], dtype=torch.float64)
    total = total.index_add(0, rows, hidden[rows, places].double())
    number = torch.bincount(rows, minlength=len(hidden)).clamp(min=1)
    return (total / number[:, None]).to(hidden.dtype)


@accepted("retrieval_accuracy")
def by_counting_rivals(source, target):
    source, target = (side / side.norm(dim=1, keepdim=True) for side in (source, target))
    cosines = torch.einsum("id,jd->ij", source, target)
    own = cosines.diag()
    at_least = cosines >= own[:, None], cosines >= own
    return (at_least[0].sum(1) == 1).double().mean().item(), (at_least[1].sum(0) == 1).double().mean().item()


@accepted("retrieval_accuracy")
def sentence_by_sentence_with_plain_numbers(source, target):
    def share(queries, documents):
        hits = 0
        for i, query in enumerate(queries):
            similar = F.cosine_similarity(query[None].double(), documents.double()).tolist()
            hits += all(similar[i] > other for j, other in enumerate(similar) if j != i)
        return hits / len(queries)

    return share(source, target), share(target, source)


@accepted("csls")
def pair_by_pair_with_plain_numbers(source, target, k=10):
    def cos(x, y):
        return torch.dot(x, y).item() / (x.norm() * y.norm()).item()

    def r(x, others):
        nearest = sorted((cos(x, other) for other in others), reverse=True)[:k]
        return sum(nearest) / len(nearest)

    a, b = source.double(), target.double()
    r_target = [r(y, a) for y in b]
    return torch.tensor(
        [[2 * cos(x, y) - r(x, b) - r_y for y, r_y in zip(b, r_target, strict=True)] for x in a]
    ).to(source.dtype)


@accepted("csls")
def with_sorted_rows_and_columns(source, target, k=10):
    cosines = F.cosine_similarity(source[:, None], target[None], dim=-1)
    by_row = cosines.sort(dim=1, descending=True)[0][:, :k].mean(1)
    by_column = cosines.sort(dim=0, descending=True)[0][:k].mean(0)
    return (cosines - by_row.unsqueeze(1)) + (cosines - by_column)


@accepted("procrustes")
def with_numpy_in_float64(source, target):
    u, _, vh = np.linalg.svd(source.double().numpy().T @ target.double().numpy())
    return torch.from_numpy(u @ vh).to(source.dtype)


@accepted("procrustes")
def with_torch_svd_and_v(source, target):
    u, _, v = torch.svd(torch.einsum("nd,ne->de", source, target))
    return torch.einsum("ik,jk->ij", u, v)


@accepted("procrustes")
def through_the_transpose(source, target):
    u, _, vh = torch.linalg.svd(target.double().T @ source.double(), full_matrices=True)
    return (u @ vh).T.contiguous().to(source.dtype)


@accepted("language_weights")
def as_a_softmax_of_log_counts(counts, alpha=0.3):
    logs = torch.tensor(list(counts.values()), dtype=torch.float64).log()
    scores = torch.where(logs.isfinite(), alpha * logs, -torch.inf)
    return dict(zip(counts, scores.softmax(0).tolist(), strict=True))


@accepted("language_weights")
def from_shares_in_a_loop(counts, alpha=0.3):
    weights = dict.fromkeys(counts, 0.0)
    everything = sum(counts.values())
    for language, number in counts.items():
        if number > 0:
            weights[language] = math.pow(number / everything, alpha)
    total = math.fsum(weights.values())
    for language in weights:
        weights[language] /= total
    return weights


@accepted("transfer_soft_labels")
def with_weights_and_kl_div(
    teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0
):
    with torch.no_grad():
        p = F.softmax(teacher_source_logits / temperature, dim=1)
        kept = (F.softmax(teacher_source_logits, dim=1).max(dim=1).values >= min_confidence).to(p.dtype)
    log_q = F.log_softmax(student_target_logits / temperature, dim=1)
    rows = F.kl_div(log_q, p, reduction="none").sum(dim=1)
    return temperature**2 * (rows * kept).sum() / kept.sum().clamp(min=1)


@accepted("transfer_soft_labels")
def row_by_row_and_zero_from_the_student(
    teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0
):
    costs = []
    for t, s in zip(teacher_source_logits.detach().double(), student_target_logits.double(), strict=True):
        if t.softmax(0).max() >= min_confidence:
            log_p, log_q = (t / temperature).log_softmax(0), (s / temperature).log_softmax(0)
            costs.append(torch.dot(log_p.exp(), log_p - log_q))
    if not costs:
        return 0.0 * student_target_logits.sum()
    return (torch.stack(costs).mean() * temperature**2).to(student_target_logits.dtype)


@accepted("weight_teachers")
def teacher_by_teacher(teacher_logits, similarities, temperature=1.0):
    weights = torch.softmax(similarities, dim=0)
    mixture = torch.zeros_like(teacher_logits[0])
    for weight, logits in zip(weights, teacher_logits, strict=True):
        mixture = mixture + weight * torch.softmax(logits / temperature, dim=1)
    return mixture


@accepted("weight_teachers")
def in_the_log_domain(teacher_logits, similarities, temperature=1.0):
    log_weights = similarities.double().log_softmax(0).view(-1, 1, 1)
    with torch.no_grad():
        log_p = (teacher_logits.double() / temperature).log_softmax(-1)
        return torch.logsumexp(log_weights + log_p, dim=0).exp().to(teacher_logits.dtype)


@accepted("selective_kd")
def by_log_probabilities_of_the_label(student_logits, teacher_logits, targets, temperature=1.0):
    label = targets.unsqueeze(1)
    with torch.no_grad():
        teacher_knows = F.log_softmax(teacher_logits, 1).gather(1, label)
        better = (teacher_knows > F.log_softmax(student_logits, 1).gather(1, label)).squeeze(1)
        log_p = F.log_softmax(teacher_logits / temperature, 1)
    log_q = F.log_softmax(student_logits / temperature, 1)
    rows = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)
    return temperature**2 * torch.where(better, rows, 0.0).sum() / max(int(better.sum()), 1)


@accepted("selective_kd")
def one_row_after_the_other(student_logits, teacher_logits, targets, temperature=1.0):
    total, number = student_logits.sum() * 0.0, 0
    for s, t, y in zip(student_logits, teacher_logits.detach(), targets, strict=True):
        if F.cross_entropy(t, y) < F.cross_entropy(s.detach(), y):
            log_p, log_q = (t / temperature).log_softmax(0), (s / temperature).log_softmax(0)
            total = total + temperature**2 * (log_p.exp() * (log_p - log_q)).sum()
            number += 1
    return total / number if number else total


@accepted("trim_vocabulary")
def with_unique_and_a_copy(embedding, token_ids):
    ids = list(token_ids)
    if embedding.padding_idx is not None:
        ids.append(embedding.padding_idx)
    kept = torch.tensor(ids, dtype=torch.long).unique()
    mapping = dict(zip(kept.tolist(), range(len(kept)), strict=True))
    smaller = nn.Embedding(len(kept), embedding.embedding_dim, padding_idx=mapping.get(embedding.padding_idx))
    with torch.no_grad():
        smaller.weight.copy_(embedding.weight[kept])
    return smaller, mapping


@accepted("trim_vocabulary")
def with_a_mask_over_the_table(embedding, token_ids):
    keep = torch.zeros(embedding.num_embeddings, dtype=torch.bool)
    for token in token_ids:
        keep[token] = True
    if embedding.padding_idx is not None:
        keep[embedding.padding_idx] = True
    numbers = keep.cumsum(0) - 1
    mapping = {int(old): int(numbers[old]) for old in keep.nonzero().flatten()}
    padding = None if embedding.padding_idx is None else mapping[embedding.padding_idx]
    return nn.Embedding.from_pretrained(embedding.weight.data[keep], padding_idx=padding), mapping


@accepted("trim_vocabulary")
def without_drawing_weights(embedding, token_ids):
    padding = embedding.padding_idx
    kept = sorted({*token_ids} | ({padding} - {None}))
    mapping = {old: kept.index(old) for old in kept}
    smaller = nn.utils.skip_init(
        nn.Embedding, len(kept), embedding.embedding_dim, padding_idx=mapping.get(padding)
    )
    smaller.load_state_dict({"weight": embedding.weight.detach()[kept]})
    return smaller, mapping


@accepted("margin_scores")
def pair_by_pair_with_sorted_cosines(source, target, k=4):
    def cos(x, y):
        return torch.dot(x, y).item() / (torch.dot(x, x).sqrt() * torch.dot(y, y).sqrt()).item()

    def mean_of_nearest(x, others):
        nearest = sorted((cos(x, other) for other in others), reverse=True)[:k]
        return sum(nearest) / len(nearest)

    xs, ys = source.double(), target.double()
    scores = [
        cos(x, y) / (0.5 * mean_of_nearest(x, ys) + 0.5 * mean_of_nearest(y, xs))
        for x, y in zip(xs, ys, strict=True)
    ]
    return torch.tensor(scores, dtype=source.dtype)


@accepted("margin_scores")
def in_numpy_with_a_partition(source, target, k=4):
    x, y = (side.numpy().astype(np.float64) for side in (source, target))
    x, y = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (x, y))
    similar, k = x @ y.T, min(k, len(x))
    forward = -np.partition(-similar, k - 1, axis=1)[:, :k].mean(1)
    backward = -np.partition(-similar, k - 1, axis=0)[:k].mean(0)
    return torch.from_numpy(np.diag(similar) / ((forward + backward) / 2)).to(source.dtype)


@accepted("margin_scores")
def from_the_full_ratio_matrix(source, target, k=4):
    cosines = F.cosine_similarity(source[:, None], target[None], dim=-1)
    forward = cosines.sort(1, descending=True)[0][:, :k].mean(1)
    backward = cosines.sort(0, descending=True)[0][:k].mean(0)
    margins = cosines / torch.add(forward[:, None], backward[None]).div(2)
    return torch.einsum("ii->i", margins)


@accepted("remove_language")
def with_eigenvectors_of_the_gram_matrix(vectors, languages, components=1):
    cleaned = vectors.double()
    for language in set(languages.tolist()):
        rows = (languages == language).nonzero().squeeze(1)
        own = cleaned.index_select(0, rows)
        vectors_up = torch.linalg.eigh(own.T @ own).eigenvectors  # the heaviest last
        kept = vectors_up[:, : max(own.shape[1] - components, 0)]
        cleaned = cleaned.index_copy(0, rows, own @ (kept @ kept.T))
    return cleaned.to(vectors.dtype)


@accepted("remove_language")
def less_the_best_approximation_in_numpy(vectors, languages, components=1):
    x, ids = vectors.numpy(), languages.numpy()
    cleaned = np.zeros_like(x)
    for language in np.unique(ids):
        u, s, vt = np.linalg.svd(x[ids == language], full_matrices=False)
        s[:components] = 0
        cleaned[ids == language] = (u * s) @ vt
    return torch.from_numpy(cleaned)


@accepted("remove_language")
def one_direction_after_the_other(vectors, languages, components=1):
    groups = {}
    for row, language in enumerate(languages.tolist()):
        groups.setdefault(language, []).append(row)
    cleaned = vectors.clone()
    for rows in groups.values():
        own = vectors[rows]
        for direction in torch.svd(own.double(), some=True)[2].T[:components].to(own.dtype):
            own = own - torch.outer(own @ direction, direction)
        cleaned[rows] = own
    return cleaned
