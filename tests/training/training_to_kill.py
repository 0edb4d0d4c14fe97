"""A training run that kills itself, for test_checkpoint.py: `python training_to_kill.py FOLDER`.

Each run is a fork of one process, because importing torch takes longer than the training. A run in
FOLDER/whole-… is never killed; every other is killed once, at some batch or while its checkpoint is
written, then runs again.
"""

import os
import random
import signal
import sys
from itertools import count
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from kd_solutions.training.loop import distill

BATCHES = 15
WRITES = 6  # before the first step, after steps 2, 4, 6, 8, and at the end


class Words(Dataset):
    """Augments with all three global random states, as careless code does."""

    def __len__(self):
        return 40

    def __getitem__(self, row):
        noise = torch.rand(3) + random.random() + np.random.rand()
        return torch.randint(50, (6,), generator=torch.Generator().manual_seed(row)), noise.float()


class Projected(nn.Module):
    """A loss with parameters of its own."""

    def __init__(self):
        super().__init__()
        self.projector = nn.Linear(3, 3)

    def forward(self, student_output, teacher_output, noise):
        return F.mse_loss(self.projector(student_output), teacher_output + noise)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def train(folder: Path, own_generator: bool, kill_at_batch: int | None, kill_at_write: int | None):
    for seed in (torch.manual_seed, random.seed, np.random.seed):
        seed(1)
    table = nn.EmbeddingBag(50, 8, sparse=True)
    head = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
    student, loss = nn.Sequential(table, head), Projected()
    sparse = torch.optim.SparseAdam(table.parameters(), lr=1e-2)
    dense = torch.optim.AdamW([*head.parameters(), *loss.parameters()], lr=1e-2)
    batches, writes, replace = count(1), count(1), os.replace

    def teacher(ids):
        if next(batches) == kill_at_batch:
            kill()
        return F.one_hot(ids[:, 0] % 3, 3).float()

    def replace_or_die(source, target):
        if next(writes) == kill_at_write:
            kill()
        replace(source, target)

    os.replace = replace_or_die
    generator = torch.Generator().manual_seed(3) if own_generator else None
    result = distill(
        student,
        teacher,
        DataLoader(Words(), batch_size=8, shuffle=True, generator=generator),
        loss,
        [sparse, dense],
        schedulers=torch.optim.lr_scheduler.OneCycleLR(dense, 1e-2, total_steps=9),
        epochs=3,
        accumulate=2,
        clip_norm=1.0,
        checkpoint=folder / "run.pt",
        checkpoint_every=2,
    )
    next_draw = torch.rand(1)
    torch.save([student.state_dict(), loss.state_dict(), result.losses, next_draw], folder / "end.pt")


def run(folder: Path, *arguments) -> int:
    """The signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        train(folder, *arguments)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def warm_up():
    """What takes longer than all runs, once for all; no backward pass, whose threads don't survive a fork."""
    torch.optim.SGD([nn.Parameter(torch.zeros(1))])
    nn.BatchNorm1d(2)(torch.ones(2, 2))


if __name__ == "__main__":
    root = Path(sys.argv[1])
    warm_up()
    for own in (False, True):
        assert run(root / f"whole-{own}", own, None, None) == 0
    kills = [(f"batch-True-{n}", True, n, None) for n in range(1, BATCHES + 1)]
    kills += [(f"batch-False-{n}", False, n, None) for n in (5, 9, 14)]
    kills += [(f"write-False-{n}", False, None, n) for n in range(1, WRITES + 1)]
    for name, own, batch, write in kills:
        assert run(root / name, own, batch, write) == signal.SIGKILL
        assert run(root / name, own, None, None) == 0
