"""What is killed goes on exactly where it was; a checkpoint that can't be used says so."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kd_solutions.support.errors import StudyError
from kd_solutions.training.classic import freeze
from kd_solutions.training.loop import distill
from tests.small_models import batches, linear, network, same, sgd, state


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


def damage(path, student):
    path.write_bytes(path.read_bytes()[:100])
    return student


def change_student(path, student):
    return nn.Linear(4, 2)


@pytest.mark.parametrize("spoil", [damage, change_student])
def test_a_checkpoint_that_does_not_fit_is_one_sentence(tmp_path, spoil):
    student, path = linear(), tmp_path / "run.pt"
    arguments = batches(), F.mse_loss
    distill(student, freeze(network(1)), *arguments, sgd(student), checkpoint=path)
    student = spoil(path, student)
    with pytest.raises(StudyError, match="delete it or choose another path"):
        distill(student, freeze(network(1)), *arguments, sgd(student), checkpoint=path)


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
    with pytest.raises(StudyError, match="No space left on device.*free some space"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), epochs=2, checkpoint=path)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
