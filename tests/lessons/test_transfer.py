"""What lesson 07 stands on: texts that don't leak, a lexicon, small students, measures of a space."""

import pytest
import torch
import torch.nn.functional as F

from kd_solutions import ibm1_step, remove_language
from kd_solutions.losses.numerics import UNLABELLED
from kd_study.lessons.kit.pictures import axes
from kd_study.lessons.kit.transfer import (
    LANGUAGES,
    by_language,
    commands_in,
    dictionary,
    draw_against_pairs,
    draw_plane,
    english_commands,
    even_table,
    gather_reading,
    held_out_translations,
    likeliest,
    nearest_in_pool,
    own_head,
    percent,
    train,
    translations,
    wins,
    with_few_labels,
    word_by_word,
    word_pairs,
)


@pytest.fixture(scope="module")
def reading():
    return gather_reading()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_chosen_on_shares_no_template_with_what_is_reported(language):
    chosen_on, reported = commands_in(language, 10_000, tuning=True), commands_in(language, 10_000)
    assert not set(chosen_on.templates.tolist()) & set(reported.templates.tolist())
    assert not set(chosen_on.texts) & set(reported.texts)


def test_nothing_held_out_or_reported_is_in_the_reading(reading):
    held_out = held_out_translations(50)
    assert {len(texts) for texts in held_out.values()} == {50}
    reported = {text for language in ("en", *LANGUAGES) for text in commands_in(language).texts}
    natural = [row for group in ("commands", "translations", "english") for row in reading.groups[group]]
    assert not {reading.texts[row] for row in natural} & reported  # what rewriting hits by itself is fair
    assert not set(reading.english) & set(held_out["en"])


def test_every_text_of_the_reading_knows_its_original(reading):
    for group in ("commands", "english"):
        for row in reading.groups[group][:20]:
            assert reading.english[reading.originals[row]] == reading.texts[row]
            assert reading.itself[reading.originals[row]] == row
    english, translation = translations("de")[0]
    rows = [row for row in reading.groups["translations"] if reading.texts[row] == translation]
    assert english in {reading.english[reading.originals[row]] for row in rows}
    labels = reading.labels[reading.originals[reading.groups["rewritten"]]]
    assert (labels != UNLABELLED).all()
    assert labels.bincount().min() > 0


def test_words_that_meet_again_and_again_become_a_dictionary():
    pairs = [(["das", "licht"], ["the", "light"]), (["das"], ["the"]), (["licht", "an"], ["light", "on"])]
    table = even_table(pairs)
    for _ in range(5):
        table = ibm1_step(pairs, table)
    words = dictionary(table)
    assert (words["das"], words["licht"], words["an"]) == ("the", "light", "on")
    assert likeliest(table, "licht", 1).startswith("light 9")
    assert word_by_word("das Licht Anna", words, "de") == "the light anna"


def test_chinese_is_cut_at_the_longest_stretch_that_is_known():
    words = dictionary(
        {("开灯", "turn_on"): 0.9, ("灯", "light"): 0.9, ("大灯", "lamp"): 0.1, ("大", "big"): 0.2}
    )
    assert word_by_word("开灯，大灯", words, "zh") == "turn on big light"


def test_word_pairs_come_from_short_strings():
    assert all(0 < len(english) <= 3 for _, english in word_pairs("hu"))


def test_a_student_learns_from_its_batches_and_the_same_seed_gives_the_same_student(reading):
    def learn_labels(student, features, originals):
        return F.cross_entropy(student(features), reading.labels[originals])

    first, second = (train(reading, {"commands": 64}, learn_labels, 3, steps=25) for _ in range(2))
    sample = english_commands()
    assert percent(first(sample.texts), sample.labels) > 30
    assert torch.equal(first(sample.texts[:5]), second(sample.texts[:5]))


def test_both_sides_puts_the_originals_behind_their_texts(reading):
    seen = []

    def look(student, features, originals):
        seen.append((len(features), originals))
        return student.encode(features).sum()

    student = train(reading, {"translations": 8}, look, 0, both_sides=True, steps=1)
    count, originals = seen[0]
    assert count == 16
    assert torch.equal(originals[:8], originals[8:])
    assert own_head(reading, student) is student


def test_few_labels_are_read_by_one_head_for_all_languages():
    commands = {language: commands_in(language, 50) for language in LANGUAGES}

    def encode(texts):
        return torch.tensor([[float("a" in text), float(len(text))] for text in texts])

    found = with_few_labels(encode, english_commands(), commands, seed=0, each=1)
    assert len(found) == len(LANGUAGES)
    assert all(0 <= score <= 100 for score in found)


def test_the_pool_tells_languages_from_meanings():
    meaning = torch.eye(8)[:4]
    offset = torch.eye(8)[4:6]
    apart = {"en": meaning + 3 * offset[0], "de": meaning + 3 * offset[1]}
    assert nearest_in_pool(apart) == (100, 0)
    assert nearest_in_pool({"en": meaning, "de": meaning + 0.01}) == (0, 100)
    sizes = [len(vectors) for vectors in by_language(lambda v, n: remove_language(v, n, 1), apart).values()]
    assert sizes == [4, 4]


def test_wins_counts_each_targets_searches():
    assert wins(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.7]])).tolist() == [2, 1]


def test_pictures_name_what_they_show():
    ax = axes()
    draw_plane(ax, {"en": torch.randn(5, 4), "zh": torch.randn(5, 4)}, joined=0)
    assert ax.get_legend_handles_labels()[1] == ["en", "zh"]
    ax = axes()
    draw_against_pairs(ax, [1, 2], {"de": [3.0, 4.0]})
    assert "pairs" in ax.get_xlabel()
