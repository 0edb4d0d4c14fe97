"""The commands written by hand: complete, known, said once, split fairly, and none of the sampled ones."""

import json
from collections import Counter

import pytest

from kd_solutions.data import TEN_LANGUAGES, by_hand, intent_names, load_commands
from kd_solutions.data.by_hand import SPLITS, asking_nothing, commands_by_hand
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language

LANGUAGES = ("en", *TEN_LANGUAGES)
ROWS = json.loads(by_hand.BY_HAND.read_text("utf-8"))


def commands(language: str) -> list[tuple[str, str]]:
    """(text, intent) of both splits, as loaded."""
    halves = [commands_by_hand(language, split) for split in SPLITS]
    return [
        (text, half.intents[label])
        for half in halves
        for text, label in zip(half.texts, half.labels, strict=True)
    ]


def said(text: str) -> str:
    """What stays of a text when case and punctuation go."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def test_the_file_has_every_language_and_no_other():
    assert set(ROWS) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_halves_together_are_the_file_and_share_nothing(language):
    first, second = (commands_by_hand(language, split) for split in SPLITS)
    assert len(first) == len(second) == 15
    assert set(first.texts).isdisjoint(second.texts)
    assert set(first.templates.tolist()).isdisjoint(second.templates.tolist())
    assert sorted(commands(language)) == sorted(
        (r["text"], r["intent"]) for r in ROWS[language] if r["intent"]
    )
    nothing, more = (asking_nothing(language, split) for split in SPLITS)
    assert len(nothing) == len(more) == 6
    assert sorted(nothing + more) == sorted(row["text"] for row in ROWS[language] if row["intent"] is None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_intents_or_more_are_asked_for_and_each_shared_by_the_halves(language):
    first, second = (Counter(commands_by_hand(language, split).labels.tolist()) for split in SPLITS)
    assert len(first + second) >= 20
    assert all(abs(first[label] - second[label]) <= 1 for label in first + second)


def test_over_all_languages_the_halves_ask_for_every_intent_equally_often_or_once_more():
    first, second = (
        Counter(
            label for language in LANGUAGES for label in commands_by_hand(language, split).labels.tolist()
        )
        for split in SPLITS
    )
    assert first.keys() == second.keys() == set(range(len(intent_names())))
    assert all(abs(first[label] - second[label]) <= 1 for label in first)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_said_twice(language):
    texts = [said(row["text"]) for row in ROWS[language]]
    assert len(set(texts)) == len(texts)
    assert all(row["text"] == row["text"].strip() for row in ROWS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_also_a_sampled_command(language):
    splits = ("train" if language == "en" else "dev", "test", "rare")
    sampled = {said(text) for split in splits for text in load_commands(language, split).texts}
    assert sampled & {said(row["text"]) for row in ROWS[language]} == set()


@pytest.mark.parametrize("load", [commands_by_hand, asking_nothing])
def test_an_unknown_language_or_split_is_refused_in_both_languages(load):
    for spoken, language_refused, split_refused in (
        ("en", "no commands by hand in 'klingon'", "the splits choose, report, not 'test'"),
        ("zh", "没有'klingon'的手写指令", "没有'test'"),
    ):
        use_language(spoken)
        with pytest.raises(StudyError, match=language_refused):
            load("klingon", "report")
        with pytest.raises(ValueError, match=split_refused):
            load("de", "test")
