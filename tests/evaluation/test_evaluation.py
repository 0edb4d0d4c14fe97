"""Measures: by hand on tiny inputs, against scipy, at the edges."""

import math
import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kd_solutions.evaluation.intervals import (
    paired_bootstrap,
    paired_t_interval,
    share_interval,
    t_interval,
)
from kd_solutions.evaluation.metrics import (
    accuracy,
    agreement,
    expected_calibration_error,
    worst_language,
)
from kd_solutions.losses.numerics import double
from kd_solutions.support.language import use_language

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


@pytest.mark.parametrize("device", DEVICES)
def test_accuracy_and_agreement_count_rows(device):
    student = torch.tensor(
        [[2.0, 1.0], [0.0, 1.0], [3.0, 4.0], [1.0, 0.0]], device=device, requires_grad=True
    )
    teacher = torch.tensor([[0.1, 0.0], [0.0, 0.1], [0.1, 0.0], [0.0, 0.1]], device=device)
    assert accuracy(student, torch.tensor([0, 1, 1, 1], device=device)) == 0.75
    assert accuracy(student, torch.tensor([0, 1, 1, 1])) == 0.75  # labels usually stay on the CPU
    assert agreement(student, teacher) == 0.5
    assert agreement(student, 100 * student + 7) == 1.0
    assert type(agreement(student, teacher)) is float


def test_the_worst_language():
    assert worst_language({"de": 2 / 3, "zh": 1.0, "hu": 0.0}) == ("hu", 0.0)


def test_of_no_row_nothing_was_measured():
    none, nothing = torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)
    assert math.isnan(accuracy(none, nothing)) and math.isnan(agreement(none, none))
    assert math.isnan(expected_calibration_error(none, nothing))


@pytest.mark.parametrize("logit", [2.0, -0.5, math.nan])
def test_logits_are_no_probabilities(logit):
    with pytest.raises(ValueError, match="give logits a softmax first"):
        expected_calibration_error(torch.full((2, 3), logit), torch.tensor([0, 1]))


class OfApple:
    """A tensor on a device that has no float64."""

    device = torch.device("mps")

    def cpu(self):
        return torch.ones(2)

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


def test_float64_is_had_from_the_cpu_where_a_device_has_none():
    assert (
        double(OfApple()).dtype == torch.float64
        and double(torch.ones(1, device="meta")).device.type == "meta"
    )


# calibration


def two_classes(confidence):
    confidence = torch.as_tensor(confidence)
    return torch.stack([confidence, 1 - confidence], dim=1)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_calibration_by_hand(device, dtype):
    probabilities = two_classes([0.9, 0.9, 0.6, 0.55]).to(device, dtype)
    right = torch.tensor([0, 1, 0, 0], device=device)
    # bins (0.8, 1] and (0.5, 0.6] of 5 and 10: |0.5 − 0.9| · 2 and |1 − 0.6| + |1 − 0.55|
    value = expected_calibration_error(probabilities, right, bins=10)
    assert type(value) is float and value == pytest.approx((2 * 0.4 + 0.4 + 0.45) / 4, abs=1e-6)


def test_gaps_of_one_bin_cancel_and_of_two_do_not():
    probabilities = two_classes([0.7, 0.9])
    targets = torch.tensor([0, 1])  # one right at 0.7, one wrong at 0.9
    assert expected_calibration_error(probabilities, targets, bins=1) == pytest.approx(0.3)
    assert expected_calibration_error(probabilities, targets, bins=5) == pytest.approx((0.3 + 0.9) / 2)


def test_full_confidence_counts():
    assert expected_calibration_error(torch.eye(3), torch.tensor([0, 1, 2])) == 0
    assert expected_calibration_error(torch.eye(3), torch.tensor([1, 2, 0])) == 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bins", [5, 10, 15, 20])
def test_an_edge_belongs_to_the_bin_below(dtype, bins):
    for edge in range(bins // 2 + 1, bins):
        confidence = torch.tensor([edge / bins, (edge - 0.5) / bins], dtype=dtype)
        gaps = (1 - confidence[0]) - confidence[1]  # the first is right, the second is wrong: one bin
        value = expected_calibration_error(two_classes(confidence), torch.tensor([0, 1]), bins)
        assert value == pytest.approx(abs(gaps.item()) / 2, abs=1e-6)


def test_a_confidence_of_zero_has_a_bin():
    assert expected_calibration_error(torch.zeros(2, 3), torch.tensor([0, 0]), bins=3) == 1


@given(st.integers(0, 10_000), st.sampled_from([1, 7, 15]))
@settings(max_examples=30, deadline=None)
def test_calibration_equals_a_loop_over_bins(seed, bins):
    generator = torch.Generator().manual_seed(seed)
    probabilities = (3 * torch.randn(50, 4, generator=generator, dtype=torch.float64)).softmax(-1)
    targets = torch.randint(4, (50,), generator=generator)
    confidence, prediction = probabilities.max(-1)
    expected = 0.0
    for low in range(bins):
        inside = (confidence > low / bins) & (confidence <= (low + 1) / bins)
        if inside.any():
            gap = (prediction == targets)[inside].double().mean() - confidence[inside].mean()
            expected += inside.double().mean().item() * abs(gap.item())
    assert expected_calibration_error(probabilities, targets, bins) == pytest.approx(expected)


# intervals


def test_the_bootstrap_is_paired_and_repeatable():
    random.seed(0)
    hard = [random.random() for _ in range(200)]  # how hard each sentence is, for both
    better = [value + 0.01 for value in hard]
    mean, low, high = paired_bootstrap(better, hard, samples=500)
    assert mean == pytest.approx(0.01) and low == pytest.approx(0.01) and high == pytest.approx(0.01)
    a, b = [random.gauss(1, 1) for _ in range(50)], [random.gauss(0, 1) for _ in range(50)]
    first = paired_bootstrap(a, b)
    assert first == paired_bootstrap(torch.tensor(a, dtype=torch.float64), np.array(b))
    assert first != paired_bootstrap(a, b, seed=1)
    assert all(type(value) is float for value in first)
    negated = paired_bootstrap(b, a)
    assert negated == pytest.approx((-first.mean, -first.high, -first.low))


def test_the_bootstrap_agrees_with_scipys():
    generator = np.random.default_rng(0)
    a, b = generator.random(80) < 0.8, generator.random(80) < 0.6
    mean, low, high = paired_bootstrap(a, b)
    differences = a.astype(float) - b.astype(float)
    theirs = stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=10_000, random_state=1)
    assert mean == pytest.approx(differences.mean())
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.013)


def test_the_bootstrap_leaves_the_global_random_state_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state(), random.getstate()
    paired_bootstrap([1.0, 2.0], [0.0, 5.0], samples=10)
    assert torch.equal(torch.get_rng_state(), before[0]) and random.getstate() == before[1]


@pytest.mark.parametrize("device", DEVICES)
def test_the_bootstrap_takes_what_people_have(device):
    expected = paired_bootstrap([1.0, 0.0, 1.0], [0.0, 0.0, 1.0], samples=100)
    hits = torch.tensor([True, False, True], device=device)
    others = torch.tensor([0.0, 0.0, 1.0], device=device, requires_grad=True)
    assert paired_bootstrap(hits, others, samples=100) == expected
    assert paired_bootstrap([5.0], [3.0], samples=100) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("a, b", [([], []), ([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0])])
def test_what_is_no_pair_is_an_error(a, b):
    with pytest.raises(ValueError, match="Pairs"):
        paired_bootstrap(a, b)


def test_a_large_bootstrap_is_cut_into_pieces(monkeypatch):
    sizes, randint = [], torch.randint

    def drawn(high, size, **options):
        sizes.append(size)
        return randint(high, size, **options)

    monkeypatch.setattr(torch, "randint", drawn)
    mean, low, high = paired_bootstrap(torch.ones(50_000), torch.zeros(50_000), samples=200)
    assert (mean, low, high) == (1.0, 1.0, 1.0)
    assert sum(rows for rows, _ in sizes) == 200
    assert max(rows * columns for rows, columns in sizes) <= 2**22  # 32 MiB of indices at a time


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: paired_bootstrap([1.0], [1.0, 2.0]), "需要成对的数据"),
        (lambda: paired_t_interval([1.0], [1.0, 2.0]), "需要成对的数据"),
        (lambda: t_interval([1.0]), "至少需要两个值"),
        (lambda: share_interval(3, 2), "2次中对3次是不可能的"),
    ],
)
def test_what_is_refused_is_refused_in_chinese_too(ask, sentence):
    use_language("zh")
    with pytest.raises(ValueError, match=sentence):
        ask()


def test_t_intervals_are_scipys():
    values = [0.71, 0.69, 0.72]
    expected = stats.t.interval(0.9, 2, np.mean(values), stats.sem(values))
    interval = t_interval(values, confidence=0.9)
    assert (interval.low, interval.high) == pytest.approx(expected)
    assert interval.mean == pytest.approx(np.mean(values))
    assert all(type(value) is float for value in interval)
    paired = paired_t_interval([3.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    assert paired == pytest.approx(t_interval([2.0, 2.0, 3.0]))
    assert paired.high - paired.mean == pytest.approx(4.302653 / math.sqrt(3) * math.sqrt(1 / 3), rel=1e-6)


def test_one_seed_has_no_interval():
    with pytest.raises(ValueError, match="more seeds"):
        t_interval([0.7])


@pytest.mark.parametrize(
    ("right", "count", "low", "high"), [(8, 10, 0.490, 0.943), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0)]
)
def test_the_interval_of_a_share_is_wilsons(right, count, low, high):
    found = share_interval(right, count)
    assert found.mean == right / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)
    assert found.low + 1e-12 >= 0 and found.high <= 1 + 1e-12


@pytest.mark.parametrize(("right", "count"), [(0, 0), (3, 2), (-1, 2)])
def test_a_share_of_what_cannot_be_is_refused(right, count):
    with pytest.raises(ValueError, match=f"{right} of {count}"):
        share_interval(right, count)
