import torch
import torch.nn.functional as F

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
