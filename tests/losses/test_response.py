"""Response-based losses: identities, limits, invariances, gradients and edge cases."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from kd_solutions.losses.crosslingual import selective_kd
from kd_solutions.losses.response import (
    dist_loss,
    distillation_kl,
    dkd_loss,
    kd_gradient,
    kd_loss,
    kl_per_row,
    logit_mse,
    soft_cross_entropy,
    soft_targets,
)

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
SHAPES = [(5, 7), (1, 7), (5, 1), (1, 1), (4, 2), (0, 3)]
INF = math.inf

# each as a function of student, teacher and targets
LOSSES = {
    "soft_cross_entropy": lambda s, t, y: soft_cross_entropy(s, t),
    "soft_cross_entropy at 4": lambda s, t, y: soft_cross_entropy(s, t, 4.0),
    "distillation_kl": lambda s, t, y: distillation_kl(s, t),
    "distillation_kl at 4": lambda s, t, y: distillation_kl(s, t, 4.0),
    "kd_loss": kd_loss,
    "kd_loss, hard only": lambda s, t, y: kd_loss(s, t, y, alpha=0.0),
    "kd_loss, soft only": lambda s, t, y: kd_loss(s, t, y, alpha=1.0),
    "logit_mse": lambda s, t, y: logit_mse(s, t),
    "dkd_loss": dkd_loss,
    "dist_loss": lambda s, t, y: dist_loss(s, t),
    "dist_loss at 4": lambda s, t, y: dist_loss(s, t, temperature=4.0),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def logits(rows=6, classes=5, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows, classes, generator=generator, dtype=torch.float64)


def labels(rows=6, classes=5):
    return torch.randint(classes, (rows,), generator=torch.Generator().manual_seed(2))


def gradient(loss, student):
    student = student.clone().requires_grad_()
    return torch.autograd.grad(loss(student), student)[0]


@each_loss
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_loss_is_a_finite_scalar_with_a_graph_to_the_student_alone(loss, device, dtype, scale):
    for rows, classes in SHAPES:
        student, teacher = (
            (scale * logits(rows, classes, seed).clamp(-1, 1)).to(device, dtype).requires_grad_()
            for seed in (0, 1)
        )
        before = student.detach().clone(), teacher.detach().clone()
        value = loss(student, teacher, labels(rows, classes).to(device))
        value.backward()
        assert value.shape == () and value.dtype == dtype and value.isfinite(), (rows, classes)
        assert student.grad.isfinite().all(), (rows, classes)
        assert rows or value.item() == 0
        assert teacher.grad is None
        assert torch.equal(student, before[0]) and torch.equal(teacher, before[1])


@each_loss
def test_gradcheck(loss):
    assert torch.autograd.gradcheck(
        lambda student: loss(student, logits(seed=1), labels()), logits().requires_grad_()
    )


@each_loss
def test_the_order_of_rows_and_of_classes_does_not_matter(loss):
    student, teacher, target = logits(), logits(seed=1), labels()
    rows, classes = torch.tensor([3, 1, 5, 0, 2, 4]), torch.tensor([2, 0, 4, 1, 3])
    expected = loss(student, teacher, target)
    assert_close(loss(student[rows], teacher[rows], target[rows]), expected)
    assert_close(loss(student[:, classes], teacher[:, classes], classes.argsort()[target]), expected)


@each_loss
def test_a_shift_of_a_row_does_not_matter(loss):
    student, teacher, target = logits(), logits(seed=1), labels()
    shift = logits(6, 1, seed=3, scale=5.0)
    expected = loss(student, teacher, target)
    assert_close(loss(student + shift, teacher - 2 * shift, target), expected)


@each_loss
def test_bfloat16_differs_from_float64_by_rounding_only(loss):
    student, teacher = logits().bfloat16(), logits(seed=1).bfloat16()
    expected = loss(student.double(), teacher.double(), labels())
    assert_close(loss(student, teacher, labels()).double(), expected, rtol=2**-7, atol=0)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"dist_loss", "dist_loss at 4"}))
def test_a_batch_loss_is_the_mean_of_its_rows_losses(name):
    student, teacher, target = logits(), logits(seed=1), labels()
    rows = [LOSSES[name](student[i : i + 1], teacher[i : i + 1], target[i : i + 1]) for i in range(6)]
    assert_close(LOSSES[name](student, teacher, target), torch.stack(rows).mean())


@pytest.mark.parametrize(
    "name", ["soft_cross_entropy", "distillation_kl", "kd_loss", "dkd_loss", "dist_loss"]
)
def test_a_class_masked_in_both_counts_nothing(name):
    student, teacher, target = logits(), logits(seed=1), labels(classes=4)
    masked = torch.full((6, 1), -INF, dtype=torch.float64)
    loss, keep = LOSSES[name], student[:, :4]

    def masked_loss(s):
        return loss(torch.cat([s, masked], 1), torch.cat([teacher[:, :4], masked], 1), target)

    assert_close(masked_loss(keep), loss(keep, teacher[:, :4], target))
    assert_close(gradient(masked_loss, keep), gradient(lambda s: loss(s, teacher[:, :4], target), keep))


@pytest.mark.parametrize("name", ["soft_cross_entropy", "distillation_kl", "kd_loss", "dkd_loss"])
@pytest.mark.parametrize("left", [1, 2])
def test_a_row_that_masks_all_classes_but_one_or_two_costs_what_these_do(name, left):
    """As constrained decoding does; where the target alone is left, nothing is to be learned."""
    student, teacher, target = logits(), logits(seed=1), torch.zeros(6, dtype=torch.long)
    masked = torch.arange(5) >= left
    loss = LOSSES[name]

    def masked_loss(s):
        whole = torch.cat([s, student[:, left:]], 1).masked_fill(masked, -INF)
        return loss(whole, teacher.masked_fill(masked, -INF), target)

    expected = loss(student[:, :left], teacher[:, :left], target)
    assert_close(masked_loss(student[:, :left]), expected)
    slope = gradient(lambda s: loss(s, teacher[:, :left], target), student[:, :left])
    assert_close(gradient(masked_loss, student[:, :left]), slope)


def test_a_mask_may_differ_from_row_to_row():
    student, teacher = logits(), logits(seed=1)
    masked = torch.eye(6, 5, dtype=torch.bool)
    value = dist_loss(student.masked_fill(masked, -INF), teacher.masked_fill(masked, -INF))
    q, p = (x.masked_fill(masked, -INF).softmax(1) for x in (student, teacher))
    rows = [torch.corrcoef(torch.stack([q[i], p[i]])[:, ~masked[i]])[0, 1] for i in range(6)]
    columns = [torch.corrcoef(torch.stack([q[:, j], p[:, j]])[:, ~masked[:, j]])[0, 1] for j in range(5)]
    assert_close(value, 2 - torch.stack(rows).mean() - torch.stack(columns).mean())


@each_loss
def test_a_teacher_or_student_that_is_no_number_costs_no_number(loss):
    """A validation loss has no gradient that would tell."""
    for at in ((0, 0), (5, 4)):
        broken = logits(seed=1).index_put(tuple(map(torch.tensor, at)), torch.tensor(math.nan).double())
        assert loss(logits(), broken, labels()).isnan() or loss is LOSSES["kd_loss, hard only"]
        assert loss(broken, logits(), labels()).isnan()


# rows without a label

LABELLED = {
    "kd_loss": kd_loss,
    "kd_loss, hard only": lambda s, t, y: kd_loss(s, t, y, alpha=0.0),
    "dkd_loss": dkd_loss,
    "selective_kd": selective_kd,
}


@pytest.mark.parametrize("name", LABELLED)
def test_a_row_without_a_label_is_left_out_of_what_needs_one(name):
    student, teacher, target = logits(), logits(seed=1), labels()
    some = torch.tensor([True, False, True, True, False, False])
    partly, loss = target.masked_fill(~some, -100), LABELLED[name]

    def of_the_labelled(s):
        if name == "kd_loss":  # whose soft term needs no label
            soft = distillation_kl(s, teacher, 4.0)
            return 0.5 * soft + 0.5 * F.cross_entropy(s, partly)
        return loss(s[some], teacher[some], target[some])

    assert_close(loss(student, teacher, partly), of_the_labelled(student))
    assert_close(gradient(lambda s: loss(s, teacher, partly), student), gradient(of_the_labelled, student))


@pytest.mark.parametrize("name", sorted(LABELLED.keys() - {"kd_loss"}))
def test_no_label_at_all_is_zero_with_a_graph(name):
    nothing = torch.full((6,), -100)
    assert LABELLED[name](logits(), logits(seed=1), nothing).item() == 0
    assert gradient(lambda s: LABELLED[name](s, logits(seed=1), nothing), logits()).eq(0).all()


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_term_of_weight_0_may_be_infinite(alpha):
    student, teacher, target = logits(), logits(seed=1), labels()
    student[0, target[0]] = -INF  # which both the teacher and the label use
    other = student.clone()
    other[0, target[0]] = 0.0
    if alpha == 0:
        target = torch.full((6,), 0) + (target[0] == 0)  # the label doesn't, the teacher does
    else:
        teacher[0, target[0]] = -INF  # the teacher doesn't, the label does
    value = kd_loss(student, teacher, target, alpha=alpha)
    expected = F.cross_entropy(student, target) if alpha == 0 else distillation_kl(student, teacher, 4.0)
    assert_close(value, expected)
    assert value.isfinite() and not kd_loss(student, teacher, target, alpha=0.5).isfinite()
    assert gradient(lambda s: kd_loss(s, teacher, target, alpha=alpha), student).isfinite().all()


# soft targets


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_soft_targets_are_a_softmax_of_the_quotient(device, dtype):
    values = logits().to(device, dtype)
    assert soft_targets(values, 3.0).dtype == dtype
    assert_close(soft_targets(values, 3.0), (values.double() / 3).softmax(-1).to(dtype))


def test_soft_targets_sharpen_and_flatten():
    values = logits()
    assert_close(soft_targets(values, 1e-3), F.one_hot(values.argmax(-1), 5).double())
    assert_close(soft_targets(values, 1e9), torch.full_like(values, 0.2))


def test_half_precision_overflows_nowhere_inside_kd_loss():
    signs = torch.ones(64, 7, dtype=torch.float16)
    signs[:, 0] = -1
    student, targets = (3e3 * signs).requires_grad_(), torch.zeros(64, dtype=torch.long)
    hard = kd_loss(student, student.detach(), targets, alpha=0.0)  # the sum over 64 rows is past float16
    assert hard.dtype == torch.float16 and hard.item() == pytest.approx(6e3, rel=1e-2)
    soft = kd_loss(3 * student, 3 * student.detach(), targets, alpha=1.0)
    soft.backward()
    assert soft.item() == 0 and student.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [0, -1.0, math.nan, math.inf])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match="temperature"):
        soft_targets(logits(), temperature)
    with pytest.raises(ValueError, match="temperature"):
        distillation_kl(logits(), logits(), temperature)


# cross-entropy and KL


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_cross_entropy_is_kl_plus_the_teachers_entropy(temperature):
    student, teacher = logits(), logits(seed=1)
    entropy = torch.distributions.Categorical(logits=teacher / temperature).entropy().mean()
    expected = distillation_kl(student, teacher, temperature) / temperature**2 + entropy
    assert_close(soft_cross_entropy(student, teacher, temperature), expected)
    assert_close(soft_cross_entropy(student, teacher), F.cross_entropy(student, teacher.softmax(-1)))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kl_is_torchs_with_batchmean(temperature):
    student, teacher = logits(), logits(seed=1)
    log_q, log_p = (student / temperature).log_softmax(-1), (teacher / temperature).log_softmax(-1)
    expected = temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    assert_close(distillation_kl(student, teacher, temperature), expected)
    assert_close(kl_per_row(student, teacher, temperature).mean(), expected)


@given(
    rows=st.lists(st.lists(st.floats(-30, 30), min_size=4, max_size=4), min_size=1, max_size=4),
    shift=st.floats(-100, 100),
    temperature=st.floats(0.5, 20),
)
@settings(max_examples=60, deadline=None)
def test_kl_is_zero_for_a_shift_and_never_negative(rows, shift, temperature):
    teacher = torch.tensor(rows, dtype=torch.float64)
    assert distillation_kl(teacher, teacher, temperature) == 0
    assert abs(distillation_kl(teacher + shift, teacher, temperature).item()) < 1e-9
    assert distillation_kl(teacher.roll(1, dims=1), teacher, temperature) >= -1e-9


def test_kl_notices_a_difference_in_one_row():
    teacher = logits()
    student = teacher.clone()
    student[3, 1] += 0.1
    assert distillation_kl(student, teacher) > 1e-6


def test_kl_is_infinite_where_the_student_rules_out_what_the_teacher_does_not():
    student = torch.tensor([[0.0, -INF]])
    assert distillation_kl(student, torch.zeros(1, 2)) == INF
    assert distillation_kl(torch.zeros(1, 2), student).item() == pytest.approx(math.log(2))


# hard and soft


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 0.3, 1 - 1e-9, 1.0])
def test_kd_loss_mixes_and_is_continuous_in_alpha(alpha):
    student, teacher, target = logits(), logits(seed=1), labels()
    expected = alpha * distillation_kl(student, teacher, 3.0) + (1 - alpha) * F.cross_entropy(student, target)
    assert_close(kd_loss(student, teacher, target, temperature=3.0, alpha=alpha), expected)


# the gradient by hand, and the large-T limit


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 100.0])
def test_kd_gradient_is_what_autograd_finds(device, temperature):
    student, teacher = logits().to(device), logits(seed=1).to(device)
    by_hand = kd_gradient(student.requires_grad_(), teacher, temperature)
    assert_close(by_hand, gradient(lambda s: distillation_kl(s, teacher, temperature), student.detach()))
    assert not by_hand.requires_grad
    assert by_hand.sum(-1).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_kd_gradient_keeps_dtype_and_stays_finite(dtype):
    student, teacher = (1e4 * logits(seed=seed).clamp(-1, 1).to(dtype) for seed in (0, 1))
    by_hand = kd_gradient(student, teacher, 4.0)
    assert by_hand.dtype == dtype and by_hand.isfinite().all()


def test_kl_tends_to_logit_mse_with_an_error_of_one_over_t():
    student, teacher = logits(), logits(seed=1)
    limit = logit_mse(student, teacher)
    errors = [(distillation_kl(student, teacher, t) / limit - 1).abs().item() for t in (1e2, 1e3, 1e4)]
    assert errors[0] < 0.05
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.1)


def test_the_gradient_tends_to_the_centred_difference():
    difference = logits() - logits(seed=1)
    centred = difference - difference.mean(-1, keepdim=True)
    assert_close(kd_gradient(logits(), logits(seed=1), 1e5), centred / (5 * 6), rtol=1e-3, atol=1e-6)


def test_logit_mse_by_hand():
    assert logit_mse(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])).item() == 0.5
    assert logit_mse(torch.tensor([[3.0, 3.0]]), torch.tensor([[0.0, 0.0]])).item() == 0.0


# decoupled
