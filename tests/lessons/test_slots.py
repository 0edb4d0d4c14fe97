"""Commands with slots, words carried across, and the small students of word labels (lesson 11)."""

import random

import pytest
import torch
import torch.nn.functional as F

from kd_solutions.data.templates import Template
from kd_study.lessons.kit.crossing import carry, rewrite_aligned, units
from kd_study.lessons.kit.neighbours import ask_neighbours
from kd_study.lessons.kit.slots import LABELS, Gazetteer, _label, marked, slot_f1, spans, words_of
from kd_study.lessons.kit.tagging import (
    Imitators,
    Readers,
    Taggers,
    Vocabulary,
    WordTeacher,
    answers,
    cut,
    fitted_logits,
    train_students,
)

AREA, NAME, MINUTES = (LABELS.index(name) for name in ("area", "name", "minutes"))
LEXICON = {"kitchen": [("küche", 1.0)], "turn_off": [("ausschalten", 1.0)], "light": [("licht", 1.0)]}


def slot(name: str, text: str) -> str:
    return f"\ue000{name}\ue001{text}\ue002"


def test_words_take_the_label_of_the_slot_that_they_touch():
    words, labels = words_of(f"Wake me in {slot('start_minutes', '40')}min, {slot('area', 'Living Room')}!")
    assert words == ["wake", "me", "in", "40min", "living", "room"]
    assert labels == [0, 0, 0, MINUTES, AREA, AREA]


def test_a_slot_that_is_not_served_is_no_slot_and_one_of_free_words_leaves_the_sentence_out():
    assert words_of(f"{slot('state', 'on')} now") == (["on", "now"], [0, 0])
    assert words_of(f"do {slot('conversation_command', 'it')}") == ([], None)


def test_a_template_gives_few_sentences_and_none_twice():
    sentences = tuple(f"dim {slot('area', room)}" for room in ("a", "b", "c", "d", "e"))
    rows = _label([Template("x", "dim {area}", sentences), Template("y", "dim {area}", sentences)], set())
    assert len(rows) == 5 and len({tuple(words) for words, _, _ in rows}) == 5


def test_spans_are_runs_of_one_label():
    assert spans([0, AREA, AREA, NAME, 0, AREA]) == {(1, 2, AREA), (3, 3, NAME), (5, 5, AREA)}
    assert spans([]) == spans([0, 0]) == set()
    assert marked(["dim", "living", "room"], [0, AREA, AREA]) == "dim [living room: area]"


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [([[AREA, AREA, 0]], 100), ([[AREA, 0, 0]], 0), ([[NAME, NAME, 0]], 0), ([[AREA, AREA, NAME]], 200 / 3)],
)
def test_a_slot_counts_if_words_and_name_are_right(predicted, expected):
    assert slot_f1(predicted, [[AREA, AREA, 0]]) == pytest.approx(expected)


def test_f1_is_0_where_nothing_is_to_be_filled():
    assert slot_f1([[0]], [[0]]) == 0


def test_a_gazetteer_knows_the_usual_label_and_takes_numbers_alike():
    listed = Gazetteer(["kitchen", "kitchen", "kitchen", "5"], torch.tensor([AREA, AREA, NAME, MINUTES]))
    assert listed([["kitchen", "30", "new"]]) == [[AREA, MINUTES, 0]]


def test_units_join_verbs_and_phrases_and_keep_places():
    found = units(["turn", "the", "kitchen", "light", "off"], LEXICON)
    assert [(unit.text, unit.places) for unit in found] == [
        ("turn_off", (0, 4)), ("the", (1,)), ("kitchen", (2,)), ("light", (3,)),
    ]  # fmt: skip
    joined = units(["living", "room"], {"living_room": [("wohnzimmer", 1.0)]})
    assert [(unit.text, unit.places) for unit in joined] == [("living_room", (0, 1))]


def test_each_rewritten_word_knows_where_it_comes_from():
    for seed in range(5):
        english = ["turn", "kitchen", "light", "off", "in", "20", "minutes"]
        words, places = rewrite_aligned(english, LEXICON, random.Random(seed))
        pairs = dict(zip(words, places, strict=True))
        assert pairs["küche"] == 1 and pairs["20"] == 5
        assert pairs.get("ausschalten", 0) == 0


def test_sentences_are_carried_as_they_are_and_rewritten():
    sentences = [["kitchen", "light"], ["light"], ["x"] * 60]
    found = carry(sentences, [LEXICON])
    assert found.words[:2] == sentences[:2]
    assert found.commands.tolist() == [0, 1, 0, 1] and found.rewritten.tolist() == [False] * 2 + [True] * 2
    flat = [word for words in sentences for word in words]
    for words, origins in zip(found.words[2:], found.origins[2:], strict=True):
        assert [LEXICON[flat[origin]][0][0] for origin in origins[: len(words)]] == words


SENTENCES = [["open", "the", "blinds"], ["close", "it"], ["the", "blinds", "open", "now"]]


@pytest.fixture
def vocabulary():
    return Vocabulary(SENTENCES, rows=64)


def test_order_is_lost_on_readers_and_not_on_taggers(vocabulary):
    numbers = vocabulary([["open", "the", "blinds"], ["the", "blinds", "open"]])
    one, other = answers(Readers(vocabulary, 1, 3), numbers)[0]
    assert torch.allclose(one, other, atol=1e-6)
    one, other = answers(Taggers(vocabulary, 1, 3), numbers)[0]
    assert not torch.allclose(one[0], other[2], atol=1e-3)


@pytest.mark.parametrize("kind", [Readers, Taggers])
def test_padding_changes_nothing(vocabulary, kind):
    students, numbers = kind(vocabulary, 2, 3), vocabulary(SENTENCES[1:2])
    plain, padded = (answers(students, F.pad(numbers, (0, more))) for more in (0, 3))
    kept = plain if kind is Readers else plain[:, :, :2]
    assert torch.allclose(kept, padded if kind is Readers else padded[:, :, :2], atol=1e-6)


def test_each_student_trains_on_rows_and_weights_of_its_own(vocabulary):
    numbers, labels = vocabulary(SENTENCES), torch.tensor([0, 1, 2])
    readers = train_students(
        Readers(vocabulary, 2, 3),
        numbers,
        lambda logits, rows: F.cross_entropy(logits.flatten(0, 1), labels[rows].flatten()),
        rows_of=[torch.tensor([0, 1, 2]), torch.tensor([0])],
        steps=60,
    )
    said = answers(readers, numbers).argmax(-1)
    assert said[0].tolist() == [0, 1, 2] and said[1].tolist() == [0, 0, 0]


def test_an_imitator_reads_words_alone_and_with_neighbours(vocabulary):
    imitators = Imitators(vocabulary, 1, 8)
    found = imitators.through_windows(vocabulary(SENTENCES))
    assert found.shape == (9, 16)
    assert torch.allclose(found[0, :8], answers(imitators, vocabulary([["open"]]))[0, 0], atol=1e-6)


def test_heads_are_fitted_on_known_rows_and_leave_the_random_state():
    vectors, labels, before = torch.eye(4), torch.tensor([0, 1, 0, 1]), torch.random.get_rng_state()
    logits = fitted_logits(vectors, labels, [torch.tensor([0, 1]), torch.tensor([0, 1, 2, 3])], 2)
    assert logits.shape == (2, 4, 2) and logits[1].argmax(-1).tolist() == labels.tolist()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_labels_are_cut_into_sentences():
    sentences = [["a", "b"], ["c"]]
    assert cut(torch.tensor([1, 2, 3]), sentences) == cut(torch.tensor([[1, 2], [3, 0]]), sentences)


class SevenLayers:
    """A stand-in for MiniLM: a piece for every two letters; the third layer holds the pieces' numbers."""

    device = "cpu"

    def __init__(self):
        self.training = False

    def tokenizer(self, sentences, **options):
        rows = [
            [place for place, word in enumerate(words) for _ in range((len(word) + 1) // 2)]
            for words in sentences
        ]
        longest = max(map(len, rows))

        class Tokens(dict):
            def word_ids(self, row):
                return rows[row] + [None] * (longest - len(rows[row]))

            def to(self, device):
                return self

        return Tokens(n=len(rows), longest=longest)

    def encoder(self, n, longest, output_hidden_states):
        states = torch.arange(1.0, longest + 1).expand(n, 2, -1).mT
        answer = type("Answer", (), {})()
        answer.hidden_states = [states * layer for layer in range(7)]
        return answer


def test_a_word_is_the_mean_of_its_pieces_and_all_numbers_are_read_alike(monkeypatch):
    from contextlib import nullcontext

    monkeypatch.setattr("kd_study.lessons.kit.tagging.answering", nullcontext)
    teacher = WordTeacher(3, type("Teacher", (), {"size": 2, "model": SevenLayers()})())
    asked = teacher.asked([["open", "7"], ["open", "99"]])
    assert asked[:2] == asked[2:] == ["open 10\t0", "open 10\t1"]
    vectors = teacher.encode(asked)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(4)) and torch.allclose(vectors[1], vectors[3])


def test_neighbours_are_asked_in_the_target_language():
    found = ask_neighbours("ca", ("es", "de"), range(2), each=3)
    times, teachers, count, classes = found.logits.shape
    assert (times, teachers) == (2, 2) and found.together.shape == (2, count, classes)
    assert len(found.labels) == count and found.similarities[0] > found.similarities[1]
