"""Losses over tokens, as trainers of language models have them."""

import torch
import torch.nn.functional as F

from benchmarks.answers import answer


@answer(
    "masked_kd",
    "multiplies_by_the_mask",
    "forgets_the_square",
    "trains_the_teacher_too",
    source="LLM notebooks",
)
def keep_by_product(student_logits, teacher_logits, mask, temperature=1.0):
    log_q, p = F.log_softmax(student_logits / temperature, -1), F.softmax(teacher_logits / temperature, -1)
    kl = (p * (p.clamp_min(1e-9).log() - log_q)).sum(-1)
    return (kl * mask).sum() / mask.sum()


@answer("masked_kd", "gives_the_cross_entropy", "trains_the_teacher_too", source="soft-label trainers")
def soft_labels(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    p = F.softmax(teacher_logits[kept] / temperature, -1)
    each = -(p * F.log_softmax(student_logits[kept] / temperature, -1)).sum(-1)
    return temperature**2 * each.sum() / kept.sum().clamp(min=1)


@answer("masked_kd", "divides_twice", source="sum over tokens divided by a batchmean")
def divided_twice(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    log_q = F.log_softmax(student_logits[kept] / temperature, -1)
    total = F.kl_div(log_q, F.softmax(teacher_logits[kept].detach() / temperature, -1), reduction="sum")
    return temperature**2 * total / kept.sum().clamp(min=1) / kept.sum().clamp(min=1)


@answer(
    "masked_kd",
    "divides_by_sentences",
    "multiplies_by_the_mask",
    "ignores_the_mask",
    source="kl_div batchmean",
)
def batchmean(student_logits, teacher_logits, mask, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)
    each = F.kl_div(log_q, p, reduction="none").sum(-1) * mask
    return temperature**2 * each.sum() / student_logits.size(0)


@answer(
    "masked_kd",
    "takes_the_mean_of_nothing",
    "trains_the_teacher_too",
    source="torchtune-like without a guard",
)
def mean_of_kept(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    log_q, log_p = (F.log_softmax(z[kept] / temperature, -1) for z in (student_logits, teacher_logits))
    return temperature**2 * F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1).mean()


@answer(
    "masked_kd", "averages_over_classes", "takes_the_mean_of_nothing", source="DistilBERT-like masked_select"
)
def masked_select(student_logits, teacher_logits, mask, temperature=1.0):
    chosen = mask.bool().unsqueeze(-1).expand_as(student_logits)
    s, t = (z.masked_select(chosen).view(-1, z.size(-1)) for z in (student_logits, teacher_logits.detach()))
    return F.kl_div(F.log_softmax(s / temperature, -1), F.softmax(t / temperature, -1)) * temperature**2


@answer(
    "reverse_kl",
    "divides_by_sentences",
    "trains_the_teacher_too",
    source="MiniLLM-like, batchmean of (N, L, C)",
)
def reverse_batchmean(student_logits, teacher_logits, mask=None):
    log_q, log_p = F.log_softmax(student_logits, -1), F.log_softmax(teacher_logits, -1)
    if mask is not None:
        log_q, log_p = log_q[mask.bool()], log_p[mask.bool()]
    total = F.kl_div(log_p, log_q, reduction="sum", log_target=True)
    return total / len(student_logits)


@answer("reverse_kl", "multiplies_by_the_mask", "takes_the_mean_of_nothing", source="MiniLLM, losses.py")
def masked_products(student_logits, teacher_logits, mask=None):
    q = F.softmax(student_logits, dim=-1)
    each = (q * (F.log_softmax(student_logits, -1) - F.log_softmax(teacher_logits.detach(), -1))).sum(-1)
    mask = torch.ones_like(each) if mask is None else mask.to(each.dtype)
    return (each * mask).sum() / mask.sum()


@answer("reverse_kl", "goes_forward", "trains_the_teacher_too", source="kl_div's order misread")
def forward_after_all(student_logits, teacher_logits, mask=None):
    each = F.kl_div(F.log_softmax(student_logits, -1), F.softmax(teacher_logits, -1), reduction="none").sum(
        -1
    )
    kept = torch.ones_like(each).bool() if mask is None else mask.bool()
    kept_costs = F.kl_div(
        F.log_softmax(student_logits[kept], -1), F.softmax(teacher_logits[kept], -1), reduction="sum"
    )
    return kept_costs / kept.sum().clamp(min=1) + 0 * each[kept].sum()


@answer(
    "reverse_kl",
    "adds_an_epsilon_in_the_logarithm",
    "takes_the_logarithm_of_a_softmax",
    "trains_the_teacher_too",
)
def logs_with_eps(student_logits, teacher_logits, mask=None):
    kept = torch.ones(student_logits.shape[:2]).bool() if mask is None else mask.bool()
    q, p = F.softmax(student_logits[kept], -1), F.softmax(teacher_logits[kept], -1)
    return (q * torch.log((q + 1e-8) / (p + 1e-8))).sum(-1).sum() / kept.sum().clamp(min=1)


@answer(
    "generalized_jsd", "divides_by_sentences", "returns_a_kl_at_the_ends", "trains_the_teacher_too",
    source="huggingface/trl, GKDTrainer: batchmean",
)  # fmt: skip
def gkd_batchmean(student_logits, teacher_logits, beta=0.5, mask=None):
    log_q, log_p = F.log_softmax(student_logits, -1), F.log_softmax(teacher_logits, -1)
    if mask is not None:
        log_q, log_p = log_q[mask.bool()], log_p[mask.bool()]
    if beta == 0:
        jsd = F.kl_div(log_q, log_p, reduction="none", log_target=True)
    elif beta == 1:
        jsd = F.kl_div(log_p, log_q, reduction="none", log_target=True)
    else:
        b = torch.tensor(beta, dtype=log_q.dtype)
        log_m = torch.logsumexp(torch.stack([log_q + torch.log(1 - b), log_p + torch.log(b)]), dim=0)
        jsd = b * F.kl_div(log_m, log_p, reduction="none", log_target=True) + (1 - b) * F.kl_div(
            log_m, log_q, reduction="none", log_target=True
        )
    return jsd.sum() / len(student_logits)


@answer("generalized_jsd", "swaps_the_mixture", "returns_a_kl_at_the_ends", source="huggingface/trl PR#3043")
def gkd_before_the_fix(student_logits, teacher_logits, beta=0.5, mask=None):
    kept = torch.ones(student_logits.shape[:2]).bool() if mask is None else mask.bool()
    log_q, log_p = student_logits[kept].log_softmax(-1), teacher_logits.detach()[kept].log_softmax(-1)
    number = kept.sum().clamp(min=1)
    if beta in (0, 1):
        pair = (log_q, log_p) if beta == 0 else (log_p, log_q)
        return F.kl_div(*pair, reduction="sum", log_target=True) / number
    b = torch.tensor(beta, dtype=log_q.dtype)
    log_m = torch.logaddexp(log_q + b.log(), log_p + (1 - b).log())
    kls = [F.kl_div(log_m, x, reduction="sum", log_target=True) for x in (log_p, log_q)]
    return (b * kls[0] + (1 - b) * kls[1]) / number


@answer(
    "generalized_jsd",
    "multiplies_by_the_mask",
    "takes_the_logarithm_of_the_mixture",
    source="JSD in probabilities",
)
def jsd_in_probabilities(student_logits, teacher_logits, beta=0.5, mask=None):
    if not 0 < beta < 1:
        raise ValueError
    q, p = student_logits.softmax(-1), teacher_logits.detach().softmax(-1)
    m = beta * p + (1 - beta) * q
    each = (beta * p * (p / m).log() + (1 - beta) * q * (q / m).log()).sum(-1)
    mask = torch.ones_like(each) if mask is None else mask.to(each.dtype)
    return (each * mask).sum() / mask.sum().clamp(min=1)


@answer("uld_loss", "averages_over_the_vocabulary", "trains_the_teacher_too", source="ULD ports with .mean()")
def uld_mean(student_logits, teacher_logits):
    s, t = (z.softmax(-1).sort(-1, descending=True).values for z in (student_logits, teacher_logits))
    gap = s.shape[-1] - t.shape[-1]
    s, t = F.pad(s, (0, max(-gap, 0))), F.pad(t, (0, max(gap, 0)))
    return (s - t).abs().mean()


@answer("uld_loss", "returns_float32", source="softmax in float32")
def uld_float(student_logits, teacher_logits):
    s, t = (
        F.softmax(z, dim=-1, dtype=torch.float32).sort(-1, descending=True)[0]
        for z in (student_logits, teacher_logits.detach())
    )
    gap = s.shape[-1] - t.shape[-1]
    return (F.pad(s, (0, max(-gap, 0))) - F.pad(t, (0, max(gap, 0)))).abs().sum(-1).mean()


@answer("uld_loss", "cuts_the_sorted_probabilities", "trains_the_teacher_too", source="truncating ULD")
def uld_cut(student_logits, teacher_logits):
    s, t = (z.softmax(-1).sort(-1, descending=True).values for z in (student_logits, teacher_logits))
    size = min(s.shape[-1], t.shape[-1])
    return (s[..., :size] - t[..., :size]).abs().sum(-1).mean()


@answer(
    "top_k_kd", "takes_a_cross_entropy_with_the_renormalised", "trains_the_teacher_too",
    source="top-k caches of offline distillers",
)  # fmt: skip
def renormalised_ce(student_logits, top_values, top_indices, temperature=1.0):
    p = top_values / top_values.sum(-1, keepdim=True)
    log_q = F.log_softmax(student_logits / temperature, -1).gather(-1, top_indices)
    return -(p * log_q).sum(-1).mean() * temperature**2


@answer("top_k_kd", "renormalises_both", "forgets_the_square", source="NeMo-like, both over k")
def both_over_k(student_logits, top_values, top_indices, temperature=1.0):
    p = (top_values / top_values.sum(-1, keepdim=True)).detach()
    log_q = F.log_softmax(student_logits.gather(-1, top_indices) / temperature, -1)
    return F.kl_div(log_q, p, reduction="batchmean")


@answer("accumulated_kd", "cuts_with_tensor_split", source="tensor_split for chunk")
def tensor_split(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    number = mask.bool().sum().clamp(min=1)
    losses = []
    for s, t, m in zip(
        *(x.tensor_split(micro_batches) for x in (student_logits, teacher_logits, mask.bool())), strict=True
    ):
        log_q, log_p = (F.log_softmax(z[m] / temperature, -1) for z in (s, t.detach()))
        losses.append(temperature**2 * F.kl_div(log_q, log_p, reduction="sum", log_target=True) / number)
    return losses


@answer(
    "accumulated_kd", "is_a_mean_of_means", "takes_each_pieces_own_mean", source="loss / accumulation_steps"
)
def divided_by_steps(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    losses = []
    for s, t, m in zip(
        *(x.chunk(micro_batches) for x in (student_logits, teacher_logits, mask.bool())), strict=True
    ):
        log_q, log_p = (F.log_softmax(z[m] / temperature, -1) for z in (s, t.detach()))
        each = (
            temperature**2 * F.kl_div(log_q, log_p, reduction="sum", log_target=True) / m.sum().clamp(min=1)
        )
        losses.append(each / micro_batches)
    return losses


@answer("on_policy_loss", "forgets_the_shift", "trains_the_teacher_too", source="logits compared in place")
def in_place(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    later = torch.arange(tokens.shape[1]) >= prompt_length
    ends = ((tokens == eos_id) & later).long()
    kept = later & (ends.cumsum(1) - ends == 0)
    log_q, log_p = student_logits[kept].log_softmax(-1), teacher_logits[kept].log_softmax(-1)
    return (log_q.exp() * (log_q - log_p)).sum() / kept.sum().clamp(min=1)


@answer("on_policy_loss", "goes_on_after_the_end", "goes_forward", source="GKD-like with padding kept")
def padding_kept(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = (torch.arange(tokens.shape[1]) >= prompt_length).expand_as(tokens)[:, 1:]
    log_q, log_p = (
        student_logits[:, :-1][kept].log_softmax(-1),
        teacher_logits[:, :-1][kept].detach().log_softmax(-1),
    )
    return (log_p.exp() * (log_p - log_q)).sum() / kept.sum().clamp(min=1)
