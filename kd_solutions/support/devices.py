"""Where networks live: on the GPU where there is one. Chosen once, for the whole process."""

import os
from functools import cache
from typing import TYPE_CHECKING

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "KD_STUDY_DEVICE"


@cache
def default_device() -> "torch.device":
    """What `$KD_STUDY_DEVICE` names, such as cpu, cuda:1 or mps; else the CUDA GPU, else the CPU.

    Apple's mps is used only where it is asked for: it has no float64, and nobody measured our lessons on it.
    Raises: StudyError for a name that is no device of this machine.
    """
    import torch

    chosen = os.environ.get(DEVICE_VARIABLE)
    name = chosen or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: built without CUDA
        raise StudyError(_not_there(chosen) if chosen else _not_working(error)) from error


def _not_there(name: str) -> str:
    return say(
        f"This machine, or this build of torch, has no device {name!r}: let --device or {DEVICE_VARIABLE} "
        "name cpu, or nothing.",
        f"这台机器或这个版本的torch没有{name!r}这个设备：请让--device或{DEVICE_VARIABLE}指定cpu，或者都不写。",
    )


def _not_working(error: Exception) -> str:
    reason = str(error).splitlines()[0]
    return say(
        f"The graphics card doesn't work with this PyTorch ({reason}): update its driver, or set "
        f"{DEVICE_VARIABLE}=cpu.",
        f"显卡与这个PyTorch不兼容（{reason}）：请更新驱动，或设{DEVICE_VARIABLE}=cpu。",
    )


def use_device(name: str) -> "torch.device":
    """Choose the device for all that is made from here on. Raises: as `default_device`."""
    os.environ[DEVICE_VARIABLE] = name  # processes that we start shall know it too
    default_device.cache_clear()
    return default_device()
