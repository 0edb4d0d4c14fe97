from types import MethodType

import torch
from torch import nn

from tests.alternatives import accepted


@accepted("freeze")
def with_a_lambda(teacher):
    teacher.eval()
    for parameter in teacher.parameters():
        parameter.requires_grad = False
    teacher.train = lambda mode=True: teacher
    return teacher


@accepted("freeze")
def with_a_class_of_its_own(teacher):
    class Frozen(type(teacher)):
        def train(self, mode=True):
            return super().train(False)

    teacher.__class__ = Frozen
    return teacher.requires_grad_(False).train()


@accepted("freeze")
def with_a_bound_method_and_a_forward_without_graph(teacher):
    forward = teacher.forward

    @torch.no_grad()
    def quiet(*args, **kwargs):
        return forward(*args, **kwargs)

    teacher.forward = quiet
    teacher.train = MethodType(lambda self, mode=True: nn.Module.train(self, False), teacher)
    teacher.train()
    return teacher
