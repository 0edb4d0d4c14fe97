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

    name = os.environ.get(DEVICE_VARIABLE) or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: built without CUDA
        raise StudyError(
            say(
                f"{DEVICE_VARIABLE} names {name!r}, which this machine or this build of torch doesn't have: "
                "set it to cpu, or unset it.",
                f"{DEVICE_VARIABLE}指定的{name!r}，这台机器或这个版本的torch不支持：请改成cpu，或取消它。",
            )
        ) from error


def use_device(name: str) -> "torch.device":
    """Choose the device for all that is made from here on. Raises: as `default_device`."""
    os.environ[DEVICE_VARIABLE] = name  # processes that we start shall know it too
    default_device.cache_clear()
    return default_device()
