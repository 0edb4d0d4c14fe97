"""The coding exercises, one file each; the order is the order of study."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kd_study.exercises.base import Exercise

TOPICS = {
    "response": (
        "soft_targets",
        "soft_cross_entropy",
        "distillation_kl",
        "kd_loss",
        "kd_gradient",
        "logit_mse",
        "dkd_loss",
        "dist_loss",
        "smooth_labels",
        "average_teachers",
    ),
    "loop": (
        "freeze",
        "distill_step",
        "train_student_model",
        "repair_the_loop",
        "cache_teacher",
        "masked_kd",
        "accumulated_kd",
        "top_k_kd",
    ),
    "features": (
        "hint_loss",
        "attention_transfer",
        "rkd_distance",
        "rkd_angle",
        "similarity_preserving",
        "minilm_relation",
        "layer_map",
        "contrastive_kd",
    ),
    "crosslingual": (
        "mean_pool",
        "multilingual_mse",
        "retrieval_accuracy",
        "csls",
        "procrustes",
        "language_weights",
        "transfer_soft_labels",
        "weight_teachers",
        "selective_kd",
        "trim_vocabulary",
    ),
    "sequences": ("reverse_kl", "generalized_jsd", "uld_loss", "on_policy_loss"),
    "measuring": ("agreement", "expected_calibration_error", "paired_bootstrap", "quantize_int8"),
    "debug": (
        "debug_ignored_mask",
        "debug_infinite_padding",
        "debug_mean_of_means",
        "debug_detached_feature",
        "debug_one_model_twice",
        "debug_shrinking_loss",
        "debug_shuffled_cache",
        "debug_woken_teacher",
        "debug_shifted_logits",
    ),
}
NAMES = tuple(name for names in TOPICS.values() for name in names)


@cache
def exercise(name: str) -> "Exercise":
    """The exercise of that name; KeyError, with the names most like it, where there is none."""
    if name not in NAMES:
        raise KeyError(f"no exercise is called {name!r}; the nearest: {', '.join(nearest(name))}")
    module = import_module(f"kd_study.exercises.{name}")
    return module.EXERCISE


def nearest(name: str) -> list[str]:
    """Up to three names of exercises that look like `name`."""
    return get_close_matches(name, NAMES, n=3, cutoff=0.0)


def all_exercises() -> list["Exercise"]:
    """Every exercise, in the order of study."""
    return [exercise(name) for name in NAMES]
