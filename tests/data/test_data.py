"""The traps of the data, each on a tiny example and then on the real thing."""

import ast
import errno
import hashlib
import inspect
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from kd_solutions.data import commands as data
from kd_solutions.data import parallel, templates, translations
from kd_solutions.data.parallel import HELD_OUT
from kd_solutions.data.templates import Template
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language

SOME = ("de", "zh", "hu")


def template(intent: str, text: str, *sentences: str) -> Template:
    return Template(intent, text, sentences or (text,))


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Read the [manual](https://example.org) first", "Read the manual first"),
        ("Turn **{device_name}** off", "Turn {} off"),
        ("Wait {count}\n seconds", "Wait {} seconds"),
        ("See <b>`log`</b>", "See log"),
        ("[%key:common::state::on%]", ""),
        ("{count, plural, one {a lamp} other {lamps}}", ""),
        ("Go to https://example.org", ""),
        ("{a} 12.5", ""),
        ("long " * 100, ""),
    ],
)
def test_markup_and_unusable_strings_are_removed(raw, cleaned):
    assert translations.clean(raw) == cleaned


def test_text_left_in_english_is_no_translation():
    english = {"a": "Restart now", "b": "Wi-Fi", "c": "Open"}
    german = {"a": "restart now!", "b": "WLAN", "c": "Öffnen", "missing in English": "Zu"}
    assert translations.pair_up(english, german) == {"Wi-Fi": ["WLAN"], "Open": ["Öffnen"]}


def test_near_duplicates_share_their_most_frequent_spelling():
    strings = {"a": "Wait 5 seconds.", "b": "Wait 10 seconds", "c": "wait 10 seconds", "d": "Wait 10 seconds"}
    assert set(translations.unique_english(strings).values()) == {"Wait 10 seconds"}


def test_held_out_strings_are_long_and_well_covered():
    pairs = {name: {"one two three": ["x"], "short": ["y"], f"only in {name}": ["z"]} for name in SOME}
    assert translations.choose_held_out(pairs, 10, languages=3) == {"one two three"}


def test_split_is_by_template_and_ignores_the_order_of_the_input():
    known = [template("A", f"t{i}") for i in range(9)] + [template("B", "only"), template("B", "two")]
    train, test = templates.split_templates(known, "en")
    assert len([t for t in test if t.intent == "A"]) == 3 and not [t for t in test if t.intent == "B"]
    assert not set(train) & set(test) and set(train) | set(test) == set(known)
    assert templates.split_templates(known[::-1], "en") == (train, test)
    assert len(templates.split_templates(known, "de")[1]) == 4 + 1


def test_sampling_is_capped_and_templates_take_turns():
    greedy = template("A", "t", *(f"s{i}" for i in range(20)))
    rows = templates.label([greedy, template("A", "rare")], skip={"s0"}, per_class=5)
    assert Counter(number for *_, number in rows) == {0: 4, 1: 1}
    assert "s0" not in {text for text, *_ in rows}


def test_texts_with_two_labels_are_found_whatever_their_case():
    known = [template("A", "x", "Stop"), template("B", "y", "stop", "go"), template("A", "z", "wait", "Wait")]
    assert templates.ambiguous_texts(known) == {"stop"}


def test_real_templates_are_sampled_within_the_cap_and_repeatably():
    def grammar():
        return templates.Grammar("en", templates.slot_values(lambda word: word)).templates

    found = grammar()
    assert len(found) > 800 and max(len(t.sentences) for t in found) == templates.PER_TEMPLATE
    assert all(not set("{}<>[]|") & set(s) for t in found for s in t.sentences)
    assert found == grammar()


def test_names_fit_the_domain_that_a_template_asks_for():
    mowers = [
        sentence
        for template in templates.Grammar("en", templates.slot_values(lambda word: word)).templates
        if template.intent == "HassLawnMowerDock" and "{name}" in template.text
        for sentence in template.sentences
    ]
    assert mowers and all("Lawn mower" in sentence for sentence in mowers)


def test_commands_are_those_of_the_flagship():
    assert len(data.intent_names()) == 31
    assert set(data.served_intents()) - set(data.intent_names()) >= {
        "HassGetCurrentTime", "HassGetCurrentDate", "HassVacuumStart", "HassVacuumReturnToBase"
    }  # fmt: skip
    train, test = data.load_commands("en", "train"), data.load_commands("en", "test")
    assert len(set(train.templates.tolist())) > 500 and len(set(test.templates.tolist())) > 250
    for commands in (train, test):
        assert set(commands.labels.tolist()) == set(range(31))


@pytest.mark.parametrize("language", ["en", *SOME])
def test_splits_share_no_text_and_no_text_repeats(language):
    first = data.load_commands(language, "train" if language == "en" else "dev")
    texts = [text.casefold() for part in (first, data.load_commands(language, "test")) for text in part.texts]
    assert len(texts) == len(set(texts)) > 2500
    if language != "en":
        assert max(Counter(first.labels.tolist()).values()) == templates.PER_CLASS


def test_the_corpus_is_the_same_on_every_machine():
    first = data.load_commands("de", "dev")
    pairs = data.load_parallel(["de"]).held_out_pairs("de")
    assert hashlib.sha256(json.dumps([first.texts, pairs]).encode()).hexdigest()[:12] == FINGERPRINT


def test_held_out_strings_never_are_training_pairs():
    parallel = data.load_parallel(SOME)
    assert len(parallel.held_out) == HELD_OUT
    for language in SOME:
        held_out = {english for english, _ in parallel.held_out_pairs(language)}
        training = {translations.duplicate_key(english) for english, _ in parallel.training_pairs(language)}
        assert len(held_out) == 1000
        assert not {translations.duplicate_key(english) for english in held_out} & training
    assert not {parallel.english[i] for i in parallel.held_out} & set(parallel.training_english())


def test_twenty_five_languages_have_ten_thousand_pairs():
    assert sum(count > 10_000 for count in data.parallel_languages().values()) >= 25


def test_bad_requests_are_answered_with_the_choices():
    with pytest.raises(StudyError, match="choose among.* de "):
        data.load_parallel(["de", "klingon"])
    with pytest.raises(StudyError, match="choose among.* de "):
        data.load_commands("klingon", "test")
    with pytest.raises(ValueError, match="dev, test, rare"):
        data.load_commands("de", "train")


FINGERPRINT = "8449040e276f"


def test_a_cache_file_is_readable_by_whoever_may_read_the_folder(tmp_path):
    other = tmp_path / "other"
    other.touch()
    data.write_json(tmp_path / "new" / "some.json", {"größe": [1, None]})
    assert data.read_json(tmp_path / "new" / "some.json") == {"größe": [1, None]}
    assert (tmp_path / "new" / "some.json").stat().st_mode == other.stat().st_mode


def test_a_full_disk_is_one_sentence_and_leaves_the_file_before(tmp_path, monkeypatch):
    path = tmp_path / "some.json"
    data.write_json(path, "before")

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StudyError, match="full.*KD_STUDY_CACHE"):
        data.write_json(path, "after")
    assert [file.name for file in tmp_path.iterdir()] == ["some.json"] and data.read_json(path) == "before"


@pytest.mark.parametrize("content", [b"", b'{"half": [', b"\xff"])
def test_a_damaged_cache_file_is_one_sentence(tmp_path, content):
    (tmp_path / "some.json").write_bytes(content)
    with pytest.raises(StudyError, match="some.json can't be read.*: delete "):
        data.read_json(tmp_path / "some.json")


def test_a_folder_without_translations_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "asset_folder", lambda name: tmp_path)
    with pytest.raises(StudyError, match="no English strings.*KD_STUDY_TRANSLATIONS"):
        parallel._parse_translations(tmp_path / "parsed")
    assert not (tmp_path / "parsed").exists()


def test_what_a_person_reads_is_in_their_language():
    use_language("zh")
    with pytest.raises(StudyError, match="没有klingon的平行语料，可选：.* de "):
        data.load_parallel(["klingon"])
    with pytest.raises(ValueError, match="de的划分有dev, test, rare，没有'train'"):
        data.load_commands("de", "train")


# the names of what is cached


def code_behind(module) -> set[str]:
    """The modules of kd_solutions whose code decides what a module makes: itself and all that it imports.

    `support` says where and how a file is written, not what stands in it.
    """
    found, waiting = set(), [module.__name__]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[name]))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("kd_solutions."):
                of_package = [f"{node.module}.{alias.name}" for alias in node.names]
                imported = [part for part in of_package if part in sys.modules] or [node.module]
                waiting += [part for part in imported if not part.startswith("kd_solutions.support")]
    return found


def test_a_cache_is_named_after_all_code_that_fills_it(monkeypatch):
    made_of = {}

    def named(caller):
        def fingerprint(*parts):
            made_of[caller] = {part.__name__ for part in parts if not isinstance(part, str)}
            return "some-name"

        return fingerprint

    monkeypatch.setattr(parallel, "fingerprint", named("parallel"))
    monkeypatch.setattr(data, "data_folder", Path)
    monkeypatch.setattr(data, "fingerprint", named("commands"))
    monkeypatch.setattr(parallel, "_parse_translations", lambda folder: None)
    parallel.data_folder.__wrapped__()
    data._commands_folder.__wrapped__()
    assert made_of["parallel"] == code_behind(parallel)
    assert made_of["commands"] == code_behind(data) - made_of["parallel"]  # it lies in that folder
