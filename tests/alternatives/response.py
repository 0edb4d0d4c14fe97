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


@accepted("soft_cross_entropy")
def with_cross_entropy_on_probabilities(student_logits, teacher_logits, temperature=1.0):
    with torch.no_grad():
        p = torch.softmax(teacher_logits / temperature, dim=1)
    return F.cross_entropy(student_logits / temperature, p)


@accepted("soft_cross_entropy")
def with_einsum_and_logsumexp(student_logits, teacher_logits, temperature=1.0):
    s, t = student_logits.double() / temperature, teacher_logits.detach().double() / temperature
    p = (t - t.logsumexp(1, keepdim=True)).exp()
    loss = (s.logsumexp(1) - torch.einsum("nc,nc->n", p, s)).mean()
    return loss.to(student_logits.dtype)


@accepted("soft_cross_entropy")
def row_by_row_with_a_running_mean(student_logits, teacher_logits, temperature=1.0):
    loss = student_logits.new_zeros(())
    for n, (s, t) in enumerate(zip(student_logits, teacher_logits.detach(), strict=True), start=1):
        row = -sum(
            p * log_q
            for p, log_q in zip((t / temperature).softmax(0), (s / temperature).log_softmax(0), strict=True)
        )
        loss = loss + (row - loss) / n
    return loss


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


@accepted("kd_loss")
def adds_two_named_losses(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = torch.log_softmax(student_logits / temperature, dim=1)
    with torch.no_grad():
        log_p = torch.log_softmax(teacher_logits / temperature, dim=1)
    soft = torch.nn.KLDivLoss(reduction="batchmean", log_target=True)(log_q, log_p)
    hard = torch.nn.CrossEntropyLoss()(student_logits, targets)
    return soft * (alpha * temperature * temperature) + hard * (1.0 - alpha)


@accepted("kd_loss")
def gathers_the_labels_by_hand(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    s, t = student_logits.double(), teacher_logits.detach().double()
    log_q, log_p = (s / temperature).log_softmax(1), (t / temperature).log_softmax(1)
    soft = torch.einsum("nc,nc->n", log_p.exp(), log_p - log_q) * temperature**2
    hard = s.logsumexp(1) - s.gather(1, targets[:, None]).squeeze(1)
    return torch.lerp(hard, soft, alpha).mean().to(student_logits.dtype)


@accepted("kd_loss")
def leaves_out_what_has_no_weight(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    terms = []
    if alpha > 0:
        p = F.softmax(teacher_logits.detach() / temperature, dim=-1)
        cross_entropy = F.cross_entropy(student_logits / temperature, p)
        terms.append(alpha * temperature**2 * (cross_entropy - torch.special.entr(p).sum(-1).mean()))
    if alpha < 1:
        label = F.one_hot(targets, student_logits.shape[-1]).to(student_logits.dtype)
        terms.append((alpha - 1) * (label * student_logits.log_softmax(-1)).sum(-1).mean())
    return sum(terms)


@accepted("kd_gradient")
def one_softmax_of_both(student_logits, teacher_logits, temperature=1.0):
    q, p = torch.stack([student_logits, teacher_logits]).div(temperature).softmax(dim=-1)
    return (q - p).mul(temperature / student_logits.shape[0])


@accepted("kd_gradient")
def through_the_jacobian_row_by_row(student_logits, teacher_logits, temperature=1.0):
    rows = []
    for s, t in zip(student_logits.double(), teacher_logits.double(), strict=True):
        q, p = torch.softmax(s / temperature, 0), torch.softmax(t / temperature, 0)
        jacobian_of_log_q = torch.eye(len(q), dtype=q.dtype) - q[None, :]
        rows.append(-temperature * p @ jacobian_of_log_q)
    return (torch.stack(rows) / len(rows)).to(student_logits.dtype)


@accepted("kd_gradient")
def in_log_domain_without_a_graph(student_logits, teacher_logits, temperature=1.0):
    with torch.no_grad():
        log_q = torch.log_softmax(student_logits / temperature, dim=1)
        log_p = torch.log_softmax(teacher_logits / temperature, dim=1)
        return temperature / len(log_q) * (torch.exp(log_q) - torch.exp(log_p))


@accepted("logit_mse")
def half_the_biased_variance(student_logits, teacher_logits):
    return 0.5 * torch.var(student_logits - teacher_logits.detach(), dim=1, correction=0).mean()


@accepted("logit_mse")
def mean_square_minus_squared_mean(student_logits, teacher_logits):
    with torch.no_grad():
        t = teacher_logits.double()
    d = student_logits.double() - t
    return (
        ((torch.einsum("nc,nc->n", d, d) / d.shape[1] - d.mean(1) ** 2) / 2).mean().to(student_logits.dtype)
    )


@accepted("logit_mse")
def all_pairs_of_classes(student_logits, teacher_logits):
    d = student_logits - teacher_logits.detach()
    classes = d.shape[1]
    return (d[:, :, None] - d[:, None, :]).square().sum((1, 2)).mean() / (4 * classes**2)
