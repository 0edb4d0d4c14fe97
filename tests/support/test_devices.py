"""The GPU is used where there is one, chosen once; who asks for a device that isn't there is told."""

import pytest
import torch

from kd_solutions.support.devices import DEVICE_VARIABLE, default_device, use_device
from kd_solutions.support.errors import StudyError


@pytest.fixture(autouse=True)
def choose_anew(monkeypatch):
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)
    default_device.cache_clear()
    yield
    monkeypatch.undo()
    default_device.cache_clear()


def test_the_card_is_used_where_there_is_one(monkeypatch):
    """On a machine with one, and with torch's word for it on one without."""
    assert default_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    asked, zeros = [], torch.zeros
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "zeros", lambda *_, device: asked.append(device) or zeros(0))
    default_device.cache_clear()
    default_device()
    assert asked == ["cuda"]


def test_it_is_chosen_once(monkeypatch):
    assert default_device() is default_device()
    monkeypatch.setenv(DEVICE_VARIABLE, "meta")
    assert default_device().type != "meta"


def test_the_environment_or_a_call_chooses(monkeypatch):
    monkeypatch.setenv(DEVICE_VARIABLE, "meta")
    assert default_device() == torch.device("meta")
    assert use_device("cpu") == default_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["xpu" if not torch.xpu.is_available() else "cuda:99", "toaster", "cpu:x"])
def test_a_device_that_is_not_there_is_one_sentence(monkeypatch, name):
    monkeypatch.setenv(DEVICE_VARIABLE, name)
    with pytest.raises(StudyError, match=f"has no device '{name}': let --device or KD_STUDY_DEVICE name"):
        default_device()
