"""A student that says when it doesn't understand, by a threshold from English alone."""

import math
from dataclasses import replace

import pytest
import torch

from kd_solutions.data.commands import load_commands
from kd_solutions.data.out_of_scope import out_of_scope
from kd_solutions.data.parallel import load_parallel
from kd_solutions.flagship import abstention, recipe, store, train
from kd_solutions.flagship.corpus import build_corpus
from kd_solutions.flagship.predict import Predictor

SHORT = replace(recipe.QUICK, steps=250, limit=4000)
NONSENSE = "my grandmother collects old stamps from norway"


@pytest.fixture(scope="module")
def predictor():
    from kd_solutions.models.pretrained import PretrainedTeacher

    student = train.distill_student(["de"], recipe=SHORT, teacher=PretrainedTeacher(), progress=False).student
    found = Predictor(student, store.examples())
    found.threshold = abstention.fit_threshold(found)
    return found


def test_what_asks_for_nothing_is_in_no_training_text_nor_chosen_by_in_another_language():
    chosen, english = (set(out_of_scope("en", split)) for split in ("threshold", "test"))
    assert len(chosen) > 700 and len(english) > 700 and not chosen & english
    texts = set(build_corpus(("de",), replace(SHORT, limit=None), progress=False).texts)
    assert not texts & {text for text in chosen | english if len(text.split()) > 2}
    parallel = load_parallel(["de"])
    original = {text: english for english, text in parallel.held_out_pairs("de", 2000)}
    strings = [original[text] for text in out_of_scope("de", "test") if text in original]
    assert len(strings) > 300 and not chosen & set(strings)


@pytest.mark.parametrize("language, split", [("en", "train"), ("de", "threshold")])
def test_a_split_that_is_not_there_is_refused(language, split):
    with pytest.raises(ValueError, match="splits"):
        out_of_scope(language, split)


def test_the_threshold_is_chosen_on_english_alone(predictor, monkeypatch):
    read = []
    for name in ("load_commands", "out_of_scope"):
        whole = getattr(abstention, name)
        monkeypatch.setattr(
            abstention,
            name,
            lambda language, split, whole=whole: read.append(language) or whole(language, split),
        )
    assert abstention.fit_threshold(predictor) == predictor.threshold
    assert set(read) == {"en"}


def test_english_keeps_its_risk_on_texts_by_which_nothing_was_chosen(predictor):
    found = abstention.abstention(predictor, ["de"])
    assert found["en"].risk < 10 and found["en"].coverage > 60
    assert min(row.out_of_scope_refused for row in found.values()) > 70


def test_the_numbers_are_those_of_single_predictions(predictor):
    commands = load_commands("de", "test")
    answers = [predictor(text) for text in commands.texts]
    right = [commands.intents[label] for label in commands.labels.tolist()]
    answered = [(a.intent, name) for a, name in zip(answers, right, strict=True) if a.understood]
    found = abstention.abstention(predictor, ["de"])["de"]
    assert found.coverage == pytest.approx(100 * len(answered) / len(answers))
    assert found.risk == pytest.approx(100 * sum(a != b for a, b in answered) / len(answered))
    assert {a.intent for a in answers if not a.understood} == {None}


def test_a_lower_risk_needs_a_higher_threshold(predictor):
    thresholds = [abstention.fit_threshold(predictor, risk) for risk in (0.2, 0.05, 0.01)]
    assert thresholds == sorted(thresholds)


def test_what_was_saved_refuses_as_before(predictor, tmp_path):
    store.save_student(predictor.student, {"threshold": predictor.threshold}, tmp_path)
    loaded = store.load_predictor(tmp_path)
    assert loaded.threshold == predictor.threshold
    assert not loaded(NONSENSE).understood and loaded(NONSENSE).intent is None
    assert loaded("turn on the light in the kitchen").intent == "HassTurnOn"


def test_a_student_saved_before_there_was_a_threshold_understands_all(predictor, tmp_path):
    store.save_student(predictor.student, {"seed": 0}, tmp_path)
    answer = store.load_predictor(tmp_path)(NONSENSE)
    assert answer.understood and answer.intent


def test_without_a_threshold_that_keeps_the_risk_nothing_is_understood(predictor):
    cautious = Predictor(predictor.student, predictor.examples, threshold=math.inf)
    assert not cautious("turn on the light").understood


def test_certainty_is_that_of_each_text_alone(predictor):
    texts = ["turn on the light", "Licht an", NONSENSE]
    together, intents = predictor.certainty(texts)
    alone = [predictor.certainty([text]) for text in texts]
    torch.testing.assert_close(together, torch.cat([certainty for certainty, _ in alone]))
    assert torch.equal(intents, torch.cat([intent for _, intent in alone]))
