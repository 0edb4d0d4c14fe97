"""Students on disk: nothing is lost, nothing foreign is deleted, and what is damaged is one sentence."""

import errno
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from kd_solutions.flagship import store
from kd_solutions.models.student import CONFIG, WEIGHTS, StudentModel
from kd_solutions.support.errors import StudyError


@pytest.fixture
def student():
    torch.manual_seed(0)
    return StudentModel(["on", "off"], rows=64, width=4, hidden=4, size=4)


@pytest.fixture(autouse=True)
def few_examples(monkeypatch):
    monkeypatch.setattr(store, "examples", lambda: ["turn on", "开灯"])


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "students"


def test_the_student_saved_last_is_found_and_the_one_before_is_gone(student, folder):
    with pytest.raises(StudyError, match="no student"):
        store.load_student(folder)
    first = store.save_student(student, {"seed": 0}, folder)
    with torch.no_grad():
        student.head.bias += 1
    second = store.save_student(student, {"seed": 1}, folder)
    loaded, examples = store.load_student(folder)
    assert not first.exists() and second.exists() and examples == ["turn on", "开灯"]
    torch.testing.assert_close(loaded.head.bias, student.head.bias, atol=1e-2, rtol=0)


@pytest.mark.parametrize("pointer", [b"", b".", b"..", b"../precious", b"/", b"student-1\xff", b"x" * 300])
def test_no_file_says_what_a_save_deletes(student, folder, pointer):
    """Once the newest student's name was read from a file, which a power cut leaves empty."""
    precious = folder.parent / "precious"
    precious.mkdir()
    store.save_student(student, {}, folder)
    (folder / "newest.txt").write_bytes(pointer)
    saved = store.save_student(student, {}, folder)
    assert (saved / CONFIG).exists() and precious.exists()
    assert isinstance(store.load_student(folder)[0], StudentModel)


def test_only_what_a_save_made_is_deleted(student, folder):
    own = ["student-best", "student-7", "notes"]
    for name in own:
        (folder / name).mkdir(parents=True)
        (folder / name / "mine.txt").write_text("mine")
    outside = folder.parent / "outside"
    student.save(outside)
    (folder / "student-3").symlink_to(outside)
    for _ in range(2):
        saved = store.save_student(student, {}, folder)
    assert all((folder / name / "mine.txt").exists() for name in own)
    assert (outside / WEIGHTS).exists()
    assert store.load_student(folder)[0].labels == student.labels and saved.name == "student-9"


def test_a_student_of_our_first_weeks_is_found_until_there_is_another(student, folder):
    student.save(folder / "student-x3_k2abc")
    (folder / "student-x3_k2abc" / store.EXAMPLES).write_text('["turn on"]')
    assert store.load_student(folder)[1] == ["turn on"]
    saved = store.save_student(student, {}, folder)
    assert [path for path in folder.iterdir() if path.is_dir()] == [saved]


@pytest.mark.parametrize("broken", ["write", "fsync", "replace", "rename"])
def test_a_full_disk_loses_neither_student(student, folder, monkeypatch, broken):
    before = store.save_student(student, {"seed": 0}, folder)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StudyError) as error:
        match broken:
            case "write":
                patch.setattr(Path, "open", full)
            case "rename":
                patch.setattr(Path, "rename", full)
            case _:
                patch.setattr(os, broken, full)
        store.save_student(student, {"seed": 1}, folder)
    assert re.search("full.*free some space.*still in memory: save it again", str(error.value))
    assert [path for path in folder.iterdir() if path.is_dir()] == [before]
    store.save_student(student, {"seed": 1}, folder)


def test_the_sentence_names_the_variable_that_moves_the_folder(student, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for home, variable in ((None, "KD_STUDY_CACHE"), (tmp_path / "file", "KD_STUDY_HOME")):
        monkeypatch.delenv("KD_STUDY_HOME", raising=False)
        monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "file"))
        if home:
            monkeypatch.setenv("KD_STUDY_HOME", str(home))
        with pytest.raises(StudyError, match=f"set {variable} to another folder"):
            store.save_student(student, {})


def test_a_place_without_room_shows_before_the_training(folder, monkeypatch):
    store.require_room(folder)
    assert [path.name for path in folder.iterdir()] == [".lock"]

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="is full: free some space"):
        store.require_room(folder)


def test_what_a_killed_save_left_is_cleared_away(student, folder):
    (folder / ".partial-abc").mkdir(parents=True)
    (folder / ".partial-abc" / WEIGHTS).write_bytes(b"half")
    saved = store.save_student(student, {}, folder)
    assert [path for path in folder.iterdir() if path.is_dir()] == [saved]


def test_a_student_saved_between_listing_and_looking_is_found(student, folder, monkeypatch):
    store.save_student(student, {}, folder)
    is_file = Path.is_file

    def saved_meanwhile(path):
        monkeypatch.setattr(Path, "is_file", is_file)
        store.save_student(student, {}, folder)  # and so the one that was listed is gone
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", saved_meanwhile)
    assert store.load_student(folder)[0].labels == student.labels


def test_loading_while_others_save(student, folder):
    store.save_student(student, {}, folder)

    def save(_):
        for _ in range(15):
            store.save_student(student, {}, folder)

    def load(_):
        return [store.load_student(folder)[1] for _ in range(40)]

    with ThreadPoolExecutor(4) as pool:
        saving, loaded = pool.map(save, range(2)), list(pool.map(load, range(2)))
        list(saving)
    assert loaded == [[["turn on", "开灯"]] * 40] * 2
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, store.EXAMPLES])
@pytest.mark.parametrize("damage", ["cut", "gone", "null", "latin-1", "deep", "folder"])
def test_every_damaged_file_is_one_sentence(student, folder, name, damage):
    path = store.save_student(student, {}, folder) / name
    content = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "null":
            path.write_bytes(b"null")
        case "latin-1":
            path.write_bytes('["größe"]'.encode("latin-1"))
        case "deep":
            path.write_bytes(b"[" * 100_000)
        case "folder":
            path.mkdir()
    with pytest.raises(StudyError, match="python -m kd_study distill") as error:
        store.load_student(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_one_flipped_bit_is_noticed(student, folder, name):
    path = store.save_student(student, {}, folder) / name
    whole = path.read_bytes()
    for at in range(0, len(whole), max(len(whole) // 40, 1)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StudyError, match="damaged"):
            StudentModel.load(path.parent)


def test_a_folder_that_is_gone_is_no_student(student, folder):
    shutil.rmtree(store.save_student(student, {}, folder))
    with pytest.raises(StudyError, match="no student"):
        store.load_student(folder)


def test_a_student_that_went_wrong_is_not_saved(student, folder):
    with torch.no_grad():
        student.body[0].weight[0, 0] = torch.nan
    with pytest.raises(StudyError, match="infinite or no numbers"):
        store.save_student(student, {}, folder)
    with torch.no_grad():
        student.body[0].weight[0, 0] = 1e6  # too large for float16
    with pytest.raises(StudyError, match="infinite or no numbers"):
        student.save(folder)


def test_small_rows_of_the_table_survive(student, folder):
    with torch.no_grad():
        student.table.weight[:] *= torch.tensor([1e-6, 1e-5, 1.0, 30.0]).repeat(16)[:, None]
    loaded, _ = store.load_student(store.save_student(student, {}, folder).parent)
    largest = student.table.weight.abs().amax(1, keepdim=True)
    assert ((loaded.table.weight - student.table.weight).abs() <= largest / 250).all()
