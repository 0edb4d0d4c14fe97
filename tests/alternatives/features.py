import torch
import torch.nn.functional as F

from tests.alternatives import accepted


@accepted("hint_loss")
def with_mse_loss(student_hidden, teacher_hidden, projector):
    with torch.no_grad():
        goal = teacher_hidden.clone()
    return F.mse_loss(projector(student_hidden), goal)


@accepted("hint_loss")
def as_a_dot_product_in_float64(student_hidden, teacher_hidden, projector):
    gap = (projector(student_hidden).double() - teacher_hidden.data.double()).flatten()
    return (torch.dot(gap, gap) / gap.numel()).to(student_hidden.dtype)


@accepted("hint_loss")
def as_mean_of_squares_opened_up(student_hidden, teacher_hidden, projector):
    made, goal = projector(student_hidden), teacher_hidden.detach()
    return (made**2 - 2 * made * goal + goal**2).mean()
