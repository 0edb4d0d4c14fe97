"""The doctor sees each thing that can be wrong, and says what to do about it."""

import errno
import re
import sys

import pytest

from kd_solutions.support import devices
from kd_solutions.support.assets import ASSETS
from kd_solutions.support.language import use_language
from kd_study.setup import doctor
from kd_study.setup.doctor import Finding
from kd_study.setup.workspace import lay_down


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Nothing downloaded, and no replacement either."""
    monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "cache"))
    for asset in ASSETS.values():
        monkeypatch.delenv(asset.variable, raising=False)
    return tmp_path


def test_an_old_python(monkeypatch):
    assert doctor.python_version().advice is None
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    finding = doctor.python_version()
    assert "3.10.4" in finding.what and "3.11" in finding.advice


def test_packages_that_are_missing_or_of_another_version(tmp_path):
    assert doctor.packages().advice is None
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# pins\npytest==0.0.1\nno-such-package==1.0\nrich==15.0.0\n-e .\n")
    finding = doctor.packages(requirements)
    assert "pytest is" in finding.what and "no-such-package is missing" in finding.what
    assert "rich" not in finding.what and "make study" in finding.advice


def test_without_the_repository_the_packages_own_bounds_count(tmp_path):
    assert doctor.packages(tmp_path / "requirements.txt").advice is None
    asked = ["rich>=13.7", "pytest>=99", "no-such-package>=1", "other>=1; python_version < '3'"]
    finding = doctor._packages_of_metadata(asked)
    assert "pytest is" in finding.what and "no-such-package is missing" in finding.what
    assert finding.advice == "Type `pip install 'pytest>=99' 'no-such-package>=1'`."


def test_a_lesson_that_can_not_be_opened_is_named_with_its_mend(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    assert doctor.lessons().advice is None
    lay_down()
    assert doctor.lessons().advice is None
    for language in ("en", "zh"):
        (tmp_path / "workspace" / language / "03_the_loop.ipynb").write_text("{")
    finding = doctor.lessons()
    assert "en/03_the_loop.ipynb, zh/03_the_loop.ipynb" in finding.what
    assert finding.advice.count("`python -m kd_study reset 03_the_loop`") == 1


@pytest.fixture
def choose(monkeypatch):
    """Sets $KD_STUDY_DEVICE for this test."""

    def set_device(name):
        monkeypatch.setenv(devices.DEVICE_VARIABLE, name)
        devices.default_device.cache_clear()

    yield set_device
    monkeypatch.delenv(devices.DEVICE_VARIABLE, raising=False)
    devices.default_device.cache_clear()


def test_the_device_is_named(choose):
    choose("")
    finding = doctor.device()
    assert finding.advice is None and ("cpu" in finding.what or "cuda" in finding.what)
    choose("cpu")
    assert re.search(r"on cpu \(\d+ threads?\)$", doctor.device().what)


def test_a_device_that_is_not_there(choose):
    choose("abacus")
    finding = doctor.device()
    assert "'abacus'" in finding.what and "KD_STUDY_DEVICE" in finding.advice


def test_a_graphics_card_that_does_not_work(monkeypatch, choose):
    import torch

    def fail(*_, **__):
        raise RuntimeError("CUDA error: no kernel image is available\nfor this device")

    choose("")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", fail)
    finding = doctor.device()
    assert "no kernel image" in finding.what and "KD_STUDY_DEVICE=cpu" in finding.advice
    assert "no device" not in finding.what  # nobody named one


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_that_is_not_here(bare, name):
    finding = doctor.asset(name)
    assert ASSETS[name].package in finding.what
    assert "python -m kd_study assets" in finding.advice and ASSETS[name].variable in finding.advice


def test_an_asset_that_is_replaced(bare, monkeypatch):
    monkeypatch.setenv("KD_STUDY_TEACHER", str(bare))
    assert doctor.asset("teacher") == Finding(f"teacher: {bare}")
    monkeypatch.setenv("KD_STUDY_TEACHER", "sentence-transformers/all-MiniLM-L6-v2")
    assert "KD_STUDY_TEACHER" in doctor.asset("teacher").what and "assets" in doctor.asset("teacher").advice


@pytest.mark.parametrize("chosen", ["/nonexistent", "./gone", "~/gone/too", "a/b/c"])
@pytest.mark.parametrize("name", ASSETS)
def test_a_replacement_that_is_no_path_here_is_told_as_that(bare, monkeypatch, name, chosen):
    variable = ASSETS[name].variable
    monkeypatch.setenv(variable, chosen)
    assert doctor.asset(name) == Finding(f"{name}: there is no {chosen}", f"Correct {variable}, or unset it.")


def test_weights_that_were_damaged(bare):
    asset = ASSETS["teacher"]
    folder = bare / "cache/assets" / f"teacher-{asset.sha256[:12]}" / asset.root
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"damaged")
    finding = doctor.asset("teacher")
    assert "model.safetensors" in finding.what and "delete" in finding.advice
    (folder / "model.safetensors").unlink()
    assert doctor.asset("teacher") == finding


def test_folders_that_can_and_can_not_be_written(tmp_path):
    assert doctor.writable("cache", tmp_path / "new", "KD_STUDY_CACHE").advice is None
    (tmp_path / "file").write_text("in the way")
    finding = doctor.writable("cache", tmp_path / "file", "KD_STUDY_CACHE")
    assert f"{tmp_path / 'file'} is a file" in finding.what and "KD_STUDY_CACHE" in finding.advice
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_is_no_matter_of_rights(tmp_path, monkeypatch):
    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", full)
    assert doctor.writable("records", tmp_path, "KD_STUDY_HOME").advice.startswith("Free some space")


def test_a_disk_that_is_nearly_full(tmp_path, monkeypatch):
    assert doctor.free_space(tmp_path / "not/there/yet").advice is None
    monkeypatch.setattr(doctor, "FREE_BYTES", 10**18)
    assert "KD_STUDY_CACHE" in doctor.free_space(tmp_path).advice


def test_what_is_wrong_is_followed_by_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "findings", lambda: [Finding("fine"), Finding("broken", "mend it")])
    assert doctor.run() is False
    assert capsys.readouterr().out == "✓ fine\n✗ broken\n  → mend it\n"
    monkeypatch.setattr(doctor, "findings", lambda: [Finding("fine")])
    assert doctor.run() is True


def test_advice_is_given_in_chinese_too(bare):
    try:
        use_language("zh")
        assert "尚未就绪" in doctor.asset("teacher").what and "运行" in doctor.asset("teacher").advice
        for finding in doctor.findings():
            assert any("\u4e00" <= sign <= "\u9fff" for sign in finding.what) or "Python" in finding.what
            assert not {"teacher", "translations", "frontend"} & set(finding.what.split())
    finally:
        use_language("en")
