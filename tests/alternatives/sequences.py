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
