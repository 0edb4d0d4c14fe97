"""The functions that the debug exercises hand out, each with a fault that was really made. Don't copy from here."""

import torch
import torch.nn.functional as F
from torch import nn


def debug_ignored_mask(student_logits, teacher_logits, mask, temperature=1.0):
    """T² · KL(teacher ‖ student) of each token, mean over the tokens that count."""
    kept = mask.bool()
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=-1)
    each = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1)
    if not kept.any():
        return 0.0 * each.sum()
    each.masked_fill(~kept, 0.0)
    return temperature**2 * each.mean()


def debug_infinite_padding(student_logits, teacher_logits, mask, temperature=1.0):
    """T² · KL(teacher ‖ student) of each token, mean over the tokens that count."""
    kept = mask.bool()
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=-1)
    each = (log_p.exp() * (log_p - log_q)).sum(-1)
    each = each.nan_to_num(0.0, posinf=0.0, neginf=0.0) * kept  # the padding may be -inf
    return (temperature**2 * each.sum() / kept.sum().clamp(min=1)).to(student_logits.dtype)


def debug_mean_of_means(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    """Losses of micro-batches that add up to the mean over the kept tokens of the whole batch."""
    parts = (tensor.chunk(micro_batches) for tensor in (student_logits, teacher_logits, mask.bool()))
    losses = []
    for student, teacher, kept in zip(*parts, strict=True):
        log_q = F.log_softmax(student[kept] / temperature, dim=-1)
        log_p = F.log_softmax(teacher[kept].detach() / temperature, dim=-1)
        total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
        losses.append(temperature**2 * total / kept.sum().clamp(min=1))
    return [loss / len(losses) for loss in losses]


def debug_detached_feature(student_hidden, teacher_hidden, projector):
    """Mean squared error between the projected hidden states of the student and those of the teacher."""
    features = {"student": student_hidden, "teacher": teacher_hidden}
    features = {name: hidden.detach() for name, hidden in features.items()}  # no gradient into the teacher
    return F.mse_loss(projector(features["student"]), features["teacher"])


def debug_idle_projector(student, projector, batches, learning_rate=0.1):
    """Trains a student and its projector on hints, one step of plain SGD on each batch; returns the losses."""
    optimizer = torch.optim.SGD(student.parameters(), lr=learning_rate)
    losses = []
    for inputs, teacher_hidden in batches:
        hint = F.mse_loss(projector(student(inputs)), teacher_hidden.detach())
        optimizer.zero_grad()
        hint.backward()
        optimizer.step()
        losses.append(hint.item())
    return losses


def debug_one_model_twice(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    """alpha · T² · KL(teacher ‖ student) + (1 − alpha) · cross-entropy with the labels."""
    small_logits, large_logits = student_logits, teacher_logits.detach()
    soft_targets = F.softmax(large_logits / temperature, dim=-1)
    soft_predictions = F.log_softmax(large_logits / temperature, dim=-1)
    soft_loss = temperature**2 * F.kl_div(soft_predictions, soft_targets, reduction="batchmean")
    hard_loss = F.cross_entropy(small_logits, targets)
    return alpha * soft_loss + (1 - alpha) * hard_loss


def debug_shrinking_loss(student_logits, teacher_logits, temperature=1.0):
    """T² · KL(teacher ‖ student), mean over the batch."""
    criterion = nn.KLDivLoss()
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    return temperature**2 * criterion(log_q, p)


def debug_shuffled_cache(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    """Asks the teacher once about every sample, then trains the student on what was kept."""
    teacher.eval()
    with torch.no_grad():
        kept = [teacher(data) for _, data in data_loader]

    student.train()
    for _ in range(epochs):
        for (_, data), teacher_output in zip(data_loader, kept, strict=True):
            loss = loss_function(student(data), teacher_output)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return student.state_dict()


def debug_woken_teacher(student, teacher):
    """A module around both models: inputs → (student's output, teacher's output)."""

    class Distiller(nn.Module):
        def __init__(self):
            super().__init__()
            self.student = student
            self.teacher = teacher.eval().requires_grad_(False)

        def forward(self, inputs):
            with torch.no_grad():
                teacher_output = self.teacher(inputs)
            return self.student(inputs), teacher_output

    return Distiller()


def debug_shifted_logits(student_logits, teacher_logits, labels, ignore_index=-100):
    """KL(teacher ‖ student) of each token to be predicted, mean over the labels that count."""
    kept = labels != ignore_index
    log_q = F.log_softmax(student_logits[kept], dim=-1)
    log_p = F.log_softmax(teacher_logits[kept].detach(), dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return total / kept.sum().clamp(min=1)
