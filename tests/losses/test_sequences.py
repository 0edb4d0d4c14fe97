"""Sequence losses: masks, micro-batches, top-k against KL, the limits of the JSD, tokenizers, on-policy."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from torch.testing import assert_close

from kd_solutions.losses.response import distillation_kl, soft_targets
from kd_solutions.losses.sequences import (
    accumulated_kd,
    generalized_jsd,
    masked_kd,
    on_policy_loss,
    reverse_kl,
    top_k_kd,
    uld_loss,
)
from tests.soundness import (
    DEVICES,
    DTYPES,
    INF,
    NAN,
    assert_blind_to_hidden,
    assert_sound,
    gradient,
    normal,
)

MASK = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 1, 1]])
TOKENS = torch.tensor([[5, 9, 2, 9], [9, 1, 2, 3], [4, 1, 9, 9]])
EOS = 9
STUDENT, TEACHER = 2 * normal(3, 4, 6), 2 * normal(3, 4, 6, seed=1)

MASKED = {
    "masked_kd": masked_kd,
    "masked_kd at 3": lambda s, t, mask: masked_kd(s, t, mask, 3.0),
    "accumulated_kd": lambda s, t, mask: sum(accumulated_kd(s, t, mask, 2, 3.0)),
    "reverse_kl": reverse_kl,
    "generalized_jsd": lambda s, t, mask: generalized_jsd(s, t, mask=mask),
    "generalized_jsd at 0.9": lambda s, t, mask: generalized_jsd(s, t, 0.9, mask),
}
# each as a function of (N, L, C) logits of student and teacher alone
LOSSES = {
    name: lambda s, t, f=f: f(s, t, MASK[: len(s), : s.shape[1]].to(s.device)) for name, f in MASKED.items()
}
LOSSES |= {
    "top_k_kd": lambda s, t: top_k_kd(
        s, *soft_targets(t.double(), 3.0).topk(min(3, t.shape[-1])), temperature=3.0
    ),
    "uld_loss": lambda s, t: uld_loss(s, t[..., :4]),
    "on_policy_loss": lambda s, t: on_policy_loss(
        s, t, TOKENS[: len(s), : s.shape[1]].to(s.device), prompt_length=1, eos_id=EOS
    ),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
each_masked_loss = pytest.mark.parametrize("loss", MASKED.values(), ids=MASKED.keys())


@each_loss
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_loss_is_a_finite_scalar_with_a_graph_to_the_student_alone(loss, device, dtype, scale):
    for rows, length, classes in [(3, 4, 6), (1, 4, 6), (3, 1, 6), (3, 4, 1), (0, 4, 6)]:
        student, teacher = (
            (scale * normal(rows, length, classes, seed=seed).sign()).to(device, dtype) for seed in (0, 1)
        )
        assert_sound(loss, [student], [teacher])


@each_loss
def test_gradcheck(loss):
    assert torch.autograd.gradcheck(lambda s: loss(s, TEACHER), STUDENT.clone().requires_grad_())


@each_loss
def test_bfloat16_differs_from_float64_by_rounding_only(loss):
    """Even where student and teacher are close, and a difference of rounded probabilities would be noise."""
    student, teacher = (TEACHER + 0.05 * STUDENT).bfloat16(), TEACHER.bfloat16()
    expected = loss(student.double(), teacher.double())
    assert_close(loss(student, teacher).double(), expected, rtol=2**-8, atol=0)


@each_loss
def test_equal_up_to_a_shift_is_no_loss(loss):
    shift = normal(3, 4, 1, seed=2)
    if loss is not LOSSES["uld_loss"]:
        assert_close(loss(TEACHER + shift, TEACHER), torch.zeros((), dtype=torch.float64))
    assert_close(loss(STUDENT + shift, TEACHER - shift), loss(STUDENT, TEACHER))
    assert loss(STUDENT, TEACHER) > 0.01


@each_masked_loss
@pytest.mark.parametrize("device", DEVICES)
def test_what_the_mask_hides_never_matters(loss, device):
    assert_blind_to_hidden(loss, STUDENT.to(device), TEACHER.to(device), MASK.to(device))


@each_masked_loss
def test_it_is_one_mean_over_tokens_not_a_mean_of_the_rows_means(loss):
    tokens = [
        loss(STUDENT[i, j][None, None], TEACHER[i, j][None, None], torch.ones(1, 1))
        for i, j in MASK.nonzero().tolist()
    ]
    assert_close(loss(STUDENT, TEACHER, MASK), torch.stack(tokens).mean())


@each_masked_loss
def test_the_length_of_the_padding_and_the_order_of_rows_and_classes_do_not_matter(loss):
    expected = loss(STUDENT, TEACHER, MASK)
    longer = [F.pad(x, (0, 0, 0, 3), value=NAN) for x in (STUDENT, TEACHER)]
    assert_close(loss(*longer, F.pad(MASK, (0, 3))), expected)
    rows, classes = torch.tensor([2, 0, 1]), torch.tensor([3, 5, 0, 1, 4, 2])
    assert_close(loss(STUDENT[rows][..., classes], TEACHER[rows][..., classes], MASK[rows]), expected)


@each_masked_loss
def test_nothing_kept_is_zero_with_a_graph(loss):
    nothing = torch.full_like(STUDENT, NAN)
    assert loss(nothing, nothing, torch.zeros(3, 4)) == 0
    assert gradient(lambda s: loss(s, nothing, torch.zeros(3, 4)), nothing).eq(0).all()


@each_masked_loss
def test_a_class_that_both_rule_out_counts_nothing(loss):
    wider = [F.pad(x, (0, 2), value=-INF) for x in (STUDENT, TEACHER)]
    assert_close(loss(*wider, MASK), loss(STUDENT, TEACHER, MASK))
    slope = gradient(lambda s: loss(s, wider[1], MASK), wider[0])
    assert_close(slope[..., :6], gradient(lambda s: loss(s, TEACHER, MASK), STUDENT))
    assert slope[..., 6:].eq(0).all()


@pytest.mark.parametrize("loss", [reverse_kl, generalized_jsd])
def test_without_a_mask_every_token_counts(loss):
    assert_close(loss(STUDENT, TEACHER), loss(STUDENT, TEACHER, mask=torch.ones(3, 4)))
    assert_close(loss(STUDENT.flatten(0, 1), TEACHER.flatten(0, 1)), loss(STUDENT, TEACHER))


# masked and accumulated


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_masked_kd_with_everything_kept_is_the_kl_of_all_tokens(temperature):
    expected = distillation_kl(STUDENT.flatten(0, 1), TEACHER.flatten(0, 1), temperature)
    assert_close(masked_kd(STUDENT, TEACHER, torch.ones(3, 4), temperature), expected)


@pytest.mark.parametrize("rows, micro_batches", [(7, 1), (7, 2), (7, 3), (7, 7), (7, 10), (4, 3), (6, 4)])
def test_micro_batches_add_up_to_the_whole_in_value_and_gradient(rows, micro_batches):
    student, teacher = normal(rows, 3, 5), normal(rows, 3, 5, seed=1)
    mask = (normal(rows, 3, seed=2) > 0.2).int()
    mask[0] = 0  # a micro-batch with nothing to count
    student.requires_grad_()
    losses = accumulated_kd(student, teacher, mask, micro_batches, 2.0)
    assert len(losses) == len(student.chunk(micro_batches))
    for loss in losses:
        loss.backward()  # each by itself, without retain_graph
    assert_close(sum(losses), masked_kd(student, teacher, mask, 2.0))
    assert_close(student.grad, gradient(lambda s: masked_kd(s, teacher, mask, 2.0), student))


def test_a_micro_batch_counts_by_its_tokens():
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]])
    first, second = accumulated_kd(STUDENT[:2], TEACHER[:2], mask, 2)
    assert_close(first, 4 / 5 * masked_kd(STUDENT[:1], TEACHER[:1], mask[:1]))
    assert_close(second, 1 / 5 * masked_kd(STUDENT[1:2], TEACHER[1:2], mask[1:]))


# top-k


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_all_classes_kept_is_the_full_kl(temperature, dtype):
    student, teacher = STUDENT.to(dtype), TEACHER.to(dtype)
    values, indices = soft_targets(teacher, temperature).topk(6)
    assert_close(
        top_k_kd(student, values, indices, temperature),
        distillation_kl(student.flatten(0, 1), teacher.flatten(0, 1), temperature),
    )


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_tail_is_one_bucket(temperature):
    p, q = (soft_targets(x[0], temperature) for x in (TEACHER, STUDENT))
    values, indices = p.topk(2)
    kept, rest = p.gather(1, indices), 1 - p.gather(1, indices).sum(1, keepdim=True)
    student_kept = q.gather(1, indices)
    buckets_p = torch.cat([kept, rest], 1)
    buckets_q = torch.cat([student_kept, 1 - student_kept.sum(1, keepdim=True)], 1)
    expected = temperature**2 * entropy(buckets_p.numpy(), buckets_q.numpy(), axis=1).mean()
    assert_close(top_k_kd(STUDENT[0], values, indices, temperature).item(), expected)


def test_more_classes_tell_more_up_to_the_full_kl():
    p = soft_targets(TEACHER)
    losses = [top_k_kd(STUDENT, *p.topk(k)).item() for k in range(1, 7)]
    assert losses == sorted(losses) and losses[0] > 0.01
    assert losses[4] == pytest.approx(losses[5])  # a bucket of one class is that class


def test_the_order_of_the_kept_classes_does_not_matter():
    values, indices = soft_targets(TEACHER).topk(3)
    order = torch.tensor([2, 0, 1])
    expected = top_k_kd(STUDENT, values, indices)
    assert_close(top_k_kd(STUDENT, values[..., order], indices[..., order]), expected)


def test_probabilities_stored_in_bfloat16_are_added_up_exactly():
    student, (values, indices) = (TEACHER + 0.1 * STUDENT).bfloat16(), soft_targets(TEACHER, 9.0).topk(4)
    expected = top_k_kd(student.double(), values.bfloat16().double(), indices, 9.0)
    assert_close(top_k_kd(student, values.bfloat16(), indices, 9.0).double(), expected, rtol=2**-8, atol=0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("total", [1.0, 1.01, 0.99])
def test_rounded_probabilities_are_safe(dtype, total):
    """Probabilities stored in few bits don't add up to 1: too much has no tail, and k = C never has one."""
    student = torch.tensor([[1e4, -1e4, 0.0], [0.0, 1.0, 2.0]], dtype=dtype)
    for k in (1, 2, 3):
        values = torch.full((2, k), total / k, dtype=dtype)
        indices = torch.arange(k).expand(2, k)
        assert assert_sound(lambda s, v, i=indices: top_k_kd(s, v, i), [student], [values]) >= -1e-6


def test_a_kept_probability_of_zero_is_safe():
    student = torch.tensor([[3.0, -1e4, -INF, 0.0]])
    values, indices = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[0, 1, 2]])
    loss = top_k_kd(student, values, indices)
    assert_close(loss, F.cross_entropy(student, torch.tensor([0])))
    assert gradient(lambda s: top_k_kd(s, values, indices), student).isfinite().all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_classes_that_both_mask_leave_no_tail(dtype):
    """As constrained decoding does: all that is left is kept, and its probabilities add up to nearly 1."""
    student, teacher = (
        x.masked_fill(torch.arange(5) > 2, -INF).to(dtype) for x in (normal(4, 5), normal(4, 5, seed=1))
    )
    values, indices = soft_targets(teacher).topk(3)
    expected = distillation_kl(student[:, :3], teacher[:, :3])
    assert_close(
        top_k_kd(student, values, indices),
        expected,
        rtol=2**-6 if dtype == torch.bfloat16 else 1e-4,
        atol=1e-3,
    )
    assert gradient(lambda s: top_k_kd(s, values, indices), student).isfinite().all()


@pytest.mark.parametrize("loss", [lambda t: top_k_kd(STUDENT, *soft_targets(TEACHER).topk(2), temperature=t)])
@pytest.mark.parametrize("temperature", [0.0, -1.0, INF])
def test_a_temperature_must_be_positive(loss, temperature):
    with pytest.raises(ValueError, match="temperature"):
        loss(temperature)
    with pytest.raises(ValueError, match="temperature"):
        masked_kd(STUDENT, TEACHER, MASK, temperature)


# reverse KL and JSD


def test_reverse_kl_is_scipys_and_turns_the_arguments_around():
    q, p = STUDENT.softmax(-1), TEACHER.softmax(-1)
    assert_close(reverse_kl(STUDENT, TEACHER).item(), entropy(q, p, axis=-1).mean())
    assert_close(reverse_kl(STUDENT, TEACHER), distillation_kl(TEACHER.flatten(0, 1), STUDENT.flatten(0, 1)))


def test_reverse_kl_is_infinite_where_the_student_puts_what_the_teacher_rules_out():
    ruled_out = torch.tensor([[0.0, -INF]])
    assert reverse_kl(torch.zeros(1, 2), ruled_out) == INF
    assert_close(reverse_kl(ruled_out, torch.zeros(1, 2)).item(), math.log(2))


def test_at_one_half_the_jsd_is_scipys_and_symmetric():
    q, p = STUDENT.softmax(-1), TEACHER.softmax(-1)
    assert_close(generalized_jsd(STUDENT, TEACHER).item(), (jensenshannon(q, p, axis=-1) ** 2).mean())
    assert_close(generalized_jsd(STUDENT, TEACHER), generalized_jsd(TEACHER, STUDENT))


def test_beta_weighs_the_teacher():
    q, p, beta = STUDENT.softmax(-1).numpy(), TEACHER.softmax(-1).numpy(), 0.2
    m = beta * p + (1 - beta) * q
    expected = (beta * entropy(p, m, axis=-1) + (1 - beta) * entropy(q, m, axis=-1)).mean()
    assert_close(generalized_jsd(STUDENT, TEACHER, beta).item(), expected)
    assert_close(generalized_jsd(STUDENT, TEACHER, 0.2), generalized_jsd(TEACHER, STUDENT, 0.8))


@pytest.mark.parametrize("beta", [1e-5, 1e-6, 1e-7])
def test_near_its_ends_the_jsd_is_a_share_of_a_kl(beta):
    """With an error proportional to beta."""
    forward = distillation_kl(STUDENT.flatten(0, 1), TEACHER.flatten(0, 1))
    backward = reverse_kl(STUDENT, TEACHER)
    assert abs(generalized_jsd(STUDENT, TEACHER, beta) / beta / forward - 1) < 200 * beta
    assert abs(generalized_jsd(STUDENT, TEACHER, 1 - beta) / beta / backward - 1) < 200 * beta


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_the_jsd_is_bounded_by_the_entropy_of_beta(beta):
    bound = -beta * math.log(beta) - (1 - beta) * math.log(1 - beta)
    apart = torch.tensor([[1e4, -1e4]]), torch.tensor([[-1e4, 1e4]])
    assert_close(generalized_jsd(*apart, beta).item(), bound, rtol=1e-6, atol=0)
    assert 0 < generalized_jsd(STUDENT, TEACHER, beta) < bound
    ruled_out = torch.tensor([[0.0, -INF]]), torch.tensor([[-INF, 0.0]])
    assert_close(generalized_jsd(*ruled_out, beta).item(), bound, rtol=1e-6, atol=0)


@pytest.mark.parametrize("beta", [0, 1, 0.0, 1.0, -0.1, 1.1, NAN])
def test_the_ends_of_beta_are_refused(beta):
    with pytest.raises(ValueError, match="beta"):
        generalized_jsd(STUDENT, TEACHER, beta)


# tokenizers
