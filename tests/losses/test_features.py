"""Feature losses: what each is blind to, formulas written out as loops, degenerate batches."""

import math
from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import cdist
from torch import nn
from torch.testing import assert_close

from kd_solutions.losses.features import (
    attention_transfer,
    contrastive_kd,
    hint_loss,
    layer_map,
    minilm_relation,
    rkd_angle,
    rkd_distance,
    similarity_preserving,
)
from tests.soundness import DEVICES, DTYPES, assert_blind_to_hidden, assert_sound, gradient, normal

RELATIONAL = {
    "rkd_distance": rkd_distance,
    "rkd_angle": rkd_angle,
    "similarity_preserving": similarity_preserving,
}
# each as a function of (N, 5) vectors of the student and (N, 3) of the teacher
LOSSES = RELATIONAL | {
    "hint_loss": lambda s, t: hint_loss(s, t, lambda x: x @ normal(5, 3, seed=9).to(x)),
    "attention_transfer": lambda s, t: attention_transfer(s[:, None, None], F.pad(t, (0, 2))[:, None, None]),
    "attention_transfer of channels": lambda s, t: attention_transfer(s[..., None, None], t[..., None, None]),
    "contrastive_kd": lambda s, t: contrastive_kd(s, F.pad(t, (0, 2))),
    "minilm_relation": lambda s, t: minilm_relation(s[None], t[None], heads=1),
    "minilm_relation, masked": lambda s, t: minilm_relation(
        s[None], t[None], 1, torch.arange(len(s), device=s.device)[None] % 3
    ),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
each_relational = pytest.mark.parametrize("loss", RELATIONAL.values(), ids=RELATIONAL.keys())


def points(rows=6, width=5, seed=0):
    return normal(rows, width, seed=seed)


def rotation(width, seed=4):
    return torch.linalg.qr(normal(width, width, seed=seed))[0]


def huber(x):
    return x * x / 2 if abs(x) <= 1 else abs(x) - 0.5


@each_loss
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-6])
def test_a_loss_is_a_finite_scalar_with_a_graph_to_the_student_alone(loss, device, dtype, scale):
    for rows in (6, 3, 2, 1, 0):
        student, teacher = points(rows), points(rows, 3, seed=1)
        assert_sound(loss, [(scale * student).to(device, dtype)], [(scale * teacher).to(device, dtype)])


@each_loss
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_degenerate_batches_are_finite(loss, dtype):
    duplicates = points()[[0, 0, 1, 2, 2, 2]]
    zero_row = points() * torch.tensor([[1.0], [0.0], [1.0], [1.0], [1.0], [1.0]])
    same, zeros = points(1).expand(6, 5), torch.zeros(6, 5)
    for student in (duplicates, zero_row, same, zeros, 1e4 * same, 1e4 * points().sign()):
        for teacher in (points(seed=1), duplicates, zero_row, same, zeros):
            assert_sound(loss, [student.to(dtype)], [teacher[:, :3].to(dtype)])


@each_loss
def test_gradcheck(loss):
    assert torch.autograd.gradcheck(lambda s: loss(s, points(6, 3, seed=1)), points().requires_grad_())


@each_loss
def test_bfloat16_differs_from_float64_by_rounding_only(loss):
    student, teacher = points().bfloat16(), points(6, 3, seed=1).bfloat16()
    expected = loss(student.double(), teacher.double())
    assert_close(loss(student, teacher).double(), expected, rtol=2**-6, atol=0)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"minilm_relation, masked"}))
def test_the_order_of_the_batch_does_not_matter(name):
    student, teacher, order = points(), points(6, 3, seed=1), torch.tensor([3, 1, 5, 0, 2, 4])
    assert_close(LOSSES[name](student[order], teacher[order]), LOSSES[name](student, teacher))


@each_relational
def test_relations_are_blind_to_rotation_and_scale_of_either_side(loss):
    student, teacher = points(), points(6, 3, seed=1)
    turned = 3.0 * student @ rotation(5), 0.01 * teacher @ rotation(3)
    assert_close(loss(*turned), loss(student, teacher))
    assert loss(student, teacher) > 1e-3


@each_relational
def test_a_student_in_a_wider_space_can_be_perfect(loss):
    teacher = points(6, 3, seed=1)
    student = 4.0 * F.pad(teacher, (0, 2)) @ rotation(5)
    assert loss(student, teacher) < 1e-12
    assert gradient(lambda s: loss(s, teacher), student).abs().max() < 1e-7


@pytest.mark.parametrize("loss", [rkd_distance, rkd_angle])
def test_distances_and_angles_are_blind_to_a_shift(loss):
    student, teacher = points(), points(6, 3, seed=1)
    assert_close(loss(student + 3 * points(1), teacher - 7), loss(student, teacher))
    assert abs(similarity_preserving(student + 1, teacher) - similarity_preserving(student, teacher)) > 1e-3


# hints


def test_a_hint_is_torchs_mse_after_the_projector_and_trains_it():
    linear = nn.Linear(5, 3, dtype=torch.float64)
    student, teacher = points().requires_grad_(), points(6, 3, seed=1).requires_grad_()
    loss = hint_loss(student, teacher, linear)
    assert_close(loss, F.mse_loss(linear(student), teacher))
    loss.backward()
    assert teacher.grad is None and student.grad.abs().sum() > 0
    assert all(parameter.grad.abs().sum() > 0 for parameter in linear.parameters())


def test_a_hint_may_be_of_any_rank():
    student, teacher = normal(2, 4, 5), normal(2, 4, 5, seed=1)
    assert_close(hint_loss(student, teacher, nn.Identity()), F.mse_loss(student, teacher))
    images = normal(2, 3, 4, 4)
    assert_close(hint_loss(images, images + 2, nn.Identity()).item(), 4.0)


# attention


def attention_map(x):
    return F.normalize(x.square().mean(1).flatten(1), dim=1)


@pytest.mark.parametrize("channels", [(4, 4), (4, 7), (1, 3)])
def test_attention_compares_normalised_maps(channels):
    student, teacher = normal(3, channels[0], 5, 6), normal(3, channels[1], 5, 6, seed=1)
    expected = (attention_map(student) - attention_map(teacher)).square().sum(1).mean()
    assert_close(attention_transfer(student, teacher), expected)


def test_attention_worked_by_hand():
    left, right = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, -5.0]]]])
    both = torch.tensor([[[[3.0, 3.0]]]])
    assert_close(attention_transfer(left, right).item(), 2.0)
    assert_close(attention_transfer(left, both).item(), 2 - math.sqrt(2), rtol=1e-6, atol=0)
    assert_close(attention_transfer(torch.zeros(1, 1, 1, 2), both).item(), 1.0, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [1e-12, 1e-4, -1.0, 1e4, 1e12])
def test_attention_is_blind_to_the_scale_of_each_map(scale):
    student, teacher = (normal(3, 4, 5, 6, seed=seed, dtype=torch.float32) for seed in (0, 1))
    expected = attention_transfer(student, teacher)
    scales = torch.tensor([scale, 1.0, 10 * scale]).view(3, 1, 1, 1)
    assert_close(attention_transfer(scales * student, teacher), expected)
    assert_close(attention_transfer(student, scales * teacher), expected)


def test_the_order_of_channels_does_not_matter_to_attention_but_the_place_does():
    student, teacher = normal(3, 4, 5, 6), normal(3, 4, 5, 6, seed=1)
    expected = attention_transfer(student, teacher)
    assert_close(attention_transfer(student[:, [2, 0, 3, 1]], teacher), expected)
    assert_close(attention_transfer(student.flip(-1), teacher.flip(-1)), expected)
    assert abs(attention_transfer(student.flip(-1), teacher) - expected) > 1e-3


# relations


def test_rkd_distance_written_out():
    student, teacher = 3 * points(), points(6, 3, seed=1)
    teacher[0] *= 10  # far away: the linear part of Huber
    ds, dt = (cdist(x, x) for x in (student.numpy(), teacher.numpy()))
    pairs = list(permutations(range(6), 2))
    mean_s, mean_t = (sum(d[pair] for pair in pairs) / len(pairs) for d in (ds, dt))
    differences = [ds[pair] / mean_s - dt[pair] / mean_t for pair in pairs]
    assert max(map(abs, differences)) > 1
    assert_close(rkd_distance(student, teacher).item(), sum(map(huber, differences)) / len(pairs))


def test_rkd_angle_written_out():
    student, teacher = points(), points(6, 3, seed=1)

    def cosine(x, i, j, k):
        return F.cosine_similarity(x[i] - x[j], x[k] - x[j], dim=0).item()

    triplets = list(permutations(range(6), 3))
    differences = [cosine(student, *t) - cosine(teacher, *t) for t in triplets]
    assert max(map(abs, differences)) > 1
    assert_close(rkd_angle(student, teacher).item(), sum(map(huber, differences)) / len(triplets))


def test_too_few_points_have_no_relation():
    for rows in (0, 1):
        assert assert_sound(rkd_distance, [points(rows)], [points(rows, seed=1)]) == 0
    for rows in (0, 1, 2):
        assert assert_sound(rkd_angle, [points(rows)], [points(rows, seed=1)]) == 0
    assert rkd_distance(points(2), points(2, seed=1)) == 0  # one distance, divided by itself


def test_equal_points_have_distance_zero_and_no_gradient():
    student = points(3)[[0, 0, 1]]
    teacher = torch.tensor([[0.0], [1.0], [3.0]]).double()  # distances 1, 2, 3 by 2
    assert_close(rkd_distance(student, teacher).item(), (0.5**2 + 0.5**2 + 0) / 2 / 3)
    apart = gradient(lambda s: rkd_distance(s, teacher), student)
    assert apart.isfinite().all() and apart.abs().max() < 10


def test_similarity_preserving_written_out():
    student, teacher = points(), points(6, 3, seed=1)
    grams = [x.numpy() @ x.numpy().T for x in (student, teacher)]
    a, b = (g / (g**2).sum(1, keepdims=True) ** 0.5 for g in grams)
    assert_close(similarity_preserving(student, teacher).item(), ((a - b) ** 2).sum() / 36)


def test_similarity_preserving_takes_maps_too():
    student, teacher = normal(4, 2, 3, 3), normal(4, 5, 2, 2, seed=1)
    assert_close(
        similarity_preserving(student, teacher), similarity_preserving(student.flatten(1), teacher.flatten(1))
    )


def test_a_zero_row_of_similarities_has_no_exploding_gradient():
    student = points()
    student[2] = 0
    assert gradient(lambda s: similarity_preserving(s, points(seed=1)), student).abs().max() < 10


# MiniLM

VALUES, TEACHER_VALUES = normal(3, 4, 6), normal(3, 4, 8, seed=1)
MASK = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 1, 1]])


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("mask", [MASK, None], ids=["masked", "whole"])
def test_minilm_relations_written_out(heads, mask):
    def relations(values, keep, head):
        size = values.shape[1] // heads
        own = values[keep, head * size : (head + 1) * size]
        return (own @ own.T / math.sqrt(size)).softmax(-1)

    kl = []
    for row, keep in enumerate(torch.ones(3, 4).bool() if mask is None else mask.bool()):
        for head in range(heads):
            p, q = (relations(x[row], keep, head) for x in (TEACHER_VALUES, VALUES))
            kl += (p * (p / q).log()).sum(-1).tolist()
    assert_close(minilm_relation(VALUES, TEACHER_VALUES, heads, mask).item(), sum(kl) / len(kl))


@pytest.mark.parametrize("device", DEVICES)
def test_minilm_is_blind_to_what_the_mask_hides(device):
    inputs = (x.to(device) for x in (VALUES, TEACHER_VALUES, MASK))
    assert_blind_to_hidden(lambda s, t, mask: minilm_relation(s, t, 2, mask), *inputs)


def test_minilm_is_blind_to_the_length_of_the_padding():
    longer = (F.pad(x, (0, 0, 0, 3), value=torch.nan) for x in (VALUES, TEACHER_VALUES))
    expected = minilm_relation(VALUES, TEACHER_VALUES, 2, MASK)
    assert_close(minilm_relation(*longer, 2, F.pad(MASK, (0, 3))), expected)


def test_minilm_with_no_token_kept_is_zero_with_a_graph():
    nothing = torch.full_like(VALUES, torch.nan)
    assert minilm_relation(nothing, nothing, 2, torch.zeros(3, 4)) == 0
    assert gradient(lambda s: minilm_relation(s, s, 2, torch.zeros(3, 4)), nothing).eq(0).all()


def test_minilm_sees_a_rotation_of_a_head_as_equal_and_the_number_of_heads():
    turned = TEACHER_VALUES @ torch.block_diag(rotation(4), rotation(4, seed=5))
    assert minilm_relation(turned, TEACHER_VALUES, 2) < 1e-12
    assert minilm_relation(turned, TEACHER_VALUES, 4) > 1e-3


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_minilm_at_extremes(dtype):
    student, teacher = 1e4 * VALUES.sign(), 1e4 * TEACHER_VALUES.sign()
    assert_sound(minilm_relation, [student.to(dtype)], [teacher.to(dtype)], heads=2, mask=MASK)


# layers and contrast


@pytest.mark.parametrize(
    "student, teacher, layers",
    [(4, 12, [3, 6, 9, 12]), (6, 6, [1, 2, 3, 4, 5, 6]), (5, 12, [2, 4, 7, 9, 12]), (1, 12, [12])],
)
def test_layers_worked_by_hand(student, teacher, layers):
    assert layer_map(student, teacher) == layers


def test_layers_rise_to_the_last():
    for teacher in range(1, 30):
        for student in range(1, teacher + 1):
            layers = layer_map(student, teacher)
            assert len(layers) == student and layers[0] >= 1 and layers[-1] == teacher
            assert layers == sorted(set(layers))


@pytest.mark.parametrize("student, teacher", [(0, 12), (-1, 12), (13, 12), (1, 0), (0, 0)])
def test_impossible_layers_are_refused(student, teacher):
    with pytest.raises(ValueError, match="layers"):
        layer_map(student, teacher)


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_contrast_is_a_cross_entropy_over_teachers(temperature):
    student, teacher = points(), points(seed=1)
    cosines = F.cosine_similarity(student[:, None], teacher[None], dim=-1)
    expected = F.cross_entropy(cosines / temperature, torch.arange(6))
    assert_close(contrastive_kd(student, teacher, temperature), expected)
    if temperature == 0.07:
        assert_close(contrastive_kd(student, teacher), expected)


def test_contrast_is_blind_to_the_length_of_every_vector_and_to_a_common_rotation():
    student, teacher, turn = points(), points(seed=1), rotation(5)
    lengths = points(6, 1, seed=2).abs() + 0.1
    expected = contrastive_kd(student, teacher)
    assert_close(contrastive_kd(lengths * student @ turn, teacher @ turn / lengths), expected)
    assert abs(contrastive_kd(student @ turn, teacher) - expected) > 1e-3


def test_contrast_from_chance_to_certainty():
    teacher = torch.eye(8)
    assert_close(contrastive_kd(torch.ones(8, 8), teacher).item(), math.log(8), rtol=1e-6, atol=0)
    assert contrastive_kd(teacher, teacher) < 1e-4
    assert contrastive_kd(teacher.roll(1, 0), teacher) > 10
    assert assert_sound(contrastive_kd, [torch.ones(1, 4)], [torch.ones(1, 4)]) == 0


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_contrast_needs_a_positive_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be positive and finite"):
        contrastive_kd(torch.eye(3), torch.eye(3), temperature)
