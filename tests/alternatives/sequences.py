import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("reverse_kl")
def with_kl_div_and_the_student_as_target(student_logits, teacher_logits, mask=None):
    if mask is not None:
        student_logits, teacher_logits = student_logits[mask != 0], teacher_logits[mask != 0]
    with torch.no_grad():
        log_p = teacher_logits.log_softmax(-1)
    log_q = student_logits.log_softmax(-1)
    each = F.kl_div(log_p, log_q, reduction="none", log_target=True).sum(-1)
    return each.sum() / max(each.numel(), 1)


@accepted("reverse_kl")
def token_by_token_in_float64(student_logits, teacher_logits, mask=None):
    places = torch.ones(student_logits.shape[:2]) if mask is None else mask
    costs = [student_logits[:0].double().sum()]
    for n, place in places.bool().nonzero().tolist():
        log_q = student_logits[n, place].double().log_softmax(0)
        log_p = teacher_logits[n, place].detach().double().log_softmax(0)
        costs.append(torch.dot(log_q.exp(), log_q - log_p))
    return (torch.stack(costs).sum() / max(len(costs) - 1, 1)).to(student_logits.dtype)


@accepted("reverse_kl")
def fills_the_padding_and_subtracts_the_entropy(student_logits, teacher_logits, mask=None):
    teacher_logits = teacher_logits.detach()
    kept = torch.ones(student_logits.shape[:-1], dtype=torch.bool) if mask is None else mask.to(torch.bool)
    student_logits = student_logits.masked_fill(~kept[..., None], 0)
    teacher_logits = teacher_logits.masked_fill(~kept[..., None], 0)
    q = F.softmax(student_logits, dim=-1)
    log_q = student_logits - student_logits.logsumexp(-1, keepdim=True)
    entropy = -torch.einsum("nlc,nlc->nl", q, log_q)
    cross_entropy = -torch.einsum("nlc,nlc->nl", q, F.log_softmax(teacher_logits, dim=-1))
    weights = kept.to(q.dtype)
    return ((cross_entropy - entropy) * weights).sum() / weights.sum().clamp_min(1)


@accepted("generalized_jsd")
def as_entropy_of_the_mixture_less_mean_entropy(student_logits, teacher_logits, beta=0.5, mask=None):
    if beta <= 0 or beta >= 1:
        raise ValueError("beta")
    student, teacher = student_logits, teacher_logits.detach()
    if mask is not None:
        student, teacher = student[mask > 0], teacher[mask > 0]
    q, p = student.double().softmax(-1), teacher.double().softmax(-1)
    mixed, *parts = ((-torch.xlogy(x, x.clamp(min=1e-30))).sum(-1) for x in (beta * p + (1 - beta) * q, p, q))
    each = mixed - beta * parts[0] - (1 - beta) * parts[1]
    return (each.sum() / max(each.numel(), 1)).to(student_logits.dtype)


@accepted("generalized_jsd")
def with_kl_div_and_a_detached_mixture(student_logits, teacher_logits, beta=0.5, mask=None):
    if not (beta > 0 and beta < 1):
        raise ValueError("beta must lie strictly between 0 and 1")
    kept = torch.ones(student_logits.shape[:2], dtype=torch.bool) if mask is None else mask.bool()
    log_q = F.log_softmax(student_logits[kept], dim=-1)
    with torch.no_grad():
        log_p = F.log_softmax(teacher_logits[kept], dim=-1)
        weights = torch.tensor([beta, 1 - beta], dtype=log_q.dtype).log()
        log_m = torch.stack([log_p + weights[0], log_q + weights[1]]).logsumexp(0)
    total = beta * F.kl_div(log_m, log_p, reduction="sum", log_target=True)
    total = total + (1 - beta) * F.kl_div(log_m, log_q, reduction="sum", log_target=True)
    return total / kept.sum().clamp(min=1)


@accepted("generalized_jsd")
def with_a_guarded_mixture_and_filled_padding(student_logits, teacher_logits, beta=0.5, mask=None):
    if beta in (0, 1) or abs(beta - 0.5) > 0.5:
        raise ValueError(beta)
    weight = torch.ones(student_logits.shape[:2]) if mask is None else mask.float()
    hidden = weight.unsqueeze(-1) == 0
    q = torch.softmax(student_logits.masked_fill(hidden, 0.0), -1)
    p = torch.softmax(teacher_logits.detach().masked_fill(hidden, 0.0), -1)
    log_m = (beta * p + (1 - beta) * q).clamp(min=1e-10).log()
    to_m = [(x * (x.clamp(min=1e-10).log() - log_m)).sum(-1) for x in (p, q)]
    loss = (weight * (beta * to_m[0] + (1 - beta) * to_m[1])).sum() / weight.sum().clamp(min=1)
    return loss.to(student_logits.dtype)


@accepted("uld_loss")
def pads_before_sorting(student_logits, teacher_logits):
    size = max(student_logits.size(-1), teacher_logits.size(-1))
    with torch.no_grad():
        p = torch.softmax(
            F.pad(teacher_logits, (0, size - teacher_logits.size(-1)), value=-torch.inf), dim=-1
        )
    q = torch.softmax(F.pad(student_logits, (0, size - student_logits.size(-1)), value=-torch.inf), dim=-1)
    p, _ = torch.sort(p, dim=-1, descending=True)
    q, _ = torch.sort(q, dim=-1, descending=True)
    return F.l1_loss(q, p) * size


@accepted("uld_loss")
def position_by_position_over_the_common_ranks(student_logits, teacher_logits):
    losses = []
    rows = zip(student_logits.flatten(0, -2), teacher_logits.detach().flatten(0, -2), strict=True)
    for student, teacher in rows:
        q = student[student.argsort(descending=True)].double().softmax(0)
        p = teacher[teacher.argsort(descending=True)].double().softmax(0)
        common = min(len(q), len(p))
        losses.append((q[:common] - p[:common]).abs().sum() + q[common:].sum() + p[common:].sum())
    return (sum(losses) / len(losses)).to(student_logits.dtype)


@accepted("uld_loss")
def ascending_with_zeros_in_front(student_logits, teacher_logits):
    q = student_logits.log_softmax(-1).sort(-1).values.exp()
    p = teacher_logits.log_softmax(-1).sort(-1).values.exp().detach()
    difference = q.shape[-1] - p.shape[-1]
    if difference > 0:
        p = torch.cat([p.new_zeros(*p.shape[:-1], difference), p], -1)
    elif difference < 0:
        q = torch.cat([q.new_zeros(*q.shape[:-1], -difference), q], -1)
    return torch.linalg.vector_norm(q - p, ord=1, dim=-1).mean()


@accepted("on_policy_loss")
def row_by_row_up_to_its_end(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    total, number = student_logits[:0].sum(), 0
    for student, teacher, row in zip(student_logits, teacher_logits.detach(), tokens.tolist(), strict=True):
        for place in range(prompt_length, len(row)):
            if place:
                log_q, log_p = student[place - 1].log_softmax(0), teacher[place - 1].log_softmax(0)
                total = total + F.kl_div(log_p, log_q, reduction="sum", log_target=True)
                number += 1
            if row[place] == eos_id:
                break
    return total / max(number, 1)


@accepted("on_policy_loss")
def slices_the_continuation(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    start = max(prompt_length, 1)  # nothing predicts token 0
    student, teacher = student_logits[:, start - 1 : -1], teacher_logits[:, start - 1 : -1].detach()
    continuation = tokens[:, prompt_length:]
    ended = (
        torch.cummax((continuation == eos_id).int(), dim=1).values if continuation.numel() else continuation
    )
    kept = F.pad(ended, (1, 0))[:, start - prompt_length : -1] == 0
    student, teacher = student[kept], teacher[kept]
    q = student.softmax(-1)
    each = (q * (student.log_softmax(-1) - teacher.log_softmax(-1))).sum(-1)
    return each.sum() / max(len(each), 1)


@accepted("on_policy_loss")
def with_lengths_and_filled_positions(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    size = tokens.shape[1]
    place = torch.arange(size).expand_as(tokens)
    ends = (tokens == eos_id) & (place >= prompt_length)
    last = torch.where(ends, place, size - 1).amin(1, keepdim=True)
    predicts = (place + 1 >= prompt_length) & (place + 1 <= last) & (place + 1 < size)
    student = student_logits.double().masked_fill(~predicts[..., None], 0)
    teacher = teacher_logits.detach().double().masked_fill(~predicts[..., None], 0)
    log_q, log_p = student.log_softmax(-1), teacher.log_softmax(-1)
    cost = torch.einsum("nlc,nlc,nl->", log_q.exp(), log_q - log_p, predicts.double())
    return (cost / predicts.sum().clamp(min=1)).to(student_logits.dtype)
