"""Models and batches that are small enough to train in a test."""

import copy
import inspect

import torch
from torch import nn


def network(seed=0, width=8):
    """Dropout and BatchNorm, so that modes matter."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 3)
    )


def data(rows=24, seed=5):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, 4, generator=generator), torch.randint(3, (rows,), generator=generator)


def batches(size=8, rows=24):
    inputs, targets = data(rows)
    return list(zip(inputs.split(size), targets.split(size), strict=True))


def state(model):
    return copy.deepcopy(model.state_dict())


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def linear(device="cpu"):
    torch.manual_seed(0)
    return nn.Linear(4, 3).to(device)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def loop(ask=None, goes_by=lambda loss, student: loss):
    """A classic training loop, right as it is.

    ask(teacher, data): how the teacher is asked, by default without a graph. goes_by(loss, student): what the
    step follows.
    """

    def without_a_graph(teacher, data):
        with torch.no_grad():
            return teacher(data)

    def train(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
        function = getattr(loss_function, "forward", loss_function)
        parameters = inspect.signature(function).parameters.values()
        three = sum(each.default is each.empty for each in parameters) == 3
        batches = 0
        for _ in range(epochs):
            student_model.train()
            teacher_model.eval()
            for batches, (data, target) in enumerate(data_loader, 1):  # noqa: B007
                answer = (ask or without_a_graph)(teacher_model, data)
                outputs = student_model(data), answer, target
                loss = loss_function(*outputs[: 3 if three else 2])
                optimizer.zero_grad()
                goes_by(loss, student_model).backward()
                optimizer.step()
        if not batches:
            raise ValueError("no batch")
        return student_model.state_dict()

    return train
