import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("masked_kd")
def token_by_token(student_logits, teacher_logits, mask, temperature=1.0):
    total, number = 0 * student_logits[:0].sum(), 0
    for n, position in (mask != 0).nonzero().tolist():
        log_q = (student_logits[n, position] / temperature).log_softmax(0)
        p = (teacher_logits[n, position].detach() / temperature).softmax(0)
        total = total + F.kl_div(log_q, p, reduction="sum")
        number += 1
    return temperature**2 * total / max(number, 1)


@accepted("masked_kd")
def fills_the_padding_before_computing(student_logits, teacher_logits, mask, temperature=1.0):
    mask = mask.to(torch.bool)
    student = student_logits.masked_fill(~mask[..., None], 0).double() / temperature
    teacher = teacher_logits.detach().masked_fill(~mask[..., None], 0).double() / temperature
    each = F.kl_div(student.log_softmax(-1), teacher.log_softmax(-1), reduction="none", log_target=True).sum(
        -1
    )
    loss = (each * mask).sum() / mask.sum().clamp(min=1)
    return (temperature**2 * loss).to(student_logits.dtype)


@accepted("masked_kd")
def flattens_and_selects(student_logits, teacher_logits, mask, temperature=1.0):
    rows = mask.flatten().nonzero().squeeze(1)
    classes = student_logits.size(-1)
    student = student_logits.reshape(-1, classes).index_select(0, rows)
    with torch.no_grad():
        p = (teacher_logits.reshape(-1, classes).index_select(0, rows) / temperature).softmax(1)
    if not rows.numel():
        return student.sum()
    cross_entropy = -torch.einsum("tc,tc->", p, (student / temperature).log_softmax(1))
    entropy = torch.special.entr(p).sum()
    return temperature**2 * (cross_entropy - entropy) / rows.numel()


@accepted("accumulated_kd")
def weighs_each_pieces_mean_by_its_tokens(
    student_logits, teacher_logits, mask, micro_batches, temperature=1.0
):
    total = max(int(mask.sum()), 1)
    losses = []
    for student, teacher, part in zip(
        student_logits.chunk(micro_batches),
        teacher_logits.chunk(micro_batches),
        mask.bool().chunk(micro_batches),
        strict=True,
    ):
        mean = token_by_token(student, teacher, part, temperature)
        losses.append(mean * (int(part.sum()) / total))
    return losses


@accepted("accumulated_kd")
def with_slices_in_float64(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    rows = len(student_logits)
    size = -(-rows // micro_batches)
    weight = mask.double() / mask.double().sum().clamp(min=1)
    losses = []
    for start in range(0, rows, size):
        part = slice(start, start + size)
        hidden = ~mask[part].bool().unsqueeze(-1)
        student, teacher = (
            logits[part].double().masked_fill(hidden, 0) / temperature
            for logits in (student_logits, teacher_logits.detach())
        )
        p = teacher.softmax(2)
        each = (torch.xlogy(p, p) - p * student.log_softmax(2)).sum(2)
        losses.append((temperature**2 * (each * weight[part]).sum()).to(student_logits.dtype))
    return losses


@accepted("accumulated_kd")
def as_a_tuple_of_sums(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    mask = mask > 0
    tokens = mask.sum().item() or 1
    rows = torch.arange(len(mask)).chunk(micro_batches)

    def piece(index):
        log_q = (student_logits[index][mask[index]] / temperature).log_softmax(-1)
        log_p = (teacher_logits[index][mask[index]] / temperature).log_softmax(-1).detach()
        return F.kl_div(log_q, log_p, reduction="sum", log_target=True) * temperature**2 / tokens

    return [piece(index) for index in rows]


@accepted("top_k_kd")
def row_by_row_over_merged_probabilities(student_logits, top_values, top_indices, temperature=1.0):
    classes = student_logits.shape[1]
    total = 0.0
    for logits, values, indices in zip(student_logits, top_values.detach(), top_indices, strict=True):
        q = (logits.double() / temperature).log_softmax(0)
        others = [c for c in range(classes) if c not in indices.tolist()]
        log_q, p = q[indices], values.double()
        if others:
            log_q = torch.cat([log_q, q[others].logsumexp(0, keepdim=True)])
            p = torch.cat([p, (1 - p.sum()).clamp(min=0).view(1)])
        total = total + torch.special.xlogy(p, p).sum() - (p * log_q).sum()
    return (temperature**2 * total / len(student_logits)).to(student_logits.dtype)


@accepted("top_k_kd")
def with_a_guarded_difference(student_logits, top_values, top_indices, temperature=1.0):
    q = torch.softmax(student_logits / temperature, dim=-1)
    top = q.gather(1, top_indices).clamp(min=1e-12)
    with torch.no_grad():
        p = top_values.clamp(min=0)
        tail = (1 - p.sum(1)).clamp(min=0)
    rest = q.scatter(1, top_indices, 0).sum(1).clamp(min=1e-12)
    each = (p * (p.clamp(min=1e-12).log() - top.log())).sum(1)
    if top_values.shape[1] < student_logits.shape[1]:
        each = each + tail * (tail.clamp(min=1e-12).log() - rest.log())
    return temperature**2 * each.mean()


@accepted("top_k_kd")
def as_a_cross_entropy_with_a_mask(student_logits, top_values, top_indices, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    inside = torch.zeros_like(log_q, dtype=torch.bool).scatter_(-1, top_indices, True)
    p = top_values.detach()
    loss = F.kl_div(log_q.gather(-1, top_indices), p, reduction="none").sum(-1)
    if not inside.all():
        log_tail = log_q.masked_fill(inside, -1e30).logsumexp(-1)
        loss = loss + F.kl_div(log_tail, F.relu(1 - p.sum(-1)), reduction="none")
    return loss.mean() * temperature**2
