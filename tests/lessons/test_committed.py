"""The committed notebooks: equal to their sources, equal in both languages, executed in order, and clean."""

import ast
import itertools

import nbformat
import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.lessons.editions import CAPTION, stale_notebooks
from kd_study.lessons.execute import build
from kd_study.lessons.outline import LESSONS
from kd_study.lessons.source import NOTEBOOKS, lesson_sources

SOURCES = lesson_sources()
WITH_EXERCISES = [
    lesson.name for lesson in LESSONS if lesson.exercises
]  # the page of all is held cell by cell
COMMITTED = sorted(path for language in LANGUAGES for path in (NOTEBOOKS / language).glob("*.ipynb"))


def by_name(path):
    return f"{path.parent.name}/{path.stem}"


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_every_lesson_stands_in_both_languages_and_none_without_a_source():
    names = [f"{language}/{source.stem}" for language in LANGUAGES for source in SOURCES]
    assert sorted(map(by_name, COMMITTED)) == sorted(names)


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
def test_equals_its_source(source):
    assert stale_notebooks([source]) == []


@pytest.mark.parametrize("path", COMMITTED, ids=by_name)
def test_was_executed_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", COMMITTED, ids=by_name)
def test_has_nothing_that_changes_or_fails(path):
    assert nbformat.read(path, as_version=4).metadata.keys() == {"kernelspec", "language_info"}
    for cell in code_cells(path):
        assert not cell.source.rstrip().endswith(";"), cell.id
        may_raise = "raises-exception" in cell.metadata.get("tags", [])
        for output in cell.outputs:
            assert output.output_type != "error" or may_raise, cell.id
            assert output.get("name") != "stderr", f"{cell.id}: {output.text}"
            is_rich = "<pre style=" in str(output.get("data", {}).get("text/html", ""))
            assert not is_rich, f"{cell.id}: a progress bar, or what is left of one"


def words_blanked(source: str) -> str:
    """The code's tree without what its strings say."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if (
                isinstance(value, ast.JoinedStr)
                or isinstance(value, ast.Constant)
                and isinstance(value.value, str)
            ):
                setattr(node, name, ast.Constant(""))
            elif isinstance(value, list):
                setattr(
                    node, name, [ast.Constant("") if isinstance(one, ast.JoinedStr) else one for one in value]
                )
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
def test_code_is_equal_but_for_what_it_says(source):
    english, chinese = (
        code_cells(NOTEBOOKS / language / f"{source.stem}.ipynb") for language in ("en", "zh")
    )
    assert [cell.id for cell in english] == [cell.id for cell in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        assert "say(" not in ours.source + theirs.source, ours.id
        assert words_blanked(ours.source) == words_blanked(theirs.source), ours.id


@pytest.mark.parametrize("path", COMMITTED, ids=by_name)
def test_every_picture_has_a_caption_and_an_alternative_text_in_the_pages_language(path):
    cells = nbformat.read(path, as_version=4).cells
    for cell, below in itertools.pairwise([*cells, None]):
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                caption = below.source.removeprefix(CAPTION)
                alt = output.metadata["image/png"]["alt"]
                assert (
                    below.id == f"{cell.id}-caption" and alt.startswith(caption) and len(alt) > len(caption)
                )
                assert any("\u4e00" <= sign <= "\u9fff" for sign in caption) == (path.parent.name == "zh")


@pytest.mark.parametrize("lesson", WITH_EXERCISES)
def test_solved_edition_passes_every_check(lesson, tmp_path):
    (english,) = build(lesson_sources([lesson]), tmp_path, solved=True, languages=("en",))
    checks = [cell for cell in code_cells(english) if cell.id.endswith("-check")]
    assert checks
    for cell in checks:
        assert cell.outputs[0].data["text/plain"].startswith(f"{cell.id.removesuffix('-check')}: passed")
