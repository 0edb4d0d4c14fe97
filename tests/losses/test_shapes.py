"""Shapes that differ are refused in one sentence, by every function that pairs two tensors."""

import inspect

import pytest
import torch
from torch import nn

from kd_solutions import evaluation, losses
from kd_solutions.losses.numerics import same_shape
from kd_solutions.models import mean_pool
from kd_solutions.support.language import use_language

LABELS, TOKENS = torch.zeros(4, dtype=torch.long), torch.ones(4, 6, dtype=torch.long)
SAME = nn.Identity()
BAD = {  # of a pair (4, 5) and (4, 5)
    "one class": ((4, 1), (4, 5)),
    "one class of the teacher": ((4, 5), (4, 1)),
    "one row": ((1, 5), (4, 5)),
    "one row of the teacher": ((4, 5), (1, 5)),
    "other classes": ((4, 5), (4, 7)),
    "no class": ((4, 5), (4,)),
    "one dimension more": ((4, 5), (4, 1, 5)),
}
PAIRS = {
    "soft_cross_entropy": losses.soft_cross_entropy,
    "distillation_kl": losses.distillation_kl,
    "kl_per_row": losses.kl_per_row,
    "kd_loss": lambda s, t: losses.kd_loss(s, t, LABELS[: len(s)]),
    "kd_loss, hard only": lambda s, t: losses.kd_loss(s, t, LABELS[: len(s)], alpha=0.0),
    "kd_gradient": losses.kd_gradient,
    "logit_mse": losses.logit_mse,
    "dkd_loss": lambda s, t: losses.dkd_loss(s, t, LABELS[: len(s)]),
    "dist_loss": losses.dist_loss,
    "reverse_kl": losses.reverse_kl,
    "generalized_jsd": losses.generalized_jsd,
    "hint_loss": lambda s, t: losses.hint_loss(s, t, SAME),
    "contrastive_kd": losses.contrastive_kd,
    "multilingual_mse": lambda s, t: losses.multilingual_mse(s, s, t),
    "multilingual_mse's two": lambda s, t: losses.multilingual_mse(s, t, s),
    "transfer_soft_labels": losses.transfer_soft_labels,
    "selective_kd": lambda s, t: losses.selective_kd(s, t, LABELS[: len(s)]),
    "agreement": evaluation.agreement,
    "retrieval_accuracy": evaluation.retrieval_accuracy,
    "margin_scores": evaluation.margin_scores,
    "procrustes": evaluation.procrustes,
}
MASKED = {
    "masked_kd": losses.masked_kd,
    "accumulated_kd": lambda s, t, m: losses.accumulated_kd(s, t, m, 2),
    "reverse_kl": losses.reverse_kl,
    "generalized_jsd": lambda s, t, m: losses.generalized_jsd(s, t, mask=m),
    "on_policy_loss": lambda s, t, m: losses.on_policy_loss(s, t, m.long(), 2, 0),
    "mean_pool": lambda s, t, m: mean_pool(s, m),
    "minilm_relation": lambda s, t, m: losses.minilm_relation(s, t, 1, m),
}
BAD_MASKS = [(4, 1), (1, 6), (4,), (4, 6, 1), (4, 6, 5), (6, 4)]
OTHERS = {  # what may differ, differs; the rest is wrong
    "rkd_distance": lambda: losses.rkd_distance(torch.ones(4, 5), torch.ones(2, 5)),
    "rkd_distance, one pair": lambda: losses.rkd_distance(torch.ones(2, 5), torch.ones(5, 7)),
    "rkd_angle": lambda: losses.rkd_angle(torch.ones(3, 5), torch.ones(4, 7)),
    "similarity_preserving": lambda: losses.similarity_preserving(torch.ones(4, 5), torch.ones(1, 7)),
    "attention_transfer": lambda: losses.attention_transfer(torch.ones(2, 3, 4, 1), torch.ones(2, 5, 2, 2)),
    "attention_transfer, rows": lambda: losses.attention_transfer(
        torch.ones(2, 3, 2, 2), torch.ones(1, 3, 2, 2)
    ),
    "minilm_relation": lambda: losses.minilm_relation(torch.ones(2, 3, 4), torch.ones(1, 3, 4), 2),
    "uld_loss": lambda: losses.uld_loss(torch.ones(2, 3, 5), torch.ones(2, 1, 7)),
    "uld_loss, rows": lambda: losses.uld_loss(torch.ones(4, 5), torch.ones(1, 5)),
    "remove_language": lambda: evaluation.remove_language(torch.ones(4, 5), LABELS[:1]),
    "csls": lambda: evaluation.csls(torch.ones(4, 5), torch.ones(3, 1)),
    "weight_teachers": lambda: losses.weight_teachers(torch.ones(3, 4, 5), torch.ones(1)),
    "top_k_kd, k": lambda: losses.top_k_kd(torch.ones(4, 5), torch.ones(4, 1), TOKENS[:, :2]),
    "top_k_kd, rows": lambda: losses.top_k_kd(torch.ones(4, 5), torch.ones(2, 2), TOKENS[:2, :2]),
    "kd_loss": lambda: losses.kd_loss(torch.ones(4, 5), torch.ones(4, 5), LABELS[:, None]),
    "kd_loss, rows": lambda: losses.kd_loss(torch.ones(4, 5), torch.ones(4, 5), LABELS[:1]),
    "dkd_loss": lambda: losses.dkd_loss(torch.ones(4, 5), torch.ones(4, 5), LABELS[:1]),
    "accuracy": lambda: evaluation.accuracy(torch.ones(4, 5), LABELS[:, None]),
    "accuracy, rows": lambda: evaluation.accuracy(torch.ones(4, 5), LABELS[:1]),
    "expected_calibration_error": lambda: evaluation.expected_calibration_error(
        torch.ones(4, 1), LABELS[:, None]
    ),
    "paired_bootstrap": lambda: evaluation.paired_bootstrap(torch.ones(4), torch.ones(1)),
}
SENTENCE = r"The shapes \(.*\) and \(.*\) must be equal.*: [a-z].*\.$"


@pytest.mark.parametrize("shapes", BAD.values(), ids=BAD)
@pytest.mark.parametrize("function", PAIRS.values(), ids=PAIRS)
def test_two_shapes_that_differ_are_one_sentence(function, shapes):
    with pytest.raises(ValueError, match=SENTENCE) as error:
        function(*(torch.ones(shape) for shape in shapes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("function", PAIRS.values(), ids=PAIRS)
def test_equal_shapes_are_not_refused(function):
    function(torch.randn(4, 5), torch.randn(4, 5))


@pytest.mark.parametrize("shape", BAD_MASKS, ids=str)
@pytest.mark.parametrize("function", MASKED.values(), ids=MASKED)
def test_a_mask_of_another_shape_is_one_sentence(function, shape):
    with pytest.raises(ValueError, match=SENTENCE):
        function(torch.ones(4, 6, 5), torch.ones(4, 6, 5), torch.ones(shape))


@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_whatever_else_is_paired_wrongly_is_one_sentence(function):
    with pytest.raises(ValueError, match=f"{SENTENCE}|Pairs needed"):
        function()


def test_no_loss_is_left_out():
    """Whatever takes two tensors is in one of the tables above."""
    tested = {name.partition(",")[0].partition("'")[0] for table in (PAIRS, MASKED, OTHERS) for name in table}
    for room in (losses, evaluation):
        for name in room.__all__:
            function = getattr(room, name)
            if inspect.isfunction(function) and name != "same_shape":
                tensors = [
                    p for p in inspect.signature(function).parameters.values() if p.annotation is torch.Tensor
                ]
                assert len(tensors) < 2 or name in tested, name


@pytest.mark.parametrize(
    ("shapes", "part", "en", "zh"),
    [
        (
            ((8, 3), (8, 1)),
            "whole",
            "(8, 3) and (8, 1) must be equal: keep the classes",
            "(8, 3)和(8, 1)必须相同：请只保留",
        ),
        (((8, 3), (4, 3)), "whole", "must be equal: row i of one", "必须相同：一方的第i行"),
        (((8, 3), (8,)), "whole", "must be equal: add or drop", "必须相同：请用unsqueeze"),
        (
            ((8, 3), (4, 5)),
            "first",
            "must be equal in the first dimension: row i",
            "必须相同（第一维）：一方",
        ),
        (
            ((8, 3), (4, 5)),
            "all but last",
            "must be equal but for the last dimension",
            "必须相同（最后一维除外）",
        ),
        (
            ((8, 3), (8, 5)),
            "last",
            "must be equal in the last dimension: keep the",
            "必须相同（最后一维）：请只保留",
        ),
    ],
)
def test_the_sentence_says_what_to_do_in_both_languages(shapes, part, en, zh):
    a, b = (torch.ones(shape) for shape in shapes)
    try:
        for language, sentence in (("en", en), ("zh", zh)):
            use_language(language)
            with pytest.raises(ValueError) as error:
                same_shape(a, b, part)
            assert sentence in str(error.value)
    finally:
        use_language("en")


def test_what_may_differ_is_not_refused():
    same_shape(torch.ones(8, 3), torch.ones(8, 5), "first")
    same_shape(torch.ones(8, 3), torch.ones(8, 5), "all but last")
    same_shape(torch.ones(8, 3), torch.ones(4, 3), "last")
