import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("soft_targets")
def subtracts_the_maximum_by_hand(logits, temperature=1.0):
    if not temperature > 0:
        raise ValueError(temperature)
    scaled = logits / temperature
    raised = torch.exp(scaled - scaled.max(dim=1, keepdim=True).values)
    return raised / raised.sum(dim=1, keepdim=True)


@accepted("soft_targets")
def goes_through_logsumexp_row_by_row(logits, temperature=1.0):
    if temperature <= 0:
        raise ValueError("T must be > 0")
    return torch.stack([(row / temperature - torch.logsumexp(row / temperature, 0)).exp() for row in logits])


@accepted("distillation_kl")
def with_kl_div_and_log_target(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    with torch.no_grad():
        log_p = F.log_softmax(teacher_logits / temperature, dim=1)
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * temperature * temperature


@accepted("distillation_kl")
def row_by_row_in_float64(student_logits, teacher_logits, temperature=1.0):
    total = student_logits.new_zeros((), dtype=torch.float64)
    for s, t in zip(student_logits.double(), teacher_logits.detach().double(), strict=True):
        log_q, log_p = (s / temperature).log_softmax(0), (t / temperature).log_softmax(0)
        total = total + torch.dot(log_p.exp(), log_p - log_q)
    return (temperature**2 * total / len(student_logits)).to(student_logits.dtype)


@accepted("distillation_kl")
def cross_entropy_minus_entropy(student_logits, teacher_logits, temperature=1.0):
    p = torch.softmax(teacher_logits.detach() / temperature, dim=-1)
    entropy = torch.special.entr(p).sum(-1).mean()
    return temperature**2 * (F.cross_entropy(student_logits / temperature, p) - entropy)
