import math

import numpy as np
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


@accepted("kd_gradient")
def in_numpy(student_logits, teacher_logits, temperature=1.0):
    def softmax(logits):
        scaled = logits.detach().cpu().numpy().astype(np.float64) / temperature
        raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)

    difference = softmax(student_logits) - softmax(teacher_logits)
    return torch.from_numpy(temperature * difference / len(difference)).to(student_logits)


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


@accepted("dkd_loss")
def row_by_row_without_the_target(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    losses = []
    for s, t, y in zip(student_logits, teacher_logits.detach(), targets.tolist(), strict=True):
        s, t = s.double() / temperature, t.double() / temperature
        s_rest, t_rest = (torch.cat([z[:y], z[y + 1 :]]) for z in (s, t))
        log_q = torch.stack([s[y], s_rest.logsumexp(0)]).log_softmax(0)
        log_p = torch.stack([t[y], t_rest.logsumexp(0)]).log_softmax(0)
        first = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
        second = F.kl_div(s_rest.log_softmax(0), t_rest.log_softmax(0), reduction="sum", log_target=True)
        losses.append(alpha * first + beta * second)
    return (temperature**2 * torch.stack(losses).mean()).to(student_logits.dtype)


@accepted("dkd_loss")
def with_a_large_negative_number(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    def split(logits):
        log_p = F.log_softmax(logits / temperature, dim=1)
        target = F.one_hot(targets, logits.shape[1]).bool()
        without = torch.where(target, -1e9, logits / temperature)
        pair = torch.stack([log_p[target], log_p.masked_fill(target, -1e9).logsumexp(1)], dim=1)
        return pair, F.log_softmax(without, dim=1)

    (pair_q, rest_q), (pair_p, rest_p) = split(student_logits), split(teacher_logits.detach())
    first = (pair_p.exp() * (pair_p - pair_q)).sum(1)
    second = (rest_p.exp() * (rest_p - rest_q)).sum(1)
    return temperature**2 * (alpha * first + beta * second).mean()


@accepted("dkd_loss")
def by_the_identity(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    s, t = student_logits.double() / temperature, teacher_logits.detach().double() / temperature
    target = F.one_hot(targets, s.shape[1]).bool()
    log_q, log_p = s.log_softmax(1), t.log_softmax(1)
    rest_q, rest_p = (z.masked_fill(target, -1e12).log_softmax(1) for z in (s, t))
    second = (rest_p.exp() * (rest_p - rest_q)).sum(1)
    first = (log_p.exp() * (log_p - log_q)).sum(1) - (1 - log_p[target].exp()) * second
    return (temperature**2 * (alpha * first + beta * second)).mean().to(student_logits.dtype)


@accepted("dist_loss")
def with_the_norms_clamped(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    def pearson(x, y):
        x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
        return (x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1)).clamp(min=1e-30)

    q = torch.softmax(student_logits / temperature, dim=1)
    p = torch.softmax(teacher_logits.detach() / temperature, dim=1)
    inter, intra = 1 - pearson(q, p).mean(), 1 - pearson(q.t(), p.t()).mean()
    return temperature**2 * (beta * inter + gamma * intra)


@accepted("dist_loss")
def normalises_then_multiplies_in_float64(
    student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0
):
    q, p = (F.softmax(z.double() / temperature, dim=-1) for z in (student_logits, teacher_logits.detach()))
    loss = 0.0
    for dim, weight in ((1, beta), (0, gamma)):
        x, y = (F.normalize(z - z.mean(dim, keepdim=True), dim=dim) for z in (q, p))
        loss = loss + weight * (1 - torch.einsum("nc,nc->", x, y) / q.shape[1 - dim])
    return (temperature**2 * loss).to(student_logits.dtype)


@accepted("dist_loss")
def vector_by_vector(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    def distance(x, y):
        sizes = x.norm(), y.norm()
        x, y = x - x.mean(), y - y.mean()
        if x.norm() <= 1e-6 * sizes[0] or y.norm() <= 1e-6 * sizes[1]:
            return 1 - 0 * x.sum()
        return 1 - torch.dot(x, y) / (x.norm() * y.norm())

    q = torch.softmax(student_logits.float() / temperature, -1)
    p = torch.softmax(teacher_logits.detach().float() / temperature, -1)
    inter = torch.stack([distance(x, y) for x, y in zip(q, p, strict=True)]).mean()
    intra = torch.stack([distance(x, y) for x, y in zip(q.T, p.T, strict=True)]).mean()
    return (temperature * temperature * (beta * inter + gamma * intra)).to(student_logits.dtype)


@accepted("smooth_labels")
def fills_then_scatters(targets, num_classes, epsilon=0.1):
    rows = torch.full((targets.shape[0], num_classes), epsilon / num_classes)
    return rows.scatter_add(1, targets[:, None], torch.full((len(targets), 1), 1 - epsilon))


@accepted("smooth_labels")
def looks_rows_up_in_a_table(targets, num_classes, epsilon=0.1):
    return torch.lerp(torch.eye(num_classes), torch.ones(num_classes, num_classes) / num_classes, epsilon)[
        targets
    ]


@accepted("smooth_labels")
def one_list_a_row(targets, num_classes, epsilon=0.1):
    share = epsilon / num_classes
    rows = [[1 - epsilon + share if i == y else share for i in range(num_classes)] for y in targets.tolist()]
    return torch.tensor(rows, dtype=torch.float64)


@accepted("average_teachers")
def teacher_by_teacher(teacher_logits, temperature=1.0):
    total = torch.zeros_like(teacher_logits[0])
    for logits in teacher_logits:
        total = total + torch.softmax(logits / temperature, dim=1)
    return total / len(teacher_logits)


@accepted("average_teachers")
def with_logsumexp_over_teachers(teacher_logits, temperature=1.0):
    log_p = (teacher_logits.double() / temperature).log_softmax(dim=2)
    return (log_p.logsumexp(dim=0) - math.log(log_p.shape[0])).exp().to(teacher_logits.dtype)


@accepted("average_teachers")
def with_einsum_and_equal_weights(teacher_logits, temperature=1.0):
    with torch.no_grad():
        weights = teacher_logits.new_full((teacher_logits.size(0),), 1 / teacher_logits.size(0))
        return torch.einsum("k,knc->nc", weights, F.softmax(teacher_logits / temperature, dim=-1))
