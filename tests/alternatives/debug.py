"""A mended function is right however it was mended: the debug exercises accept what their contract does."""

import torch
import torch.nn.functional as F

from tests.alternatives import ALTERNATIVES, accepted, features, response, tokens

CONTRACTS = {
    "debug_ignored_mask": ("masked_kd", tokens),
    "debug_infinite_padding": ("masked_kd", tokens),
    "debug_mean_of_means": ("accumulated_kd", tokens),
    "debug_detached_feature": ("hint_loss", features),
    "debug_one_model_twice": ("kd_loss", response),
    "debug_shrinking_loss": ("distillation_kl", response),
}
for _name, (_contract, _module) in CONTRACTS.items():
    ALTERNATIVES[_name] += ALTERNATIVES[_contract]


@accepted("debug_infinite_padding")
def puts_something_harmless_at_the_padding(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    student, teacher = (
        logits.masked_fill(~kept[..., None], 0.0) for logits in (student_logits, teacher_logits.detach())
    )
    log_q = F.log_softmax(student / temperature, dim=-1)
    log_p = F.log_softmax(teacher / temperature, dim=-1)
    each = (log_p.exp() * (log_p - log_q)).sum(-1) * kept
    return (temperature**2 * each.sum() / kept.sum().clamp(min=1)).to(student_logits.dtype)


@accepted("debug_shrinking_loss")
def with_the_reduction_named(student_logits, teacher_logits, temperature=1.0):
    criterion = torch.nn.KLDivLoss(reduction="batchmean")
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    return temperature**2 * criterion(log_q, p)


@accepted("debug_shuffled_cache")
def by_rows_of_one_table(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    row_of, blocks = {}, []
    with torch.no_grad():
        for ids, data in data_loader:
            for name in ids:
                row_of[int(name)] = len(row_of)
            blocks.append(teacher.eval()(data))
    table = torch.cat(blocks)
    for _ in range(epochs):
        for ids, data in data_loader:
            student.train().zero_grad()
            loss_function(student(data), table[[row_of[int(name)] for name in ids]]).backward()
            optimizer.step()
    return student.state_dict()


@accepted("debug_shuffled_cache")
def fills_the_cache_in_the_first_epoch(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = {}
    teacher.eval()
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            new = [i for i, name in enumerate(ids.tolist()) if name not in kept]
            if new:
                kept |= zip([ids[i].item() for i in new], teacher(data[new]).detach(), strict=True)
            loss = loss_function(student(data), torch.stack([kept[i.item()] for i in ids]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return {name: value.clone() for name, value in student.state_dict().items()}


@accepted("debug_idle_projector")
def steps_with_two_optimizers(student, projector, batches, learning_rate=0.1):
    optimizers = [
        torch.optim.SGD(parameters, lr=learning_rate)
        for parameters in map(list, (student.parameters(), projector.parameters()))
        if parameters
    ]
    losses = []
    for inputs, teacher_hidden in batches:
        for optimizer in optimizers:
            optimizer.zero_grad()
        difference = projector(student(inputs)) - teacher_hidden.detach()
        loss = difference.square().mean()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(float(loss))
    return losses


@accepted("debug_idle_projector")
def steps_by_hand(student, projector, batches, learning_rate=0.1):
    both, losses = torch.nn.Sequential(student, projector), []
    for inputs, teacher_hidden in batches:
        both.zero_grad()
        loss = F.mse_loss(both(inputs), teacher_hidden.detach())
        loss.backward()
        with torch.no_grad():
            for part in both.parameters():
                part -= learning_rate * part.grad
        losses.append(loss.item())
    return losses


@accepted("debug_woken_teacher")
def calls_eval_before_each_answer(student, teacher):
    class Pair(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.student, self.teacher = student, teacher.requires_grad_(False)

        def forward(self, inputs):
            self.teacher.eval()
            return self.student(inputs), self.teacher(inputs).detach()

    return Pair()


@accepted("debug_woken_teacher")
def keeps_the_teacher_out_of_the_tree(student, teacher):
    class Pair(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.student = student
            self._outside = (teacher.eval(),)

        def forward(self, inputs):
            with torch.no_grad():
                target = self._outside[0](inputs)
            return [self.student(inputs), target]

    return Pair()


@accepted("debug_shifted_logits")
def pads_the_labels_instead(student_logits, teacher_logits, labels, ignore_index=-100):
    following = F.pad(labels[:, 1:], (0, 1), value=ignore_index)
    return tokens.flattens_and_selects(student_logits, teacher_logits, following != ignore_index)


@accepted("debug_shifted_logits")
def position_by_position(student_logits, teacher_logits, labels, ignore_index=-100):
    total, number = student_logits[:0].sum(), 0
    for n, row in enumerate(labels.tolist()):
        for position, label in enumerate(row[1:]):
            if label != ignore_index:
                log_q = student_logits[n, position].log_softmax(-1)
                log_p = teacher_logits[n, position].detach().log_softmax(-1)
                total = total + (log_p.exp() * (log_p - log_q)).sum()
                number += 1
    return total / max(number, 1)
