"""Word translations mined from pairs, and commands rewritten with them."""

import random
from itertools import product

import numpy as np
import pytest

from kd_solutions.flagship import lexicon
from kd_solutions.flagship.lexicon import english_tokens, mine, rewrite, with_wrong_words

NOUNS = {"lamp": "lampe", "door": "tür", "window": "fenster", "oven": "ofen"}
VERBS = {"open": "öffne", "close": "schließe", "clean": "putze"}
GERMAN = [(f"{v} the {n}", f"{VERBS[v]} das {NOUNS[n]}") for v, n in product(VERBS, NOUNS)]
CHINESE_NOUNS = {"lamp": "电灯", "door": "大门", "window": "窗户", "oven": "烤箱"}
CHINESE_VERBS = {"open": "打开", "close": "关闭", "clean": "清洁"}
CHINESE = [
    (f"{v} the {n}", f"{CHINESE_VERBS[v]}{CHINESE_NOUNS[n]}")
    for v, n in product(CHINESE_VERBS, CHINESE_NOUNS)
]


class Fixed(random.Random):
    """Always draws the same number: 1 is "never", 0 is "always"; and of choices the first."""

    def __init__(self, number: float):
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn the light off", ["turn_off", "the", "light"]),
        ("switch on the living room lamp", ["switch_on", "the", "living_room", "lamp"]),
        ("turn left", ["turn", "left"]),
        ("how many lights are on", ["how_many", "lights", "are", "on"]),
        ("turn 1 2 3 4 5 6 7 8 off", ["turn", *["0"] * 8, "off"]),
    ],
)
def test_collocations_are_one_word(text, words):
    assert english_tokens(text) == words


@pytest.mark.parametrize(
    ("pairs", "words"), [(GERMAN, NOUNS | VERBS), (CHINESE, CHINESE_NOUNS | CHINESE_VERBS)]
)
def test_the_best_translation_of_every_word_is_found(pairs, words):
    mined = mine(pairs)
    assert {english: mined[english][0][0] for english in words} == words


def test_probabilities_are_normalised_and_model_1_separates_what_always_comes_together():
    english, other = zip(*((["a", "b"], ["x", "y"]), (["a"], ["x"])), strict=True)
    cells = lexicon._Cells(english, other)
    probability = cells.probabilities("english")
    np.testing.assert_allclose(np.bincount(cells.e, probability), 1)
    table = {
        (cells.english[e], cells.other[o]): p for e, o, p in zip(cells.e, cells.o, probability, strict=True)
    }
    assert table["a", "x"] > 0.9 and table["b", "y"] > 0.8


def test_short_strings_are_a_dictionary_without_placeholders():
    mined = mine([*GERMAN, ("lawn mower", "Rasenmäher"), ("Mow {}", "{} mähen")])
    assert mined["lawn_mower"][0][0] == "rasenmäher"
    assert "{}" not in {text for options in mined.values() for text, _ in options}


def test_fragments_of_a_better_translation_are_dropped():
    ranked = [("计时器", 1.0), ("时器", 0.9), ("计时器的", 0.8), ("定时", 0.5)]
    assert lexicon._without_fragments(ranked) == [("计时器", 1.0), ("定时", 0.5)]


LEXICON = {"find the": [("finde", 1.0)], "the": [("die", 1.0)], "sofa": [("sofa", 1.0)]}


def test_rewriting_takes_the_longest_phrase_and_keeps_numbers_and_names():
    assert rewrite(["find", "the", "sofa", "0", "anna"], LEXICON, Fixed(0.4)) == "finde sofa 0 anna"


def test_function_words_and_unknown_words_may_be_dropped_and_the_verb_may_go_last():
    assert rewrite(["find", "the", "sofa", "the", "anna"], LEXICON, Fixed(0.6)) == "finde sofa"
    assert (
        rewrite(["find", "the", "anna"], {**LEXICON, "anna": [("hanna", 1.0)]}, Fixed(0.2)) == "hanna finde"
    )


def test_a_paraphrase_lends_its_translation():
    rewritten = {rewrite(["unmute"], {"sound": [("ton", 1.0)]}, random.Random(seed)) for seed in range(40)}
    assert any("ton" in text for text in rewritten) and "unmute" in rewritten


def test_paraphrases_are_english_and_known_to_the_tokens():
    for word, ways in lexicon.PARAPHRASES.items():
        assert english_tokens(word.replace("_", " ")) == [word]
        assert all(way.isascii() for way in ways) and word not in ways


def test_no_pair_gives_an_empty_lexicon():
    assert mine([]) == {}
    assert rewrite(["kettle", "0"], mine([]), Fixed(0.4)) == "kettle 0"


def test_so_many_words_get_the_translations_of_other_words():
    right = {word: [(word.upper(), 1.0)] for word in "abcdefgh"}
    spoiled = with_wrong_words(right, 0.5, random.Random(0))
    assert sum(spoiled[word] != right[word] for word in right) == 4
    assert sorted(map(str, spoiled.values())) == sorted(map(str, right.values()))
    assert with_wrong_words(right, 0.0, random.Random(0)) == right
