"""The ladder: each rung learns from what it says and from nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kd_solutions.data.commands import load_commands, served_intents
from kd_solutions.evaluation.metrics import accuracy
from kd_solutions.flagship import ladder, recipe
from kd_solutions.flagship.corpus import UNLABELLED
from kd_solutions.models.pretrained import PretrainedTeacher

TINY = replace(recipe.QUICK, steps=120, limit=1200)
TEXTS = ["Schalte das Licht ein", "打开灯", "turn on the light"]
WITHOUT_A_TEACHER = ("english_labels_only", "translate_train")


@pytest.fixture(scope="module")
def setting():
    return ladder.settle(("de",), recipe=TINY, labels_a_class=3, teacher=PretrainedTeacher(), progress=False)


def test_so_many_labels_of_each_class_are_left_and_each_is_right():
    labels = torch.tensor([0, 1, UNLABELLED, 1, 1, 0, 2, UNLABELLED])
    left = ladder.few_labels(labels, 2, seed=3)
    known = left != UNLABELLED
    assert torch.equal(left[known], labels[known])
    assert left[known].bincount().tolist() == [2, 2, 1]
    assert torch.equal(left, ladder.few_labels(labels, 2, seed=3))
    assert len({tuple(ladder.few_labels(labels, 1, seed).tolist()) for seed in range(20)}) > 1


def test_few_labels_leave_the_texts(setting):
    commands = setting.corpus.originals[setting.corpus.groups["commands"]]
    labels = setting.corpus.labels[commands]
    assert labels[labels != UNLABELLED].bincount().max() == 3
    assert (labels == UNLABELLED).float().mean() > 0.5


@pytest.mark.parametrize("name", ladder.RUNGS)
def test_a_rung_reads_texts_of_any_language(setting, name):
    logits = ladder.RUNGS[name](setting)(TEXTS)
    assert logits.shape == (3, len(served_intents())) and not logits.requires_grad
    assert logits.isfinite().all() and logits.std(dim=0).max() > 0


@pytest.mark.parametrize("name", [*WITHOUT_A_TEACHER, "self_training"])
def test_without_a_teacher_no_vector_of_it_is_read(setting, name):
    blind = replace(setting, vectors=torch.full_like(setting.vectors, torch.nan))
    torch.testing.assert_close(ladder.RUNGS[name](blind)(TEXTS), ladder.RUNGS[name](setting)(TEXTS))


def test_vectors_alone_read_no_label(setting):
    """Not while the student learns: its vectors are the same, whatever the labels are."""
    corpus = setting.corpus
    other = replace(setting, corpus=replace(corpus, labels=corpus.labels.where(corpus.labels < 1, 1)))
    ours, theirs = (ladder._imitator(one).encode(TEXTS) for one in (setting, other))
    torch.testing.assert_close(ours, theirs)


def test_english_labels_alone_read_no_translation(setting):
    corpus = setting.corpus
    english = set(corpus.english)
    texts = [text if text in english else "xyz" for text in corpus.texts]
    same = replace(setting, corpus=replace(corpus, texts=texts))
    rung = ladder.RUNGS["english_labels_only"]
    torch.testing.assert_close(rung(same)(TEXTS), rung(setting)(TEXTS))


def test_the_teacher_labels_only_what_has_no_label(setting):
    corpus, guessed = setting.corpus, ladder._with_pseudo_labels(setting)
    known = corpus.labels != UNLABELLED
    assert torch.equal(guessed.labels[known], corpus.labels[known])
    commands = np.unique(corpus.originals[corpus.groups["commands"]])
    assert (guessed.labels[commands] != UNLABELLED).all()
    others = np.setdiff1d(np.arange(len(corpus.english)), commands)
    assert (guessed.labels[others] == UNLABELLED).all()


def test_a_student_that_trains_itself_learns_from_commands_that_nobody_labelled(setting):
    once, twice = (ladder.RUNGS[name](setting)(TEXTS) for name in ("translate_train", "self_training"))
    assert (once - twice).abs().max() > 1e-3
    labels = setting.corpus.labels.where(setting.corpus.labels != UNLABELLED, 0)
    known = replace(setting, corpus=replace(setting.corpus, labels=labels))
    once, twice = (ladder.RUNGS[name](known)(TEXTS) for name in ("translate_train", "self_training"))
    torch.testing.assert_close(once, twice)  # nothing is left to label


def test_rewritten_commands_teach_what_english_labels_do_not(setting):
    """What the ladder was built to show, on a small scale."""
    dev = load_commands("de", "dev")
    every = ladder.settle(("de",), recipe=replace(TINY, limit=None), teacher=setting.teacher, progress=False)
    reached = {name: accuracy(ladder.RUNGS[name](every)(dev.texts), dev.labels) for name in WITHOUT_A_TEACHER}
    assert reached["translate_train"] > reached["english_labels_only"] + 0.15
