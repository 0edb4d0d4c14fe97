"""The package for Anki: whole in both languages, and the same cards again however a question is reworded."""

import json
import re
import sqlite3
import time
import zipfile
from contextlib import closing
from io import BytesIO

import pytest

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text
from kd_study.cli import interview as command
from kd_study.memory.anki import DECKS, package
from kd_study.questions import all_questions
from kd_study.questions.html import to_html
from kd_study.questions.pictures import PICTURE

SHOWN = [next(q for q in all_questions().values() if q.kind == kind) for kind in ("concept", "code")]


def read(written: bytes, folder, query: str) -> list[tuple]:
    """What the package's collection answers."""
    path = folder / "collection.anki2"
    path.write_bytes(zipfile.ZipFile(BytesIO(written)).read(path.name))
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


@pytest.fixture(scope="module")
def whole() -> bytes:
    return package()


def test_every_question_is_there_in_each_language(whole, tmp_path):
    rows = read(
        whole, tmp_path, "SELECT did, flds FROM notes JOIN cards ON cards.nid = notes.id ORDER BY notes.id"
    )
    number_of = {number: language for language, (number, _) in DECKS.items()}
    found = [(number_of[deck], fields.split("\x1f")[0]) for deck, fields in rows]
    assert sorted(found) == sorted((language, name) for language in LANGUAGES for name in all_questions())
    assert len(rows) == len(LANGUAGES) * len(all_questions())


def test_no_formula_and_no_block_is_left_as_markdown(whole, tmp_path):
    for (fields,) in read(whole, tmp_path, "SELECT flds FROM notes"):
        prose = re.sub(r"<(code|pre).*?</\1>|\\[(\[].*?\\[)\]]", "", fields, flags=re.DOTALL)
        assert not re.search(r"\$|```|\*\*|picture:", prose), prose


def test_formulas_code_and_what_looks_like_html():
    assert r"\(a &lt; b_1 * c_1\)" in to_html("so $a < b_1 * c_1$.")
    assert r"\[" in to_html("$$\nT^2\n$$") and "eqno" not in to_html("$$\nT^2\n$$")
    assert '<pre><code class="language-python">a &lt; b\n' in to_html("```python\na < b\n```")
    assert "&lt;pad&gt;" in to_html("the <pad> token")


def test_a_picture_that_a_question_shows_comes_along(whole, tmp_path):
    archive = zipfile.ZipFile(BytesIO(whole))
    named = {name for asked in all_questions().values() for name in PICTURE.findall(asked.question.en)}
    fields = " ".join(row[0] for row in read(whole, tmp_path, "SELECT flds FROM notes"))
    media = json.loads(archive.read("media"))
    assert set(media.values()) == {f"kd_study_{name}.png" for name in named}
    for number, name in media.items():
        assert f'src="{name}"' in fields and archive.read(number).startswith(b"\x89PNG")


def ids(written: bytes, folder) -> list[tuple]:
    return read(written, folder, "SELECT guid, mid FROM notes ORDER BY id")


def reworded(asked):
    return asked.model_copy(update={"question": Text("Something else?", "换个问法？")})


def test_ids_stay_over_two_runs_and_when_a_text_changes(tmp_path):
    before, after = ids(package(SHOWN), tmp_path), ids(package(map(reworded, SHOWN)), tmp_path)
    assert before == ids(package(SHOWN), tmp_path) == after
    assert len(set(before)) == len(SHOWN) * len(LANGUAGES)


def test_ids_are_those_of_the_first_deck_that_was_given_away(tmp_path):
    """Changed, everybody's next import would double the cards."""
    (guids, models) = zip(*ids(package([all_questions()["what-is-kd"]]), tmp_path), strict=True)
    assert guids == ("C/8;y],5D1", "pxZ7-8rfrt") and set(models) == {1_764_365_131}
    assert DECKS == {"en": (1_764_365_132, "English"), "zh": (1_764_365_133, "中文")}


def test_anki_itself_updates_and_does_not_double(tmp_path, monkeypatch):
    from anki.collection import Collection, ImportAnkiPackageRequest

    collection = Collection(str(tmp_path / "own.anki2"))
    now = time.time()
    for moment, questions in ((now, SHOWN), (now + 60, list(map(reworded, SHOWN)))):
        with monkeypatch.context() as then:
            then.setattr(time, "time", lambda moment=moment: moment)
            (tmp_path / "deck.apkg").write_bytes(package(questions))
        collection.import_anki_package(ImportAnkiPackageRequest(package_path=str(tmp_path / "deck.apkg")))
    assert collection.card_count() == len(SHOWN) * len(LANGUAGES)
    fronts = {collection.get_note(each)["Question"].split("</p>")[0] for each in collection.find_notes("")}
    assert fronts == {"<p>Something else?", "<p>换个问法？"}
    collection.close()


def test_the_command_writes_where_it_is_told(tmp_path, monkeypatch, capsys, whole):
    monkeypatch.setattr("kd_study.memory.anki.package", lambda: whole)
    monkeypatch.chdir(tmp_path)
    command.anki("kd-study.apkg")
    command.anki(str(tmp_path / "other.apkg"))
    assert (tmp_path / "kd-study.apkg").read_bytes() == (tmp_path / "other.apkg").read_bytes() == whole
    assert f"{len(all_questions())} questions" in capsys.readouterr().out
    with pytest.raises(StudyError):
        command.anki(str(tmp_path / "nowhere" / "deck.apkg"))
