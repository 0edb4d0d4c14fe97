"""The learner's copies survive everything: new versions, resets, damage, a second run."""

import errno
import json
from datetime import date

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.setup import workspace
from kd_study.setup.workspace import lay_down, reset, workspace_folder

TODAY = "2026-02-28"


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    """It stays one day: a run over midnight would look for a copy under yesterday's name."""

    class OneDay(date):
        @classmethod
        def today(cls):
            return cls.fromisoformat(TODAY)

    monkeypatch.setattr(workspace, "date", OneDay)


def publish(path, code):
    """A notebook of one cell, executed."""
    cell = {"cell_type": "code", "source": [code], "execution_count": 1, "outputs": [{"text": "the answer"}]}
    path.write_text(json.dumps({"cells": [cell]}))


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Two published lessons in both languages, and a home without a workspace."""
    folder = tmp_path / "notebooks"
    for language in ("en", "zh"):
        (folder / language).mkdir(parents=True)
        for lesson in ("00_start", "03_the_loop"):
            publish(folder / language / f"{lesson}.ipynb", f"{language} {lesson} one")
    monkeypatch.setattr(workspace, "NOTEBOOKS", folder)
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    return folder


def contents(language="en"):
    """{file name: code} of the learner's folder."""
    paths = (workspace_folder() / language).iterdir()
    return {path.name: json.loads(path.read_text())["cells"][0]["source"][0] for path in paths}


def write(name, code):
    publish(workspace_folder() / name, code)


def test_first_run_lays_everything_down_and_says_nothing(published):
    assert lay_down() == []
    assert contents() == {"00_start.ipynb": "en 00_start one", "03_the_loop.ipynb": "en 03_the_loop one"}
    assert contents("zh").keys() == contents().keys()


def test_a_copy_holds_no_answer_yet(published):
    lay_down()
    (cell,) = json.loads((workspace_folder() / "en/00_start.ipynb").read_text())["cells"]
    assert cell["outputs"] == [] and cell["execution_count"] is None


def test_a_lesson_that_was_only_run_again_is_no_new_version(published):
    lay_down()
    path = published / "en/00_start.ipynb"
    path.write_text(path.read_text().replace("the answer", "another answer"))
    assert lay_down() == []


def test_a_learners_copy_stays_as_it_is(published):
    lay_down()
    write("en/03_the_loop.ipynb", "my answers")
    assert lay_down() == []
    assert contents() == {"00_start.ipynb": "en 00_start one", "03_the_loop.ipynb": "my answers"}


@pytest.mark.parametrize("mine", ["my answers", None], ids=["edited", "untouched"])
def test_a_new_version_lands_beside_and_is_said_once(published, mine):
    lay_down()
    if mine:
        write("en/03_the_loop.ipynb", mine)
    publish(published / "en/03_the_loop.ipynb", "two")
    (told,) = lay_down()
    assert "en/03_the_loop.ipynb" in told and "03_the_loop.newer.ipynb" in told
    assert contents() == {
        "00_start.ipynb": "en 00_start one",
        "03_the_loop.ipynb": mine or "en 03_the_loop one",
        "03_the_loop.newer.ipynb": "two",
    }
    (workspace_folder() / "en/03_the_loop.newer.ipynb").unlink()
    assert lay_down() == [] and "03_the_loop.newer.ipynb" not in contents()


def test_a_third_version_overwrites_neither_copy(published):
    lay_down()
    for version in ("two", "three"):
        publish(published / "en/03_the_loop.ipynb", version)
        lay_down()
    assert contents()["03_the_loop.newer.ipynb"] == "two"
    assert contents()["03_the_loop.newer-2.ipynb"] == "three"


def test_a_lost_ledger_costs_no_work(published):
    lay_down()
    write("en/03_the_loop.ipynb", "my answers")
    (workspace_folder() / workspace.LEDGER).write_text("{ damaged")
    lay_down()
    assert contents()["03_the_loop.ipynb"] == "my answers"


def test_a_lesson_that_was_deleted_comes_back(published):
    lay_down()
    (workspace_folder() / "en/00_start.ipynb").unlink()
    lay_down()
    assert contents()["00_start.ipynb"] == "en 00_start one"


def test_reset_keeps_the_copy_under_a_dated_name(published):
    lay_down()
    write("en/03_the_loop.ipynb", "my answers")
    told = reset("03")
    assert any(f"03_the_loop.{TODAY}.ipynb" in sentence for sentence in told)
    assert contents()["03_the_loop.ipynb"] == "en 03_the_loop one"
    assert contents()[f"03_the_loop.{TODAY}.ipynb"] == "my answers"
    assert f"03_the_loop.{TODAY}.ipynb" not in contents("zh")
    write("en/03_the_loop.ipynb", "my second answers")
    reset("03_the_loop.ipynb")
    assert contents()[f"03_the_loop.{TODAY}.ipynb"] == "my answers"
    assert contents()[f"03_the_loop.{TODAY}-2.ipynb"] == "my second answers"


def test_reset_lays_the_newest_version_down_for_good(published):
    lay_down()
    publish(published / "en/03_the_loop.ipynb", "two")
    reset("03")
    assert contents()["03_the_loop.ipynb"] == "two"
    assert lay_down() == [] and "03_the_loop.newer.ipynb" not in contents()


def test_reset_before_the_first_study(published):
    reset("00_start")
    assert contents() == {"00_start.ipynb": "en 00_start one"}


@pytest.mark.parametrize("name", ["9", "0", "", "../00_start/x"])
def test_reset_asks_which_lesson(published, name):
    with pytest.raises(StudyError, match="00_start, 03_the_loop"):
        reset(name)


@pytest.mark.parametrize("content", ["[]", "3", '{"en/03_the_loop.ipynb": 3}', "[" * 100_000, "\x00"])
def test_a_damaged_ledger_counts_as_lost(published, content):
    lay_down()
    write("en/03_the_loop.ipynb", "my answers")
    (workspace_folder() / workspace.LEDGER).write_text(content)
    lay_down()
    assert contents()["03_the_loop.ipynb"] == "my answers"


def test_a_link_to_what_is_not_there_stays(published, tmp_path):
    lay_down()
    copy = workspace_folder() / "en/03_the_loop.ipynb"
    copy.unlink()
    copy.symlink_to(tmp_path / "disk/my.ipynb")
    (told,) = lay_down()
    assert "en/03_the_loop.ipynb" in told and "disk/my.ipynb" in told and copy.is_symlink()
    (tmp_path / "disk").mkdir()
    publish(tmp_path / "disk/my.ipynb", "my answers")
    assert lay_down() == [] and contents()["03_the_loop.ipynb"] == "my answers"
    reset("03")
    assert contents()["03_the_loop.ipynb"] == "en 03_the_loop one"
    assert contents()[f"03_the_loop.{TODAY}.ipynb"] == "my answers"


def test_reset_on_a_full_disk_leaves_everything_as_it_was(published, monkeypatch):
    lay_down()
    write("en/03_the_loop.ipynb", "my answers")
    before = contents()

    def full(target, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workspace, "write_whole", full)
    with pytest.raises(StudyError, match="is full"):
        reset("03")
    assert contents() == before


def test_a_copy_that_is_no_notebook_is_found_and_reset(published):
    lay_down()
    (workspace_folder() / "zh/03_the_loop.ipynb").write_text('{"cells": [{]')
    assert workspace.unreadable_copies() == ["zh/03_the_loop.ipynb"]
    reset("03")
    assert workspace.unreadable_copies() == []


@pytest.fixture
def renamed(published, monkeypatch):
    """The loop's lesson was laid down as 03_old_name, and is published as 03_the_loop since."""
    for language in ("en", "zh"):
        (published / language / "03_the_loop.ipynb").rename(published / language / "03_old_name.ipynb")
    lay_down()
    for language in ("en", "zh"):
        (published / language / "03_old_name.ipynb").unlink()
        publish(published / language / "03_the_loop.ipynb", f"{language} 03_the_loop two")
    monkeypatch.setattr(workspace, "FORMER_NAMES", {"03_the_loop": "03_old_name"})


def test_a_lesson_under_a_new_name_lands_beside_and_is_said_once(renamed):
    write("en/03_old_name.ipynb", "my answers")
    told = lay_down()
    assert len(told) == 2 and "en/03_old_name.ipynb is called 03_the_loop.ipynb now" in told[0]
    assert contents()["03_old_name.ipynb"] == "my answers"
    assert contents()["03_the_loop.ipynb"] == "en 03_the_loop two"
    assert lay_down() == []


@pytest.mark.parametrize("name", ["03", "03_old", "03_old_name.ipynb", "03_the_loop"])
@pytest.mark.parametrize("laid", [False, True])
def test_reset_keeps_a_copy_under_the_former_name_too(renamed, name, laid):
    write("en/03_old_name.ipynb", "my answers")
    if laid:
        lay_down()
    told = reset(name)
    assert any("en/03_old_name.ipynb is kept" in sentence for sentence in told)
    assert contents() == {
        "00_start.ipynb": "en 00_start one",
        f"03_old_name.{TODAY}.ipynb": "my answers",
        "03_the_loop.ipynb": "en 03_the_loop two",
    }
    assert lay_down() == []


def test_former_names_are_of_lessons_that_are_published():
    lessons = {path.stem for path in (workspace.NOTEBOOKS / "lessons").glob("*.py")}
    for name, former in workspace.FORMER_NAMES.items():
        assert name in lessons and former not in lessons


def test_a_notebook_laid_down_has_what_jupyterlab_adds_when_it_is_opened(published):
    from ipykernel.ipkernel import IPythonKernel

    lay_down()
    laid = json.loads((workspace_folder() / "en/00_start.ipynb").read_text())
    assert laid["metadata"]["language_info"] == IPythonKernel.language_info


def test_a_workspace_that_can_not_be_written(published, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/workspace").write_text("a file is in the way")
    with pytest.raises(StudyError, match="Can't write to .*KD_STUDY_HOME"):
        lay_down()


def test_without_a_home_the_workspace_is_beside_the_lessons(monkeypatch):
    monkeypatch.delenv("KD_STUDY_HOME")
    assert workspace_folder() == workspace.PROJECT / "workspace"
