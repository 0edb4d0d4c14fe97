import random

import pytest

from kd_study.lessons.kit.perturbations import (
    FILLERS,
    FORMS,
    LATIN,
    as_heard,
    in_any_order,
    in_two_languages,
    politely,
    romanised,
    with_typos,
    without_accents,
)


def rng():
    return random.Random(0)


def test_a_typo_is_one_slip_in_a_long_word_and_never_at_its_first_letter():
    for word in ("schalte", "hőmérséklet", "включи"):
        changed = with_typos(word, rng(), share=1)
        assert changed != word or len(set(word)) < len(word)
        assert changed[0] == word[0] and 0 <= len(word) - len(changed) <= 1
    assert with_typos("mach das aus 12345", rng(), share=1).endswith("12345")
    assert with_typos("mach das aus", rng(), share=0) == "mach das aus"


def test_the_same_seed_makes_the_same_mistakes():
    text = "turn the lights in the kitchen off"
    assert with_typos(text, rng()) == with_typos(text, rng())
    assert in_any_order(text, rng()) == in_any_order(text, rng())


@pytest.mark.parametrize(
    ("text", "bare"),
    [("hőmérséklet", "homerseklet"), ("für", "fur"), ("éteins ça", "eteins ca"), ("灯", "灯")],
)
def test_accents_go_and_letters_stay(text, bare):
    assert without_accents(text) == bare


def test_russian_is_written_in_latin_letters():
    assert len(LATIN) == 33
    assert romanised("Включи свет, щёлк") == "vklyuchi svet, shchyolk"


def test_words_that_the_dictionary_knows_turn_english():
    assert in_two_languages("таймер на Кухня", {"таймер": "timer", "кухня": "kitchen"}, rng(), 1) == (
        "timer на kitchen"
    )
    assert in_two_languages("таймер", {"таймер": "timer"}, rng(), 0) == "таймер"


def test_another_order_has_the_same_words():
    text = "a b c d e f"
    assert sorted(in_any_order(text, rng()).split()) == text.split() and in_any_order(text, rng()) != text


@pytest.mark.parametrize(
    ("language", "text", "polite"),
    [
        ("de", "Mach das Licht an", "machen Sie das Licht an"),
        ("fr", "allume la lampe", "allumez la lampe"),
        ("hu", "kapcsold le", "kapcsolja le"),
        ("ru", "включи свет", "включите свет"),
        ("zh", "开灯", "麻烦您开灯"),
        ("nl", "doe het licht aan", "doe het licht aan"),
    ],
)
def test_the_polite_form(language, text, polite):
    assert politely(text, language) == polite


def test_every_language_with_polite_forms_has_a_filler():
    assert FORMS.keys() <= FILLERS.keys()


def test_a_recogniser_writes_no_capitals_and_no_punctuation():
    assert as_heard("Stopp!", "de", rng()) == "ähm stopp"
    heard = as_heard('Включи "Свет" на 5%', "ru", rng())
    assert sorted(heard.split()) == sorted(["э", "включи", "свет", "на", "5%"])
    assert as_heard("", "en", rng()) == "um"
