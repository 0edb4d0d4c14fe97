"""The form of the exercises: two files each, nothing else public; what is said of a file that breaks it."""

from pathlib import Path

import pytest

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language
from kd_study.exercises.catalog import FOLDER, HEADINGS, TOPIC_TITLES, TOPICS, read_sheet

REPOSITORY = FOLDER.parents[1]
FRONT = "---\norder: 1\nlevel: mid\nminutes: 5\nlesson:\n---\n"


def public(topic: str, suffix: str) -> set[str]:
    return {path.stem for path in (FOLDER / topic).glob(f"*{suffix}") if not path.stem.startswith("_")}


@pytest.mark.parametrize("topic", TOPIC_TITLES)
def test_every_exercise_is_two_files_and_no_helper_is_public(topic):
    assert public(topic, ".py") == public(topic, ".md") == set(TOPICS[topic])


def test_every_folder_is_a_topic():
    folders = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert folders == set(TOPIC_TITLES)


@pytest.mark.parametrize("room", ["kd_solutions", "kd_study", "tests", "benchmarks"])
def test_no_python_file_is_longer_than_400_lines(room):
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (REPOSITORY / room).rglob("*.py")}
    assert lengths
    assert not {path: length for path, length in lengths.items() if length > 400}


def body(**without: str) -> str:
    """A sheet's text without a heading, or, where `language` names one, without that language under it."""
    lines = []
    for heading in HEADINGS:
        if without == {"heading": heading}:
            continue
        lines.append(f"# {heading}")
        for title in ("## English", "## 中文"):
            if without != {"heading": heading, "language": title}:
                lines += [title, "A sentence."]
    return "\n".join([*lines, "# Docstring", "## 中文", "一句话。"])


@pytest.fixture(params=["en", "zh"])
def language(request):
    use_language(request.param)
    yield request.param
    use_language("en")


def refusal(folder: Path, text: str) -> str:
    path = folder / "freeze.md"
    path.write_text(text, "utf-8")
    with pytest.raises(StudyError) as error:
        read_sheet(path)
    return str(error.value)


def is_one_sentence(text: str) -> bool:
    return text.startswith("freeze.md") and text[-1] in ".。" and "\n" not in text and text.count("。") <= 1


@pytest.mark.parametrize("heading", HEADINGS)
def test_a_missing_heading_is_one_sentence(tmp_path, language, heading):
    message = refusal(tmp_path, FRONT + body(heading=heading))
    assert is_one_sentence(message) and f"# {heading}" in message


@pytest.mark.parametrize("title", ["## English", "## 中文"])
def test_a_missing_language_is_one_sentence(tmp_path, language, title):
    message = refusal(tmp_path, FRONT + body(heading="Hint 2", language=title))
    assert is_one_sentence(message) and "# Hint 2" in message and title in message


def test_an_unknown_level_is_one_sentence(tmp_path, language):
    message = refusal(tmp_path, FRONT.replace("mid", "impossible") + body())
    assert is_one_sentence(message) and "impossible" in message and "basic" in message


@pytest.mark.parametrize(
    "front", ["", FRONT.replace("minutes: 5\n", ""), "---\nminutes\n---\n", "---\n: :\n---\n"]
)
def test_a_missing_entry_at_the_top_is_one_sentence(tmp_path, language, front):
    message = refusal(tmp_path, front + body())
    assert is_one_sentence(message)


@pytest.mark.parametrize("entry", ["order", "minutes"])
def test_what_is_no_number_is_one_sentence(tmp_path, language, entry):
    value = {"order": "1", "minutes": "5"}[entry]
    message = refusal(tmp_path, FRONT.replace(f"{entry}: {value}", f"{entry}: soon") + body())
    assert is_one_sentence(message) and entry in message and "soon" in message


def test_a_whole_sheet_is_read(tmp_path):
    path = tmp_path / "freeze.md"
    path.write_text(FRONT + body(), "utf-8")
    found = read_sheet(path)
    assert found.name == "freeze" and found.lesson == "" and str(found.discussion) == "A sentence."
