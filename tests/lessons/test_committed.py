"""The committed notebooks: equal to their sources, equal in both languages, executed in order, and clean."""

import nbformat
import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.lessons.editions import NOTEBOOKS, lesson_sources, stale_notebooks
from kd_study.lessons.execute import build

SOURCES = lesson_sources()
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


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
def test_the_languages_share_code_and_ids(source):
    paths = [NOTEBOOKS / language / f"{source.stem}.ipynb" for language in LANGUAGES]
    english, chinese = (nbformat.read(path, as_version=4).cells for path in paths)
    assert [(cell.id, cell.cell_type) for cell in english] == [(cell.id, cell.cell_type) for cell in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        same = ours.source == theirs.source
        assert same == (ours.cell_type == "code" and ours.id != "language"), ours.id


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


@pytest.mark.parametrize("source", SOURCES, ids=by_name)
def test_solved_edition_passes_every_check(source, tmp_path):
    (english,) = build([source], tmp_path, solved=True, languages=("en",))
    for cell in code_cells(english):
        if cell.id.endswith("-check"):
            assert cell.outputs[0].data["text/plain"].startswith(f"{cell.id.removesuffix('-check')}: passed")
