"""A question asked in one's own words is found: by keywords, and by the vectors of a student."""

import re
import subprocess
import sys
from difflib import SequenceMatcher

import pytest
import torch

from benchmarks.search import Words, hits, paraphrases, places
from kd_solutions.flagship import store
from kd_solutions.models.student import StudentModel
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.questions import all_questions
from kd_study.questions.own_words import is_chinese, newest_meanings, search
from kd_study.questions.ranking import Meanings, Pieces, pieces, rank, texts_of

BANK = all_questions()
ASKED = "Warum soll man die Logits teilen?"
MEANT = "batchnorm-under-no-grad"  # shares no piece with what is asked


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(language, "_current", "en")


def no_student():
    raise StudyError("none")


def knowing():
    """The vectors of a student to whom what is asked means one question of the bank."""

    def encode(texts):
        own = set(texts_of(BANK[MEANT])) | {ASKED}
        return torch.tensor([[1.0, 0.0] if text in own else [0.0, 1.0] for text in texts])

    return Meanings(BANK.values(), encode)


def test_pieces_ignore_case_and_accents_and_cut_chinese_into_signs_and_pairs():
    assert pieces("Él") == pieces("el") == ["^el", "el$", "^el$"]
    assert pieces("温度 T") == ["温", "度", "温度", "^t$"]
    assert pieces("?!") == []


def test_a_question_is_found_by_a_part_of_a_foreign_word():
    found = search("Temperatursteuerung der Destillation", no_student).questions
    assert {each.topic for each in found[:5]} == {"temperature"} or "temperature" in found[0].id


def test_without_a_student_keywords_search_and_one_sentence_says_so(monkeypatch):
    found = search(ASKED)
    assert found.how.startswith("Found by keywords alone; `python -m kd_study distill`")
    assert len(re.findall(r"[.。]", found.how)) == 1
    assert found.questions == search(ASKED, no_student).questions
    monkeypatch.setattr(language, "_current", "zh")
    assert search(ASKED).how.startswith("只按关键词找出")


def test_a_student_brings_what_keywords_can_not_find():
    without = [each.id for each in search(ASKED, no_student).questions]
    found = search(ASKED, knowing)
    assert MEANT not in without[:5] and MEANT in [each.id for each in found.questions[:5]]
    assert found.how == "Found by keywords and by your student's vectors together."


def test_the_student_distilled_last_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "examples", lambda: ["turn on"])
    torch.manual_seed(0)
    store.save_student(StudentModel(["on"], rows=64, width=4, hidden=4, size=4), {"threshold": 0.0})
    assert "vectors" in search(ASKED).how
    assert len(newest_meanings()(ASKED)) == len(BANK)


def test_another_student_is_read_in_the_same_session(monkeypatch):
    monkeypatch.setattr(store, "examples", lambda: ["turn on"])
    scores = []
    for seed in range(2):
        torch.manual_seed(seed)
        store.save_student(StudentModel(["on"], rows=64, width=4, hidden=4, size=4), {})
        scores.append(newest_meanings()(ASKED))
    assert scores[0] != scores[1]


def test_a_damaged_student_leaves_the_keywords(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "examples", lambda: ["turn on"])
    folder = store.save_student(StudentModel(["on"], rows=64, width=4, hidden=4, size=4), {})
    (folder / "student.safetensors").write_bytes(b"")
    assert search(ASKED).how.startswith("Found by keywords alone")


def test_in_chinese_keywords_search_alone():
    asked = "温度系数怎么选"
    assert search(asked, knowing).questions == search(asked, no_student).questions
    assert "in Chinese" in search(asked, knowing).how
    assert is_chinese("KL散度") and not is_chinese("温度を下げる") and not is_chinese("température")


def test_what_has_no_word_finds_nothing():
    assert search("?!", knowing).questions == ()
    assert knowing()("  ") == [0.0] * len(BANK)


def test_ranks_are_fused_and_what_no_search_finds_is_left_out():
    three = list(BANK.values())[:3]
    assert rank(three, "", lambda _: [0.0, 2.0, 1.0]) == [three[1], three[2]]
    assert rank(three, "", lambda _: [3.0, 2.0, 0.0], lambda _: [0.0, 2.0, 3.0])[0] == three[1]
    assert rank(three, "") == []


def test_keywords_are_searched_without_torch():
    code = """
import sys
from kd_study.questions import all_questions
from kd_study.questions.ranking import Pieces, rank
rank(all_questions().values(), "temperature", Pieces(all_questions().values()))
print(*{"torch", "transformers"} & sys.modules.keys())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_the_paraphrases_are_100_in_eleven_languages_and_name_questions_of_the_bank():
    measured = paraphrases()
    assert {name: len(asked) for name, asked in measured.items()} == dict.fromkeys(
        ["en", "de", "fr", "es", "ru", "zh", "it", "nl", "pl", "hu", "ca"], 9
    ) | {"en": 10}
    chosen = paraphrases("chosen_on")
    every = [each for part in (measured, chosen) for asked in part.values() for each in asked]
    assert {each["id"] for each in every} <= set(BANK)
    assert len({each["ask"] for each in every}) == len(every)


@pytest.mark.parametrize(("code", "longest"), [("en", 20), ("zh", 6)])
def test_no_paraphrase_is_copied_from_its_question(code, longest):
    for each in paraphrases()[code]:
        asks = getattr(BANK[each["id"]].title, code).casefold()
        shared = SequenceMatcher(None, asks, each["ask"].casefold(), autojunk=False).find_longest_match()
        assert shared.size <= longest, (each, asks[shared.a : shared.a + shared.size])


def test_places_count_from_one_and_none_is_no_hit():
    asked = [{"ask": "x", "id": name} for name in list(BANK)[:2]]
    first = BANK[asked[0]["id"]]
    assert places(asked, lambda _: [first]) == [1, None]
    assert (hits([1, None, 6], 1), hits([1, None, 6], 5)) == (1, 1)


def test_whole_words_and_pieces_see_what_they_should():
    words, by_pieces = Words(BANK.values()), Pieces(BANK.values())
    assert max(words("Temperatur")) == 0 < max(by_pieces("Temperatur"))
    assert max(words("temperature")) > 0
