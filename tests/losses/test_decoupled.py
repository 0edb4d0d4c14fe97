"""Target and non-target class apart, correlations, and teachers made of labels or of several."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from kd_solutions.losses.response import (
    average_teachers,
    dist_loss,
    distillation_kl,
    dkd_loss,
    smooth_labels,
    soft_targets,
)
from tests.losses.test_response import DTYPES, gradient, labels, logits


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_dkd_with_beta_one_minus_p_is_kl_row_by_row(temperature):
    student, teacher, target = logits(20), logits(20, seed=1), labels(20)
    p_target = soft_targets(teacher, temperature).gather(1, target[:, None])
    for row in range(20):
        s, t, y = student[row : row + 1], teacher[row : row + 1], target[row : row + 1]
        decoupled = dkd_loss(s, t, y, beta=1 - p_target[row].item(), temperature=temperature)
        assert_close(decoupled, distillation_kl(s, t, temperature), rtol=1e-12, atol=1e-13)


def test_dkd_is_linear_in_both_weights():
    student, teacher, target = logits(), logits(seed=1), labels()
    target_term = dkd_loss(student, teacher, target, alpha=1.0, beta=0.0)
    other_term = dkd_loss(student, teacher, target, alpha=0.0, beta=1.0)
    assert_close(dkd_loss(student, teacher, target, alpha=2.0, beta=3.0), 2 * target_term + 3 * other_term)


def test_the_other_term_ignores_the_target_and_the_target_term_ignores_how_others_share():
    student, teacher, target = logits(), logits(seed=1), labels()
    at_target = F.one_hot(target, 5).double()
    assert_close(
        dkd_loss(student + 7 * at_target, teacher, target, alpha=0.0),
        dkd_loss(student, teacher, target, alpha=0.0),
    )
    reversed_others = torch.stack(
        [
            row.scatter(0, (others := (row_target == 0).nonzero()[:, 0]), row[others].flip(0))
            for row, row_target in zip(student, at_target, strict=True)
        ]
    )
    assert_close(
        dkd_loss(reversed_others, teacher, target, beta=0.0), dkd_loss(student, teacher, target, beta=0.0)
    )


def test_with_two_classes_nothing_is_left_among_the_others():
    student, teacher, target = logits(classes=2), logits(classes=2, seed=1), labels(classes=2)
    assert dkd_loss(student, teacher, target, alpha=0.0, beta=8.0) == 0
    assert gradient(lambda s: dkd_loss(s, teacher, target, alpha=0.0), student).abs().max() == 0
    assert_close(dkd_loss(student, teacher, target), distillation_kl(student, teacher, 4.0))


# correlations


def pearson(a, b, dim):
    """By torch.corrcoef, one pair at a time."""
    pairs = zip(a.unbind(1 - dim), b.unbind(1 - dim), strict=True)
    return torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_dist_is_one_minus_the_correlation_of_rows_and_columns(temperature):
    student, teacher = logits(), logits(seed=1)
    q, p = soft_targets(student, temperature), soft_targets(teacher, temperature)
    inter, intra = 1 - pearson(q, p, dim=1).mean(), 1 - pearson(q, p, dim=0).mean()
    expected = temperature**2 * (2 * inter + 3 * intra)
    assert_close(dist_loss(student, teacher, beta=2.0, gamma=3.0, temperature=temperature), expected)


def test_dist_is_zero_for_equals_and_two_a_term_for_opposites():
    teacher = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.5, 0.0]], dtype=torch.float64)
    assert_close(dist_loss(teacher, teacher).item(), 0.0)
    assert_close(dist_loss(teacher.flip(1), teacher).item(), 4.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("classes", [3, 12, 23, 39])  # where a mean of equals is not quite their value
def test_a_constant_row_or_column_has_correlation_zero_and_a_finite_gradient(dtype, classes):
    teacher = logits(4, classes, seed=1).to(dtype)
    for constant in (torch.zeros(4, classes, dtype=dtype), torch.full((4, classes), 0.3, dtype=dtype)):
        assert dist_loss(constant, teacher).item() == 2
        assert dist_loss(teacher, constant).item() == 2
        assert dist_loss(constant, constant).item() == 2
        assert gradient(lambda s: dist_loss(s, teacher), constant).isfinite().all()
    one_flat_row = teacher.clone()
    one_flat_row[0] = 0
    assert_close(dist_loss(one_flat_row, teacher, gamma=0.0).item(), 0.25)
    same_rows = teacher[:1].expand(4, -1)
    assert_close(dist_loss(same_rows, teacher, beta=0.0).item(), 1.0)


def test_dist_sees_a_small_variation_that_is_not_rounding():
    nearly_flat = 1e-4 * logits().float()
    assert dist_loss(nearly_flat, nearly_flat.clone()).item() == pytest.approx(0, abs=1e-3)


# teachers without a network, and many of them


def test_smooth_labels_are_torchs():
    target = labels()
    smooth = smooth_labels(target, 5, 0.2)
    assert smooth.dtype == torch.get_default_dtype() and smooth.shape == (6, 5)
    assert_close(smooth.sum(-1), torch.ones(6))
    student = logits().float()
    assert_close(F.cross_entropy(student, smooth), F.cross_entropy(student, target, label_smoothing=0.2))
    assert_close(smooth_labels(target, 5, 0), F.one_hot(target, 5).float())
    assert_close(smooth_labels(target, 5, 1.0), torch.full((6, 5), 0.2))
    assert_close(smooth_labels(torch.tensor([0]), 2), torch.tensor([[0.95, 0.05]]))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_average_teachers_averages_probabilities(dtype):
    teachers = torch.stack([logits(seed=seed) for seed in range(3)]).to(dtype)
    expected = torch.stack([soft_targets(teacher.double(), 2.0) for teacher in teachers]).mean(0)
    average = average_teachers(teachers, 2.0)
    assert average.dtype == dtype and average.shape == (6, 5)
    assert_close(average, expected.to(dtype))
    assert not average_teachers(teachers.requires_grad_()).requires_grad


def test_two_sure_and_opposed_teachers_are_undecided():
    opposed = torch.tensor([[[1e4, -1e4]], [[-1e4, 1e4]]])
    assert_close(average_teachers(opposed), torch.tensor([[0.5, 0.5]]))
    assert_close(average_teachers(opposed[:1]), torch.tensor([[1.0, 0.0]]))
