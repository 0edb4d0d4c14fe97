"""What is killed goes on exactly where it was; a checkpoint that can't be used says so."""

import copy
import errno
import hashlib
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
)

from kd_solutions.support.errors import StudyError
from kd_solutions.training.checkpoint import _read
from kd_solutions.training.classic import freeze
from kd_solutions.training.loop import distill
from tests.small_models import batches, data, linear, network, same, sgd, state


def test_training_killed_at_any_batch_or_write_ends_as_if_it_never_stopped(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("training_to_kill.py")), str(tmp_path)]
    finished = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert finished.returncode == 0, finished.stderr
    runs = sorted(tmp_path.glob("[bw]*-*-*"))
    assert len(runs) == 15 + 3 + 6
    for folder in runs:
        whole = torch.load(tmp_path / f"whole-{folder.name.split('-')[1]}" / "end.pt")
        resumed = torch.load(folder / "end.pt")
        assert same(resumed[0], whole[0]) and same(resumed[1], whole[1]), folder.name
        assert resumed[2] == whole[2] and torch.equal(resumed[3], whole[3]), folder.name
        assert [path.name for path in folder.glob("run.pt*")] == ["run.pt"]


def test_a_finished_checkpoint_trains_no_further(tmp_path):
    student, asked = linear(), []

    def teacher(inputs):
        asked.append(inputs)
        return torch.zeros(len(inputs), 3)

    for _ in range(2):
        result = distill(
            student, teacher, batches(), F.mse_loss, sgd(student), checkpoint=tmp_path / "run.pt"
        )
        assert result.steps == 3 == len(asked)


def test_more_steps_can_be_asked_of_a_checkpoint(tmp_path):
    student, twin, teacher = linear(), linear(), freeze(network(1))
    for steps in (2, 5):
        distill(
            student,
            teacher,
            batches(),
            F.mse_loss,
            sgd(student),
            epochs=2,
            max_steps=steps,
            checkpoint=tmp_path / "new" / "run.pt",
        )
    distill(twin, teacher, batches(), F.mse_loss, sgd(twin), epochs=2, max_steps=5)
    assert same(student.state_dict(), twin.state_dict())


# orders that somebody else draws


class Ordered:
    """A loader that shuffles with a generator of its own."""

    def __init__(self, generator):
        self.generator = generator

    def __iter__(self):
        batch = list(range(6))
        self.generator.shuffle(batch)
        return iter([(torch.full((2, 4), float(number)), None) for number in batch])


class Augmented(Dataset):
    """Adds noise from a generator of its own."""

    def __init__(self):
        self.inputs, self.generator = data()[0], np.random.Generator(np.random.Philox(3))

    def __len__(self):
        return 24

    def __getitem__(self, row):
        return self.inputs[row] + float(self.generator.normal()), 0


class Stream(IterableDataset):
    def __init__(self, rows=24):
        self.rows = rows

    def __iter__(self):
        return iter([(row, 0) for row in data(self.rows)[0]])


def torch_generator():
    return torch.Generator().manual_seed(4)


def dataset():
    return TensorDataset(*data())


LOADERS = {
    "a list": batches,
    "the loader's generator": lambda: DataLoader(dataset(), 4, shuffle=True, generator=torch_generator()),
    "no generator": lambda: DataLoader(dataset(), 4, shuffle=True),
    "a sampler's": lambda: DataLoader(
        dataset(), 4, sampler=RandomSampler(dataset(), generator=torch_generator())
    ),
    "a weighted sampler's": lambda: DataLoader(
        dataset(), 4, sampler=WeightedRandomSampler(torch.arange(1.0, 25), 24, generator=torch_generator())
    ),
    "a batch sampler's": lambda: DataLoader(
        dataset(), batch_sampler=BatchSampler(RandomSampler(dataset(), generator=torch_generator()), 4, False)
    ),
    "a dataset's": lambda: DataLoader(Augmented(), 4),
    "a part of a dataset's": lambda: DataLoader(Subset(Augmented(), range(12)), 4, shuffle=True),
    "Python's": lambda: Ordered(random.Random(5)),
    "NumPy's": lambda: Ordered(np.random.default_rng(5)),
    "NumPy's old": lambda: Ordered(np.random.RandomState(5)),
    "a stream": lambda: DataLoader(Stream(), 4),
}


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("stop", [2, 4])
def test_resuming_is_exact_whoever_draws_the_order(tmp_path, make, stop):
    def train(loader, **more):
        torch.manual_seed(7)
        return distill(student, freeze(network(1)), loader, F.mse_loss, sgd(student), epochs=3, **more)

    student = whole = linear()
    train(make())
    student = linear()
    train(make(), max_steps=stop, checkpoint=tmp_path / "run.pt")
    student = linear()
    torch.rand(3)
    train(make(), checkpoint=tmp_path / "run.pt")
    assert same(state(student), state(whole))


class Placed:
    """Keeps its own place, as torchdata's loaders do."""

    def __init__(self):
        self.place = 0

    def state_dict(self):
        return {"place": self.place}

    def load_state_dict(self, state):
        self.place = state["place"]

    def __iter__(self):
        for number in range(self.place, 3):
            self.place = number + 1
            yield batches()[number]
        self.place = 0


def test_a_loader_that_keeps_its_place_is_asked_to(tmp_path):
    whole, student, teacher = linear(), linear(), freeze(network(1))
    distill(whole, teacher, batches(), F.mse_loss, sgd(whole), epochs=3)
    for steps in (2, 3, 4, 9):
        distill(
            student,
            teacher,
            Placed(),
            F.mse_loss,
            sgd(student),
            epochs=3,
            max_steps=steps,
            checkpoint=tmp_path / "a",
        )
    assert same(state(student), state(whole))


def test_an_iterator_that_can_not_be_rewound_says_so(tmp_path):
    student, path, loader = linear(), tmp_path / "run.pt", iter(batches())
    arguments = student, freeze(network(1)), loader, F.mse_loss, sgd(student)
    distill(*arguments, max_steps=2, checkpoint=path)
    before = state(student)
    with pytest.raises(StudyError, match="has seen 2 batches.*an iterator can't be rewound"):
        distill(*arguments, checkpoint=path)
    assert same(state(student), before)


def test_another_number_of_generators_is_one_sentence(tmp_path):
    student, path = linear(), tmp_path / "run.pt"
    arguments = F.mse_loss, sgd(student)
    distill(student, freeze(network(1)), LOADERS["a sampler's"](), *arguments, max_steps=2, checkpoint=path)
    with pytest.raises(StudyError, match="sampler.generator"):
        distill(student, freeze(network(1)), LOADERS["no generator"](), *arguments, checkpoint=path)


# what doesn't fit


def cut(path, student):
    path.write_bytes(path.read_bytes()[:100])
    return student, torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)


def empty(path, student):
    path.write_bytes(b"")
    return student, torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)


def a_folder(path, student):
    path.unlink()
    path.mkdir()
    return student, torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)


def without_a_field(field):
    def spoil(path, student):
        payload = _read(path)
        del payload[field]
        buffer = io.BytesIO()
        torch.save(payload, buffer)
        path.write_bytes(buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())
        return student, torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)

    return spoil


def another_student(path, student):
    student = nn.Linear(4, 2)
    return student, torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)


def another_optimizer(path, student):
    return student, torch.optim.RMSprop(student.parameters())


def other_groups(path, student):
    return student, torch.optim.SGD([{"params": [student.weight]}, {"params": [student.bias]}], lr=0.1)


SPOILT = [cut, empty, a_folder, another_student, another_optimizer, other_groups]
SPOILT += [without_a_field(field) for field in ("parts", "kinds", "losses", "epoch", "seen", "now", "place")]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_checkpoint_that_does_not_fit_is_one_sentence_and_changes_nothing(tmp_path, spoil):
    student, path = linear(), tmp_path / "run.pt"
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)
    distill(student, freeze(network(1)), batches(), F.mse_loss, optimizer, checkpoint=path)
    student, optimizer = spoil(path, linear())
    F.mse_loss(student(torch.ones(2, 4)), torch.zeros(2, student.out_features)).backward()
    optimizer.step()  # for it to have a state
    before, optimizer_before = state(student), copy.deepcopy(optimizer.state_dict())
    arguments = freeze(network(1)), batches(), F.mse_loss, optimizer
    torch.manual_seed(9)
    with pytest.raises(StudyError, match="delete it or choose another path"):
        distill(student, *arguments, checkpoint=path)
    assert same(state(student), before)
    torch.testing.assert_close(optimizer.state_dict(), optimizer_before, rtol=0, atol=0)
    assert torch.rand(1) == torch.rand(1, generator=torch.Generator().manual_seed(9))


def test_one_flipped_bit_is_noticed(tmp_path):
    student, path = linear(), tmp_path / "run.pt"
    arguments = freeze(network(1)), batches(), F.mse_loss, sgd(student)
    distill(student, *arguments, checkpoint=path)
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 30):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StudyError, match="delete it"):
            distill(student, *arguments, checkpoint=path)


@pytest.mark.parametrize("name", ["x" * 300, "nul\0"])
def test_a_name_that_no_file_can_have_is_one_sentence(tmp_path, name):
    student = linear()
    with pytest.raises(StudyError, match="Can't write to .*choose another folder"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), checkpoint=tmp_path / name)


@pytest.mark.parametrize(("count", "accumulate"), [(1, 1), (3, 3)])
def test_a_place_that_is_not_there_any_more_is_one_sentence(tmp_path, count, accumulate):
    student, path = linear(), tmp_path / "run.pt"
    teacher, arguments = freeze(network(1)), (F.mse_loss, sgd(student))
    distill(student, teacher, batches(), *arguments, max_steps=2, checkpoint=path)
    with pytest.raises(StudyError, match="has seen 2 batches.*accumulate.*delete it"):
        distill(student, teacher, batches()[:count], *arguments, accumulate=accumulate, checkpoint=path)


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_loading_a_checkpoint_runs_no_code(tmp_path):
    student, path, made = linear(), tmp_path / "run.pt", tmp_path / "made"
    torch.save({"parts": Trap(made)}, path)
    with pytest.raises(StudyError, match="delete it"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), checkpoint=path)
    assert not made.exists()


def test_a_folder_that_can_not_be_written_is_one_sentence_before_any_step(tmp_path):
    (tmp_path / "file").touch()
    student, path = linear(), tmp_path / "file" / "run.pt"
    before = state(student)
    with pytest.raises(StudyError, match="choose another folder"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), checkpoint=path)
    assert same(state(student), before)


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    path, student = tmp_path / "run.pt", network(0)
    distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), checkpoint=path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="disk of .* is full: free some space"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), epochs=2, checkpoint=path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
