"""The questions as a package for Anki: a note for each question and language, in a subdeck of its language.

A note is known by its question's id and its language, so that a later package updates the cards and keeps
what Anki remembers of them.
"""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import genanki

from kd_solutions.support.language import LANGUAGES, Text
from kd_study.questions import Question, all_questions, beyond
from kd_study.questions.html import to_html
from kd_study.questions.pictures import PICTURE, PICTURES, picture

# Numbers drawn once: under others, Anki would take the next package for another deck.
MODEL = 1_764_365_131
DECKS = {"en": (1_764_365_132, "English"), "zh": (1_764_365_133, "中文")}
NAME = "Knowledge distillation 知识蒸馏"
FIELDS = ("Id", "Question", "Answer", "More")
_BACK = "{{FrontSide}}<hr id=answer>{{Answer}}<div class=more>{{More}}</div>"
_CSS = """
.card { font: 18px/1.5 sans-serif; max-width: 40em; margin: auto; padding: 0 1em; }
pre { overflow-x: auto; padding: .6em; border: 1px solid #8886; font-size: 14px; white-space: pre; }
img { max-width: 100%; }
.more { font-size: 16px; }
"""


def package(questions: Iterable[Question] | None = None) -> bytes:
    """What an `.apkg` file holds. questions: those of the bank where none are given."""
    model = genanki.Model(
        MODEL,
        NAME,
        fields=[{"name": name} for name in FIELDS],
        templates=[{"name": "60 s", "qfmt": "{{Question}}", "afmt": _BACK}],
        css=_CSS,
    )
    questions = list(all_questions().values() if questions is None else questions)
    decks = [_deck(language, questions, model) for language in LANGUAGES]
    with TemporaryDirectory() as folder:
        shown = _pictures(questions, Path(folder))
        written = Path(folder) / "deck.apkg"
        genanki.Package(decks, media_files=shown).write_to_file(written)
        return written.read_bytes()


def _deck(language: str, questions: Iterable[Question], model: genanki.Model) -> genanki.Deck:
    number, title = DECKS[language]
    deck = genanki.Deck(number, f"{NAME}::{title}")
    for asked in questions:
        deck.add_note(_note(asked, language, model))
    return deck


def _note(asked: Question, language: str, model: genanki.Model) -> genanki.Note:
    say_it = getattr(Text("Say it in 60 seconds", "60秒作答"), language)
    front = PICTURE.sub(lambda found: _file(found[1]), getattr(asked.question, language))
    points = "\n".join(f"- {getattr(point, language)}" for point in asked.points)
    texts = (f"{front}\n\n*{say_it}*", points, "\n\n".join(beyond(asked, language)))
    return genanki.Note(
        model=model,
        fields=[asked.id, *map(to_html, texts)],
        guid=genanki.guid_for("kd-study", asked.id, language),
        tags=[f"kd::{asked.topic}", f"kd::{asked.level}", f"kd::{asked.kind}"],
    )


def _file(name: str) -> str:
    """Under which name Anki keeps a picture; its folder is shared by all of somebody's decks."""
    return f"kd_study_{name}.png"


def _pictures(questions: Iterable[Question], folder: Path) -> list[str]:
    """Draws the pictures that the questions show into a folder."""
    texts = " ".join(side for asked in questions for side in asked.question)
    named = set(PICTURE.findall(texts)) & set(PICTURES)
    for name in sorted(named):
        (folder / _file(name)).write_bytes(picture(name))
    return [str(folder / _file(name)) for name in sorted(named)]
