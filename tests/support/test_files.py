"""The one way to write a file, the checksum of what is cached, sentences for what can't be written."""

import errno
import json
import os
from pathlib import Path

import pytest

from kd_solutions.support import paths
from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.files import read_json, write_json, write_whole


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk" / "real")
    for content in (b"one", b"two"):
        write_whole(link, content)
        assert link.is_symlink() and (tmp_path / "disk" / "real").read_bytes() == content
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["disk", "link", "real"]


def test_a_link_to_a_disk_that_is_not_there_is_not_replaced(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "not mounted" / "real")
    with pytest.raises(FileNotFoundError):
        write_whole(link, b"new")
    assert link.is_symlink() and not link.exists()


def test_a_pipe_or_a_folder_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="not a regular file"):
            write_whole(tmp_path / name, b"new")
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "folder").is_dir() and len(os.listdir(tmp_path)) == 2


def test_a_name_with_a_nul_is_an_error_of_the_system():
    with pytest.raises(OSError, match="null"):
        write_whole(Path("nul\0"), b"new")


@pytest.mark.parametrize("content", [{"größe": [1, None]}, "half an emoji \ud83d", [], {"a": {"b": "\n"}}])
def test_json_comes_back_and_is_json_to_others(tmp_path, content):
    write_json(tmp_path / "new" / "some.json", content)
    assert read_json(tmp_path / "new" / "some.json") == content
    assert json.loads((tmp_path / "new" / "some.json").read_bytes())["content"] == content


def test_json_of_another_shape_is_one_sentence(tmp_path):
    path = tmp_path / "some.json"
    write_json(path, {"pairs": [1, 2]})
    whole = path.read_bytes()
    for content in (
        b'{"pairs": [1, 2]}',
        b"[]",
        b"null",
        whole[:-3],
        whole.replace(b"2]", b"3]"),
        b"[" * 99_999,
    ):
        path.write_bytes(content)
        with pytest.raises(StudyError, match=r"some.json can't be read \(its checksum is wrong\): delete "):
            read_json(path)


@pytest.mark.parametrize(
    ("number", "variable", "sentence"),
    [
        (
            errno.ENOSPC,
            None,
            "disk of there is full: free some space, or choose another folder on another disk.",
        ),
        (errno.EDQUOT, "KD_X", "disk of there is full: free some space, or set KD_X to another folder"),
        (errno.EROFS, None, "Can't write to there .*: make it writable, or choose another folder."),
        (errno.EACCES, "KD_X", "Can't write to there .*: make it writable, or set KD_X to another folder."),
    ],
)
def test_what_the_system_says_is_one_sentence(number, variable, sentence):
    with pytest.raises(StudyError, match=sentence), writing_to(Path("there"), variable):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("variable", ["KD_STUDY_HOME", "KD_STUDY_CACHE"])
def test_the_home_of_nobody_is_one_sentence(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/x")
    with pytest.raises(StudyError, match=f"{variable} names '~nobody-of-this-name/x'"):
        paths.home_folder(), paths.cache_folder()
