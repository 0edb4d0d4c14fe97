"""Across languages: pooling, alignment, hubs, sampling, the choice of teachers and rows."""

import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import orthogonal_procrustes
from torch.testing import assert_close

from kd_solutions.data.sampling import language_weights
from kd_solutions.evaluation.retrieval import csls, procrustes, retrieval_accuracy
from kd_solutions.losses.crosslingual import (
    multilingual_mse,
    selective_kd,
    transfer_soft_labels,
    weight_teachers,
)
from kd_solutions.losses.response import average_teachers, distillation_kl, kl_per_row, soft_targets
from kd_solutions.models.pooling import mean_pool
from tests.soundness import DEVICES, DTYPES, INF, NAN, assert_sound, gradient, normal

TARGETS = torch.tensor([0, 3, 1, 1, 2, 0])
# each as a function of student's and teacher's (N, 4)
LOSSES = {
    "multilingual_mse": lambda s, t: multilingual_mse(s, 2 * s, t),
    "transfer_soft_labels": lambda s, t: transfer_soft_labels(t, s, 2.0),
    "transfer_soft_labels, confident": lambda s, t: transfer_soft_labels(t, s, 2.0, 0.6),
    "selective_kd": lambda s, t: selective_kd(
        s, t, (TARGETS[: len(s)] % max(s.shape[1], 1)).to(s.device), temperature=2.0
    ),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


@each_loss
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_a_loss_is_a_finite_scalar_with_a_graph_to_the_student_alone(loss, device, dtype, scale):
    for rows, classes in [(6, 4), (1, 4), (6, 1), (1, 1), (0, 4)]:
        student, teacher = ((scale * normal(rows, classes, seed=seed)).to(device, dtype) for seed in (0, 1))
        assert_sound(loss, [student], [teacher])
        assert_sound(loss, [scale * torch.ones_like(student)], [teacher])


@each_loss
def test_gradcheck(loss):
    assert torch.autograd.gradcheck(lambda s: loss(s, normal(6, 4, seed=1)), normal(6, 4).requires_grad_())


@each_loss
def test_bfloat16_differs_from_float64_by_rounding_only(loss):
    student, teacher = normal(6, 4).bfloat16(), normal(6, 4, seed=1).bfloat16()
    expected = loss(student.double(), teacher.double())
    assert_close(loss(student, teacher).double(), expected, rtol=2**-8, atol=0)


# pooling

HIDDEN, MASK = normal(3, 4, 5), torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 1, 1]])


def test_pooling_is_the_mean_of_the_kept_tokens():
    pooled = mean_pool(HIDDEN, MASK)
    assert_close(pooled[0], HIDDEN[0, :2].mean(0))
    assert_close(pooled[1], torch.zeros(5).double())
    assert_close(pooled[2], HIDDEN[2, [0, 2, 3]].mean(0))
    assert_close(mean_pool(HIDDEN, torch.ones(3, 4)), HIDDEN.mean(1))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rubbish", [NAN, INF, -INF, 1e30])
def test_padding_never_matters_to_pooling(device, rubbish):
    hidden, mask = HIDDEN.to(device), MASK.to(device)
    expected = mean_pool(hidden, mask)
    spoilt = hidden.masked_fill(mask[..., None] == 0, rubbish)
    for dtype in (torch.bool, torch.int64, torch.float32, torch.uint8):
        assert_close(mean_pool(spoilt, mask.to(dtype)), expected)
    longer = F.pad(spoilt, (0, 0, 0, 3), value=rubbish)
    assert_close(mean_pool(longer, F.pad(mask, (0, 3))), expected)
    slope = gradient(lambda h: mean_pool(h, mask).sum(), spoilt)
    assert_close(slope, (mask / mask.sum(1, keepdim=True).clamp(min=1))[..., None].expand(3, 4, 5).double())


@pytest.mark.parametrize("dtype", [torch.float16, *DTYPES], ids=str)
def test_pooling_keeps_the_dtype_and_the_precision(dtype):
    hidden = (30_000 + 1000 * normal(2, 300, 3)).to(dtype)  # the sum overflows float16
    pooled = mean_pool(hidden, torch.ones(2, 300))
    assert pooled.dtype == dtype
    assert_close(pooled.double(), hidden.double().mean(1), rtol=torch.finfo(dtype).eps * 8, atol=0)


# alignment


def test_multilingual_mse_is_the_mean_of_two():
    source, target, teacher = (normal(6, 4, seed=seed) for seed in range(3))
    expected = (F.mse_loss(source, teacher) + F.mse_loss(target, teacher)) / 2
    assert_close(multilingual_mse(source, target, teacher), expected)
    assert multilingual_mse(teacher, teacher, teacher) == 0
    assert_close(multilingual_mse(teacher, teacher + 2, teacher).item(), 2.0)


def test_multilingual_mse_trains_both_sides():
    source, target, teacher = (normal(6, 4, seed=seed) for seed in range(3))
    assert_sound(multilingual_mse, [source, target], [teacher])
    assert_close(
        gradient(lambda t: multilingual_mse(source, t, teacher), target), (target - teacher) / source.numel()
    )


@pytest.mark.parametrize("device", DEVICES)
def test_retrieval_worked_by_hand(device):
    source = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], device=device)
    target = torch.tensor([[5.0, 0.1], [9.0, 0.0], [0.3, 0.3]], device=device)
    # forward, row 0 finds target 1 and row 1 target 2; backward, target 1 finds row 0; the rest is right
    assert retrieval_accuracy(source, target) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert retrieval_accuracy(target, source) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert all(type(share) is float for share in retrieval_accuracy(source, target))


def test_a_tie_is_a_miss():
    assert retrieval_accuracy(torch.ones(4, 3), torch.ones(4, 3)) == (0.0, 0.0)
    source, target = torch.eye(3), torch.eye(3)[[0, 0, 2]]
    assert retrieval_accuracy(source, target) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    collapsed = normal(1, 64, dtype=torch.float32).expand(50, 64)
    assert retrieval_accuracy(normal(50, 64, dtype=torch.float32), collapsed)[0] == 0.0
    assert retrieval_accuracy(torch.zeros(4, 3), torch.ones(4, 3)) == (0.0, 0.0)


def test_a_tie_but_for_rounding_is_a_miss():
    for seed in range(20):
        one_direction = torch.tensor([[1.0], [3.0]]).double() * normal(1, 64, seed=seed)
        assert retrieval_accuracy(one_direction, one_direction) == (0.0, 0.0)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_retrieval_is_by_cosine_and_blind_to_order_and_length(dtype):
    target = normal(40, 16)
    source = (target + 0.8 * normal(40, 16, seed=1)).to(dtype)
    target, order = target.to(dtype), normal(40, seed=2).argsort()
    lengths = 2.0 ** torch.arange(40).sub(20).to(dtype)[:, None]
    expected = retrieval_accuracy(source, target)
    assert 0.5 < expected[0] < 1
    assert retrieval_accuracy(lengths * source, target / lengths) == expected
    assert retrieval_accuracy(source[order], target[order]) == pytest.approx(expected)
    assert retrieval_accuracy(source[order], source) != expected
    assert retrieval_accuracy(source, source) == (1.0, 1.0)


# hubs


def csls_by_loops(source, target, k):
    def cos(x, y):
        return F.cosine_similarity(x, y, dim=0).item()

    def nearest(x, others):
        best = sorted((cos(x, y) for y in others), reverse=True)[:k]
        return sum(best) / len(best)

    return torch.tensor(
        [[2 * cos(x, y) - nearest(x, target) - nearest(y, source) for y in target] for x in source]
    ).to(source.dtype)


@pytest.mark.parametrize(
    "rows, columns, k", [(5, 7, 3), (7, 5, 1), (4, 6, 5), (6, 4, 100), (1, 3, 10), (1, 1, 1)]
)
def test_csls_written_out(rows, columns, k):
    source, target = normal(rows, 4), normal(columns, 4, seed=1)
    assert_close(csls(source, target, k), csls_by_loops(source, target, k), rtol=1e-5, atol=1e-6)
    assert_close(csls(target, source, k), csls(source, target, k).T)


def test_csls_looks_at_ten_neighbours_unless_told():
    source, target = normal(30, 4), normal(20, 4, seed=1)
    assert_close(csls(source, target), csls(source, target, k=10))
    assert not torch.allclose(csls(source, target), csls(source, target, k=9))


def test_csls_takes_the_crown_from_a_hub():
    """Target 0 is close to every source; each source's own target is a little farther."""
    source = F.normalize(torch.eye(4) + 1.0, dim=1)
    target = torch.cat([torch.ones(1, 4), torch.eye(4)])
    assert (F.cosine_similarity(source[:, None], target[None], dim=-1).argmax(1) == 0).all()
    assert csls(source, target, k=4).argmax(1).tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_csls_is_blind_to_length_and_safe_with_zeros(device, dtype):
    source, target = (normal(5, 4, seed=seed).to(device, dtype) for seed in (0, 1))
    assert csls(source, target, 2).dtype == dtype
    assert_close(csls(8 * source, target / 1024, 2), csls(source, target, 2))
    source[0] = 0
    assert csls(source, target, 2).isfinite().all()


# procrustes


def rotation(width, seed):
    return torch.linalg.qr(normal(width, width, seed=seed))[0]


@pytest.mark.parametrize("reflected", [False, True])
@pytest.mark.parametrize("device", DEVICES)
def test_procrustes_recovers_a_planted_rotation_or_reflection(reflected, device):
    planted = rotation(5, 7).to(device)
    if reflected == (torch.linalg.det(planted) > 0).item():
        planted[0] *= -1
    source = normal(20, 5).to(device)
    assert_close(procrustes(source, source @ planted), planted)
    assert_close(procrustes(0.01 * source, 300 * source @ planted), planted)


def test_procrustes_is_scipys_and_no_rotation_is_better():
    source, target = normal(9, 4), normal(9, 4, seed=1)
    w = procrustes(source, target)
    assert_close(w, torch.from_numpy(orthogonal_procrustes(source.numpy(), target.numpy())[0]))
    assert_close(w.T @ w, torch.eye(4).double())
    best = (source @ w - target).norm()
    assert all((source @ rotation(4, seed) - target).norm() > best for seed in range(50))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_procrustes_is_orthogonal_even_for_few_rows(dtype):
    for rows in (0, 1, 2, 5):
        w = procrustes(normal(rows, 4).to(dtype), normal(rows, 4, seed=1).to(dtype))
        assert w.dtype == dtype
        assert_close((w.T @ w).double(), torch.eye(4).double(), rtol=0, atol=16 * torch.finfo(dtype).eps)


# sampling


def test_languages_are_drawn_by_a_power_of_their_size():
    counts = {"de": 32_000, "et": 1_000}
    weights = language_weights(counts, alpha=0.5)
    assert weights["de"] / weights["et"] == pytest.approx(32**0.5)
    assert list(weights) == ["de", "et"]
    assert sum(weights.values()) == pytest.approx(1)
    assert language_weights(counts) == language_weights(counts, alpha=0.3)
    assert language_weights(counts, alpha=1.0)["de"] == pytest.approx(32 / 33)
    assert counts == {"de": 32_000, "et": 1_000}


def test_alpha_of_zero_is_fair_to_all_that_have_data():
    weights = language_weights({"de": 32_000, "et": 1, "xx": 0}, alpha=0)
    assert weights == {"de": 0.5, "et": 0.5, "xx": 0}


@pytest.mark.parametrize("alpha", [0, 0.3, 1.0])
def test_without_data_a_language_is_never_drawn(alpha):
    assert language_weights({"de": 5, "xx": 0}, alpha) == {"de": 1, "xx": 0}
    assert language_weights({"xx": 0, "yy": 0}, alpha) == {"xx": 0, "yy": 0}
    assert language_weights({}, alpha) == {}


# the choice of rows and teachers


def test_soft_labels_cross_over_to_the_translation():
    student, teacher = normal(6, 4), normal(6, 4, seed=1)
    assert_close(transfer_soft_labels(teacher, student, 2.0), distillation_kl(student, teacher, 2.0))
    assert_close(transfer_soft_labels(teacher, student), distillation_kl(student, teacher))
    assert abs(transfer_soft_labels(student, teacher) - distillation_kl(student, teacher)) > 1e-3


def test_only_rows_that_reach_the_confidence_count():
    probabilities = torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.4, 0.6]]).double()
    teacher, student = probabilities.log(), normal(4, 2)
    rows = kl_per_row(student, teacher, 3.0)
    for confidence, kept in [(0.0, [0, 1, 2, 3]), (0.5, [0, 1, 2, 3]), (0.55, [0, 2, 3]), (0.85, [0])]:
        assert_close(transfer_soft_labels(teacher, student, 3.0, confidence), rows[kept].mean())
    assert transfer_soft_labels(teacher, student, 3.0, 0.95) == 0
    assert gradient(lambda s: transfer_soft_labels(teacher, s, 3.0, 0.95), student).eq(0).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_confidence_is_reached_by_exactly_so_much(dtype):
    teacher, student = torch.zeros(1, 2, dtype=dtype), torch.tensor([[1.0, 0.0]], dtype=dtype)
    assert transfer_soft_labels(teacher, student, min_confidence=0.5) > 0
    assert transfer_soft_labels(1e4 * student, -student, min_confidence=1.0) > 0
    assert transfer_soft_labels(teacher[:, :1], student[:, :1], min_confidence=1.0) == 0


def test_confidence_and_choice_are_not_rounded_to_bfloat16():
    teacher, student = torch.tensor([[0.4, 0.0]]).bfloat16(), torch.zeros(1, 2).bfloat16()
    assert 0.598 < teacher.double().softmax(1).max() < 0.599  # one number in bfloat16
    assert transfer_soft_labels(teacher, student, min_confidence=0.598) > 0
    assert transfer_soft_labels(teacher, student, min_confidence=0.599) == 0
    student, teacher = torch.tensor([[[8.0, 0.0]], [[8.0, 0.01]]]).bfloat16()
    target = torch.tensor([1])
    assert selective_kd(student, teacher, target, 4.0) > 0 == selective_kd(teacher, student, target, 4.0)


def test_teachers_are_weighted_by_a_softmax_of_similarities():
    teachers, similarities = normal(3, 5, 4), torch.tensor([0.3, -1.0, 2.0]).double()
    weights = similarities.exp() / similarities.exp().sum()
    expected = sum(w * soft_targets(t, 2.0) for w, t in zip(weights, teachers, strict=True))
    assert_close(weight_teachers(teachers, similarities, 2.0), expected)
    assert_close(weight_teachers(teachers, similarities + 5, 2.0), expected)
    assert_close(weight_teachers(teachers, similarities, 1.0), weight_teachers(teachers, similarities))
    assert_close(weight_teachers(teachers, similarities).sum(-1), torch.ones(5).double())


def test_equal_similarities_average_and_a_large_one_decides():
    teachers = normal(3, 5, 4)
    assert_close(weight_teachers(teachers, torch.full((3,), 0.7)), average_teachers(teachers))
    assert_close(weight_teachers(teachers, torch.tensor([0.0, 1e4, -1e4])), soft_targets(teachers[1]))
    order = [2, 0, 1]
    similarities = normal(3, seed=3)
    assert_close(
        weight_teachers(teachers[order], similarities[order]), weight_teachers(teachers, similarities)
    )


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_weighted_teachers_keep_the_dtype_and_get_no_gradient(device, dtype):
    teachers = (1e4 * normal(3, 5, 4).sign()).to(device, dtype).requires_grad_()
    mixed = weight_teachers(teachers, torch.tensor([1e4, -1e4, 0.0], device=device), 2.0)
    assert mixed.dtype == dtype and mixed.isfinite().all() and not mixed.requires_grad
    teachers, similarities = normal(3, 50, 4).to(device, dtype), normal(3, seed=1).to(device)
    exact = weight_teachers(teachers.double(), similarities)
    assert_close(weight_teachers(teachers, similarities), exact.to(dtype), rtol=1e-6, atol=0)


def test_a_student_learns_only_where_the_teacher_knows_better():
    student, teacher = normal(6, 4), normal(6, 4, seed=1)
    rows = torch.arange(6)
    better = teacher.log_softmax(1)[rows, TARGETS] > student.log_softmax(1)[rows, TARGETS]
    assert 0 < better.sum() < 6
    for temperature in (1.0, 4.0):
        loss = selective_kd(student, teacher, TARGETS, temperature)
        assert_close(loss, distillation_kl(student[better], teacher[better], temperature))
    slope = gradient(lambda s: selective_kd(s, teacher, TARGETS, 4.0), student)
    assert torch.equal(slope.ne(0).any(1), better)
    assert_close(selective_kd(student, teacher, TARGETS), selective_kd(student, teacher, TARGETS, 1.0))


def test_the_choice_is_made_at_temperature_one():
    """The second is sure that it isn't class 2, which counts for more when both are flattened."""
    better, worse, target = torch.tensor([[2.0, 0, 0]]), torch.tensor([[0.0, 0.1, -30]]), torch.tensor([0])
    assert F.cross_entropy(better, target) < F.cross_entropy(worse, target)
    assert F.cross_entropy(better / 20, target) > F.cross_entropy(worse / 20, target)
    assert selective_kd(worse, better, target, 20.0) > 0
    assert selective_kd(better, worse, target, 20.0) == 0


def test_a_student_that_is_as_good_or_better_has_nothing_to_learn():
    teacher = normal(6, 4)
    for student in (teacher, teacher + 5 * F.one_hot(TARGETS, 4)):
        assert selective_kd(student, teacher, TARGETS) == 0
        assert gradient(lambda s: selective_kd(s, teacher, TARGETS), student).eq(0).all()
    flipped = teacher[:, [1, 0, 2, 3]]
    assert selective_kd(flipped[4:5], teacher[4:5], torch.tensor([2])) == 0  # equally good, yet different
