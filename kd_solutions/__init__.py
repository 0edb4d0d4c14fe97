"""Reference answers: teachers, students, losses and the distillation loop, in plain PyTorch.

Every contract of the coding exercises can be imported from here. Names are resolved on first use, so that
`import kd_solutions` costs nothing until a loss, a model or a data set is really wanted.
"""

from importlib import import_module

_HOMES = {
    "losses": (
        "soft_targets soft_cross_entropy distillation_kl kd_loss kd_gradient logit_mse dkd_loss dist_loss "
        "smooth_labels average_teachers"
    ),
    "distill": "freeze distill_step train_student_model repair_the_loop",
    "signals": "cache_teacher",
    "sequence": ("masked_kd accumulated_kd top_k_kd reverse_kl generalized_jsd uld_loss on_policy_loss"),
    "features": (
        "hint_loss attention_transfer rkd_distance rkd_angle similarity_preserving minilm_relation layer_map "
        "contrastive_kd"
    ),
    "crosslingual": (
        "mean_pool multilingual_mse retrieval_accuracy csls procrustes language_weights transfer_soft_labels "
        "weight_teachers selective_kd trim_vocabulary"
    ),
    "evaluate": "agreement expected_calibration_error paired_bootstrap",
    "shipping": "quantize_int8",
    "models": "TeacherModel StudentModel",
    "errors": "StudyError",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'kd_solutions' has no attribute {name!r}")
    value = getattr(import_module(f"kd_solutions.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return __all__
