"""The question bank is complete in both languages, and everything that it points to exists."""

import copy
import datetime
import re

import pytest
import yaml
from pydantic import ValidationError

import kd_solutions
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text
from kd_study.questions import (
    TOPICS,
    all_questions,
    attachments,
    form,
    load_questions,
    markdown,
    question,
    render,
)
from kd_study.questions import pictures as drawn

GOOD = {
    "id": "why-t-squared",
    "topic": "temperature",
    "level": "mid",
    "kind": "concept",
    "question": {"en": "Why T²?", "zh": "为什么乘T²？"},
    "answer_short": {"en": "- one\n- two\n  goes on\n- three", "zh": "- 一\n- 二\n- 三"},
    "answer_deep": {"en": "Deep.", "zh": "深入。"},
    "traps": {"en": "- a trap", "zh": "- 一个误区"},
    "follow_ups": [],
    "exercises": ["kd_loss"],
    "evidence": ["02_temperature#t-squared"],
    "sources": ["Hinton 2015"],
}
SEEN = {
    "repository": "somebody/some-list",
    "file": "docs/notes.md",
    "commit": "0123abc",
    "line": 12,
    "date": datetime.date(2026, 11, 28),
    "statement": {"en": "T² is decoration.", "zh": "T²只是摆设。"},
    "right": {"en": "It keeps the ratio.", "zh": "它保持比例。"},
    "source": "Hinton 2015, section 2",
}
RUBRIC = [{"weight": 2, "point": {"en": f"Point {n}", "zh": f"第{n}点"}} for n in "abcd"]
CODE = "Read:\n\n```python\nloss = 0\n```"


def bank_of(folder, *entries):
    text = yaml.safe_dump(list(entries), allow_unicode=True)
    (folder / "temperature.yaml").write_text(text, encoding="utf-8")
    return load_questions(folder)


def test_reads_a_question(tmp_path):
    found = bank_of(tmp_path, GOOD)["why-t-squared"]
    assert found.points == (Text("one", "一"), Text("two\n  goes on", "二"), Text("three", "三"))
    assert found.question.zh == "为什么乘T²？" and found.exercises == ("kd_loss",)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"level": None}, "level is one of basic, mid, hard"),
        ({"level": ["mid"]}, "level is one of basic, mid, hard"),
        ({"traps": {"en": "None.", "zh": "无。"}}, "traps needs 1 to 9 items"),
        ({"sources": [3]}, "sources is a list of strings"),
        ({"question": "Why T²?"}, "question needs a text in each of en, zh"),
        ({"topic": "code"}, "the file's name says 'temperature'"),
        ({"id": "Why T"}, "an id is lower-case words"),
        ({"question": {"en": "Why T²?"}}, "question needs a text in each of en, zh"),
        ({"question": {"en": "Why T²?", "zh": " "}}, "question needs a text in each of en, zh"),
        ({"answer_short": {"en": "- a\n- b\n- c", "zh": "- 一"}}, r"in each language; found \[3, 1\]"),
        ({"answer_short": {"en": "One.", "zh": "一。"}}, "answer_short needs 3 to 5 items"),
        ({"follow_ups": "why"}, "follow_ups is a list of strings"),
        ({"evidence": ["the second lesson"]}, "evidence is written lesson#cell"),
        ({"evidence": [], "sources": []}, "an answer rests on evidence"),
        ({"answer": "yes"}, "unknown: answer"),
        ({"kind": "riddle"}, "kind is one of concept, code, estimate, design, not 'riddle'"),
        ({"kind": "code"}, "of the kind code shows code, a log or a picture"),
        ({"kind": "code", "question": {"en": CODE, "zh": "读。"}}, "in each language"),
        ({"question": {"en": CODE[:-3], "zh": CODE}}, "a block of code stands between two lines"),
        ({"question": {"en": "![a](x.png)", "zh": "![图](x.png)"}}, r"\(picture:NAME\), .* not 'x.png'"),
        ({"question": {"en": "![](picture:x)", "zh": "![](picture:x)"}}, "not 'picture:x'"),
        ({"kind": "design"}, "has a rubric of 4 to 8 points"),
        ({"rubric": RUBRIC}, "and no other has one"),
        ({"kind": "design", "rubric": RUBRIC[:3]}, "a rubric of 4 to 8 points"),
        ({"kind": "design", "rubric": 3}, "rubric is not of the form"),
        (
            {"kind": "design", "rubric": [RUBRIC[0] | {"weight": 9}]},
            "rubric.0: weight is a whole number from 1 to 5",
        ),
        ({"kind": "design", "rubric": [{"weight": 1}]}, "missing: rubric.0.point"),
        ({"seen_in": [SEEN | {"trap": 2}]}, "seen_in names trap 2, but there are 1"),
        ({"seen_in": [SEEN | {"line": "12"}]}, "seen_in.0: line is a whole number"),
        ({"seen_in": [SEEN | {"date": "yesterday"}]}, "date is a day, written 2026-11-28"),
        ({"seen_in": [SEEN | {"repository": "some list"}]}, "repository is written owner/name"),
        ({"seen_in": [SEEN | {"commit": "main"}]}, "commit is written in 7 to 40 hex digits"),
        ({"seen_in": [SEEN | {"right": {"en": "It does."}}]}, "right needs a text in each of en, zh"),
        ({"seen_in": [SEEN | {"blame": "you"}]}, "unknown: seen_in.0.blame"),
    ],
)
def test_a_fault_is_named_with_its_file_and_id(tmp_path, change, complaint):
    with pytest.raises(StudyError, match=complaint) as caught:
        bank_of(tmp_path, copy.deepcopy(GOOD) | change)
    assert str(caught.value).startswith("temperature.yaml, ")
    assert (change.get("id") or "why-t-squared") in str(caught.value)


def test_a_fault_is_told_in_chinese_too(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    with pytest.raises(StudyError, match="^temperature.yaml, why-t-squared: level是basic, mid, hard之一"):
        bank_of(tmp_path, GOOD | {"level": "easy"})


def test_a_question_can_not_be_changed(tmp_path):
    with pytest.raises(ValidationError):
        bank_of(tmp_path, GOOD)["why-t-squared"].level = "hard"


def test_a_missing_field_is_named(tmp_path):
    with pytest.raises(StudyError, match="why-t-squared: missing: sources, traps"):
        bank_of(tmp_path, {key: value for key, value in GOOD.items() if key not in ("traps", "sources")})


def test_an_id_is_given_once(tmp_path):
    with pytest.raises(StudyError, match="the id is taken"):
        bank_of(tmp_path, GOOD, GOOD)


@pytest.mark.parametrize("content", [b"- id: [", b"id: alone", b"- just text", b"- 3", b"\xff\xfe\x00"])
def test_a_file_that_is_no_list_of_questions_is_named(tmp_path, content):
    (tmp_path / "code.yaml").write_bytes(content)
    with pytest.raises(StudyError, match="code.yaml"):
        load_questions(tmp_path)


def test_an_unknown_id_is_answered_with_its_neighbours():
    with pytest.raises(StudyError, match="'what-is-dk'; the nearest: what-is-kd"):
        question("what-is-dk")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_folded_behind_the_question(tmp_path, language):
    found = bank_of(tmp_path, GOOD)["why-t-squared"]
    text = render(found, language)
    asked, folded = text.split("<details>")
    assert asked.startswith(f"### {GOOD['question'][language]}\n")  # so that the contents panel lists it
    assert all(f"\n- {getattr(point, language)}" in folded for point in found.points)
    assert GOOD["answer_deep"][language] in folded and GOOD["traps"][language] in folded
    assert text.endswith("</details>")


def test_a_sighting_stands_below_its_trap_and_a_rubric_behind_the_answer(tmp_path):
    traps = {"en": "- first\n- second", "zh": "- 甲\n- 乙"}
    entry = GOOD | {"kind": "design", "rubric": RUBRIC, "traps": traps, "seen_in": [SEEN | {"trap": 1}]}
    text = render(bank_of(tmp_path, entry)["why-t-squared"], "en")
    address = "https://github.com/somebody/some-list/blob/0123abc/docs/notes.md#L12"
    place = f"[somebody/some-list, docs/notes.md:12]({address})"
    assert f"- first\n  - Seen in {place}, 2026-11-28: T² is decoration.\n- second\n" in text
    assert "- **2/8** Point a\n" in text.split("<details>")[1]


def test_the_address_of_a_sighting_holds_no_space(tmp_path):
    seen = SEEN | {"file": "06.推理/a b.md", "trap": 1}
    (sighting,) = bank_of(tmp_path, GOOD | {"seen_in": [seen]})["why-t-squared"].seen_in
    assert sighting.address.endswith("/blob/0123abc/06.%E6%8E%A8%E7%90%86/a%20b.md#L12")


def test_code_and_a_picture_stand_in_the_question(tmp_path, monkeypatch):
    monkeypatch.setattr(form, "PICTURES", ("flat_curve",))
    monkeypatch.setattr(markdown, "picture", lambda name: name.encode())
    asked = {language: f"{CODE}\n\n![A curve](picture:flat_curve)" for language in LANGUAGES}
    found = bank_of(tmp_path, GOOD | {"kind": "code", "question": asked})["why-t-squared"]
    assert found.title == Text("Read:", "Read:")
    text = render(found, "zh")
    assert "\n```python\nloss = 0\n```\n" in text and "![A curve](attachment:flat_curve.png)" in text
    assert attachments(text) == {"flat_curve.png": b"flat_curve"}


def test_a_picture_is_drawn_by_its_script(tmp_path, monkeypatch):
    (tmp_path / "flat_curve.py").write_text("def draw(axes):\n    axes.plot([1, 1])\n")
    monkeypatch.setattr(drawn, "__path__", [str(tmp_path)])
    assert drawn.picture("flat_curve").startswith(b"\x89PNG")
    assert drawn.picture("flat_curve") == drawn.picture("flat_curve")


def test_every_picture_of_ours_is_shown_and_can_be_drawn():
    shown = {name for entry in all_questions().values() for name in drawn.PICTURE.findall(entry.question.en)}
    assert shown == set(drawn.PICTURES)
    assert all(drawn.picture(name).startswith(b"\x89PNG") for name in shown)


def test_follow_ups_and_exercises_exist():
    bank = all_questions()
    for entry in bank.values():
        assert set(entry.follow_ups) <= bank.keys() - {entry.id}, entry.id
        assert set(entry.exercises) <= set(kd_solutions.__all__), entry.id


def test_chinese_is_chinese_and_english_is_not():
    han = re.compile(r"[\u4e00-\u9fff]")
    for entry in all_questions().values():
        for text in (entry.question, entry.answer_short, entry.answer_deep, entry.traps):
            assert han.search(text.zh), (entry.id, text.zh)
            assert len(han.findall(text.en)) < 20, (entry.id, text.en)  # a few in examples are fine


@pytest.mark.parametrize(
    ("code", "sign", "longest"), [("en", r"[a-z0-9']+", 12), ("zh", r"[\u4e00-\u9fff]", 20)]
)
def test_no_two_questions_say_the_same(code, sign, longest):
    said: dict[tuple, str] = {}
    for entry in all_questions().values():
        for text in (entry.question, entry.answer_short, entry.answer_deep, entry.traps):
            prose = re.sub(r"\$[^$]*\$|```.*?```|`[^`]*`", "", getattr(text, code), flags=re.DOTALL)
            words = re.findall(sign, prose.lower())
            for start in range(len(words) - longest + 1):
                run = tuple(words[start : start + longest])
                assert said.setdefault(run, entry.id) == entry.id, (entry.id, said[run], " ".join(run))


def test_every_topic_has_a_title():
    assert {entry.topic for entry in all_questions().values()} <= set(TOPICS)
