"""The whole path from an English teacher to a served student, on a small scale but with the real data."""

import errno
import itertools
import json
import shutil
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from kd_solutions import data
from kd_solutions.data.translations import duplicate_key
from kd_solutions.evaluation.metrics import accuracy
from kd_solutions.flagship import corpus, recipe, scoreboard
from kd_solutions.flagship import store as serving
from kd_solutions.flagship import train as flagship
from kd_solutions.flagship.predict import Predictor, predict
from kd_solutions.flagship.train import cosine_loss
from kd_solutions.models.student import StudentModel
from kd_solutions.models.teacher import TeacherModel
from kd_solutions.support.errors import StudyError
from kd_study.__main__ import app
from kd_study.cli import distilling

LANGUAGES = ("de", "zh")
TINY = replace(recipe.QUICK, steps=150, limit=1200)


@pytest.fixture(scope="module")
def teacher():
    return TeacherModel.from_pretrained()


@pytest.fixture(scope="module")
def distilled(teacher):
    return flagship.distill_student(LANGUAGES, recipe=TINY, teacher=teacher, progress=False)


@pytest.fixture(scope="module")
def read():
    return corpus.build_corpus(LANGUAGES, TINY, progress=False)


def test_nothing_held_out_or_tested_is_read(read):
    parallel = data.load_parallel(LANGUAGES)
    held_out = {duplicate_key(parallel.english[i]) for i in parallel.held_out}
    assert not held_out & {duplicate_key(text) for text in read.english}
    held_out_translations = {text for name in LANGUAGES for _, text in parallel.held_out_pairs(name)}
    only_there = held_out_translations - {
        text for name in LANGUAGES for _, text in parallel.training_pairs(name)
    }
    assert len(only_there) > 1500 and not only_there & set(read.texts)
    test = set(data.load_commands("en", "test").texts)
    assert not test & {read.english[row] for row in (read.labels >= 0).nonzero()[:, 0].tolist()}


def test_no_text_of_another_language_has_a_label_of_its_own(read):
    labelled = read.labels[read.originals] >= 0
    groups = {
        name: labelled[torch.from_numpy(rows)].float().mean().item() for name, rows in read.groups.items()
    }
    assert groups["commands"] == groups["rewritten"] == 1
    assert max(groups[name] for name in ("translations", "english")) < 0.01


def test_fewer_translated_strings_are_a_part_of_more_and_all_english_stays():
    recipes = [replace(recipe.QUICK, translated=share) for share in (0.02, 0.05)]
    fewer, more = (corpus.build_corpus(("de",), one, progress=False) for one in recipes)
    strings = [set(one.groups.get("translations", ())) for one in (fewer, more)]
    texts = [{one.texts[row] for row in rows} for one, rows in zip((fewer, more), strings, strict=True)]
    assert 0 < len(texts[0]) < 0.6 * len(texts[1]) and texts[0] < texts[1]
    assert fewer.english == more.english


def test_a_batch_has_the_recipes_proportions_and_the_seed_decides_it(read):
    counts = flagship.FULL.counts
    assert sum(counts.values()) == 256 and counts["rewritten"] == 128
    batches = [
        next(iter(corpus.Mixture(read, StudentModel(["x"]).features, counts, 0.15, seed)))
        for seed in (0, 0, 1)
    ]
    first, same, other = (batch.inputs.ids for batch in batches)
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert len(batches[0].inputs) == len(batches[0].teacher_inputs) == 256


def test_word_dropout_leaves_words_out(read):
    bags = corpus.WordBags(StudentModel(["x"]).features, read.texts)
    rows = np.arange(2000)
    all_words, some_words = (bags.batch(rows, dropout, np.random.default_rng(0)) for dropout in (0.0, 0.5))
    assert 0.4 < len(some_words.ids) / len(all_words.ids) < 0.6
    expected = StudentModel(["x"]).features(read.texts[:2000])
    assert torch.equal(all_words.ids, expected.ids) and torch.equal(all_words.offsets, expected.offsets)


def test_a_tiny_student_reads_languages_that_its_teacher_does_not(distilled, teacher):
    flagship.train_teacher_head(teacher, progress=False)
    commands = data.load_commands("zh", "dev")
    with torch.no_grad():
        student, taught = distilled.student(commands.texts), teacher(commands.texts)
    assert accuracy(student, commands.labels) > accuracy(taught, commands.labels) + 0.2
    english = data.load_commands("en", "test")
    with torch.no_grad():
        assert accuracy(distilled.student(english.texts), english.labels) > 0.7


def test_the_same_seed_gives_the_same_student(distilled, teacher):
    again = flagship.distill_student(LANGUAGES, recipe=TINY, teacher=teacher, progress=False)
    assert torch.equal(again.student.table.weight, distilled.student.table.weight)


def test_the_learners_loss_is_used(teacher):
    seen = []

    def loss(student_vectors, teacher_vectors):
        seen.append((student_vectors.shape, teacher_vectors.requires_grad))
        return cosine_loss(student_vectors, teacher_vectors)

    recipe = replace(TINY, steps=3)
    flagship.distill_student(LANGUAGES, recipe=recipe, teacher=teacher, loss_function=loss, progress=False)
    assert seen == [((256, 384), False)] * 3


def test_cosine_loss():
    rows = torch.nn.functional.normalize(torch.randn(5, 7))
    assert cosine_loss(rows, rows).item() == pytest.approx(0, abs=1e-6)
    assert cosine_loss(rows, -rows).item() == pytest.approx(2)


def test_a_student_is_made_on_the_device_of_choice(monkeypatch):
    monkeypatch.setattr(flagship, "default_device", lambda: torch.device("meta"))
    assert flagship.new_student(4, seed=0).table.weight.device.type == "meta"


@pytest.mark.parametrize("device", ["cpu"] + (["cuda"] if torch.cuda.is_available() else []))
def test_a_head_is_fitted_where_it_is(device):
    vectors, labels = torch.eye(3).repeat(20, 1), torch.arange(3).repeat(20)
    head = torch.nn.Linear(3, 3).to(device)
    flagship.fit_head(head, vectors, labels)
    assert head.weight.device.type == device and accuracy(head(vectors.to(device)), labels) == 1


def test_an_unknown_language_is_named():
    with pytest.raises(StudyError, match="klingon"):
        flagship.distill_student(["klingon"], progress=False)


@pytest.mark.parametrize("languages", [[], ["en"]])
def test_a_student_needs_a_language_beside_english(languages):
    with pytest.raises(StudyError, match="choose among"):
        flagship.distill_student(languages, progress=False)


def test_a_language_named_twice_is_read_once(teacher):
    recipe = replace(TINY, steps=2)
    twice = flagship.distill_student(["de", "en", "de"], recipe=recipe, teacher=teacher, progress=False)
    once = flagship.distill_student(["de"], recipe=recipe, teacher=teacher, progress=False)
    assert twice.languages == ("de",) and twice.training.losses == once.training.losses


def test_a_known_language_without_enough_text_for_every_group_can_be_distilled(read):
    few = replace(
        read, groups={name: rows for name, rows in read.groups.items() if "translations" not in name}
    )
    mixture = corpus.Mixture(few, StudentModel(["x"]).features, recipe.QUICK.counts, 0.15, 0)
    batch = next(iter(mixture))
    assert len(batch.inputs) == 256 and mixture.counts["rewritten"] == 128 + 77
    assert not {name for name in mixture.counts if "translations" in name}


def test_retrieval_is_among_held_out_pairs(distilled):
    nothing_held_out = "ta"
    found = scoreboard.retrieval(distilled.student, [*LANGUAGES, nothing_held_out])
    assert set(found) == set(LANGUAGES) and all(5 < percent < 100 for percent in found.values())


def test_saved_student_answers_as_before_and_replaces_the_last(distilled, tmp_path):
    with pytest.raises(StudyError, match="no student"):
        serving.load_student(tmp_path)
    first = serving.save_student(distilled.student, {"seed": 0}, tmp_path)
    second = serving.save_student(distilled.student, {"seed": 1}, tmp_path)
    assert not first.exists() and 9 < serving.megabytes(second) < 12
    student, examples = serving.load_student(tmp_path)
    answer = predict(student, "turn off the lights in the kitchen", examples)
    assert answer.intent == "HassTurnOff" and 0 < answer.confidence <= 1
    assert len(answer.nearest) == 3 and answer.nearest[0][1] >= answer.nearest[-1][1]
    assert set(example for example, _ in answer.nearest) <= set(examples)


def test_a_text_without_words_is_refused(distilled):
    with pytest.raises(StudyError, match="no word"):
        predict(distilled.student, "?! ", ["turn on"])


def test_a_predictor_reads_its_examples_once(distilled, monkeypatch):
    student, examples, read = distilled.student, ["turn on the light", "what time is it"], []
    expected = predict(student, "licht an", examples)
    encode = student.encode
    monkeypatch.setattr(student, "encode", lambda texts: read.append(len(texts)) or encode(texts))
    answer = Predictor(student, examples)
    assert [answer("licht an"), answer("licht an")] == [expected] * 2
    assert read == [2, 1, 1]
    assert len(Predictor(student, examples, nearest=1)("licht an").nearest) == 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    return tmp_path


def invoke(*words: str):
    return CliRunner().invoke(app, words)


def test_distill_and_predict_from_the_terminal(home, monkeypatch):
    monkeypatch.setattr(recipe, "FULL", replace(TINY, steps=30))
    monkeypatch.setattr(recipe, "LABELS_ONLY", replace(TINY, steps=30))
    result = invoke("distill", "--languages", "de", "zh", "--json", "--seed", "3")
    report = json.loads(result.stdout)
    assert set(report["languages"]) == {"en", "de", "zh"}
    assert set(report["languages"]["de"]) == {
        "teacher",
        "student",
        "translate_train",
        "english_labels_only",
    }
    assert set(report["retrieval_at_1"]) == {"de", "zh"}
    assert 9 < report["megabytes"] < 12 and report["sentences_per_second"] > 100 and report["seconds"] > 0
    assert "seed 3" in result.stderr
    assert set(report["abstention"]) == set(report["by_hand"]) == {"en", "de", "zh"}
    rows, nothing_held_out = report["languages"], {"retrieval_at_1": {}}
    distilling._print_table(report | nothing_held_out | {"languages": {"en": rows["en"], "de": rows["de"]}})

    answer = json.loads(invoke("predict", "关掉客厅的灯", "--json").stdout)
    assert set(answer) == {"intent", "confidence", "nearest", "understood"} and len(answer["nearest"]) == 3
    assert answer["intent"] in data.served_intents() if answer["understood"] else answer["intent"] is None
    assert (answer["intent"] or "not understood") in invoke("predict", "关掉客厅的灯").stdout


@pytest.fixture
def quick_training(home, monkeypatch):
    """`distill` as it is, but for the minutes that it takes."""
    monkeypatch.setattr(recipe, "FULL", replace(TINY, steps=3))
    monkeypatch.setattr(recipe, "LABELS_ONLY", replace(TINY, steps=3))
    report = {"languages": {}, "retrieval_at_1": {}, "abstention": {}, "by_hand": {}}
    monkeypatch.setattr(distilling, "_measure", lambda *_: report)
    monkeypatch.setattr(distilling, "_print_table", lambda _: None)
    monkeypatch.setattr(tempfile, "tempdir", str(home / "elsewhere"))
    (home / "elsewhere").mkdir()


def full_from(call, folder, monkeypatch):
    """The disk of `folder` is full from this call of a save on."""
    calls, save = itertools.count(1), serving._save

    def save_or_fail(student, files, where):
        if folder == where.name and next(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(student, files, where)

    monkeypatch.setattr(serving, "_save", save_or_fail)


def test_a_disk_that_fills_up_while_a_student_is_trained_does_not_lose_it(quick_training, home, monkeypatch):
    full_from(1, "students", monkeypatch)
    result = invoke("distill", "--languages", "de")
    assert result.exit_code == 0 and "is full: free some space" in result.stderr
    (kept,) = (home / "elsewhere" / "kd-study-students").glob("student-*")
    assert f"The student is kept in {kept}: move it into {home / 'students'}" in result.stderr
    shutil.move(kept, home / "students")
    assert json.loads(invoke("predict", "turn on", "--json").stdout)["intent"] in data.served_intents()


def test_whoever_looks_may_make_room_and_try_again(quick_training, home, monkeypatch, capsys):
    asked, save = [], serving._save
    full_from(2, "students", monkeypatch)

    def make_room(prompt):
        asked.append(prompt)
        monkeypatch.setattr(serving, "_save", save)

    monkeypatch.setattr("builtins.input", make_room)
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    distilling.distill_and_report(["de"], 0, None, True)
    assert len(asked) == 1 and "Press Enter to try again" in asked[0]
    assert len(list((home / "students").glob("student-*"))) == 1 and not list((home / "elsewhere").iterdir())


def test_a_full_disk_shows_before_the_training(home, monkeypatch):
    def full(folder=None):
        raise StudyError("The disk is full.")

    monkeypatch.setattr(serving, "require_room", full)
    monkeypatch.setattr(distilling.ladder, "settle", None)
    with pytest.raises(StudyError, match="full"):
        CliRunner().invoke(app, ["distill", "--languages", "de"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("distill", "--languages", "en"), "no parallel text in en;"),
        (("predict", "turn on"), "no student"),
        (("distill", "--languages", "de", "klingon"), "klingon"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence(home, words, sentence):
    with pytest.raises(StudyError, match=sentence):
        CliRunner().invoke(app, words, catch_exceptions=False)
