"""A mended function is right however it was mended: the debug exercises accept what their contract does."""

import torch
import torch.nn.functional as F

from tests.alternatives import ALTERNATIVES, accepted, features, response, tokens

CONTRACTS = {
    "debug_ignored_mask": ("masked_kd", tokens),
    "debug_infinite_padding": ("masked_kd", tokens),
    "debug_mean_of_means": ("accumulated_kd", tokens),
    "debug_detached_feature": ("hint_loss", features),
    "debug_one_model_twice": ("kd_loss", response),
    "debug_shrinking_loss": ("distillation_kl", response),
}
for _name, (_contract, _module) in CONTRACTS.items():
    ALTERNATIVES[_name] += ALTERNATIVES[_contract]


@accepted("debug_infinite_padding")
def puts_something_harmless_at_the_padding(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    student, teacher = (
        logits.masked_fill(~kept[..., None], 0.0) for logits in (student_logits, teacher_logits.detach())
    )
    log_q = F.log_softmax(student / temperature, dim=-1)
    log_p = F.log_softmax(teacher / temperature, dim=-1)
    each = (log_p.exp() * (log_p - log_q)).sum(-1) * kept
    return (temperature**2 * each.sum() / kept.sum().clamp(min=1)).to(student_logits.dtype)


@accepted("debug_shrinking_loss")
def with_the_reduction_named(student_logits, teacher_logits, temperature=1.0):
    criterion = torch.nn.KLDivLoss(reduction="batchmean")
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    return temperature**2 * criterion(log_q, p)
