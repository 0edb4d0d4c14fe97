"""Models and batches that are small enough to train in a test."""

import copy

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
