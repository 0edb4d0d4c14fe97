"""Losses across vocabularies, and on what the student itself has written."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from kd_solutions.losses.sequences import (
    on_policy_loss,
    reverse_kl,
    uld_loss,
)
from tests.losses.test_sequences import EOS, STUDENT, TEACHER, TOKENS
from tests.soundness import (
    INF,
    NAN,
    assert_sound,
    gradient,
    normal,
)


def test_uld_compares_sorted_probabilities():
    student = torch.tensor([[0.2, 0.7, 0.1]]).log()
    assert_close(uld_loss(student, torch.tensor([[0.5, 0.5]]).log()).item(), 0.2 + 0.3 + 0.1)
    assert_close(uld_loss(torch.tensor([[0.5, 0.5]]).log(), student).item(), 0.2 + 0.3 + 0.1)


@pytest.mark.parametrize("shape", [(4, 6), (3, 4, 6), (2, 3, 4, 6), (6,)])
def test_uld_is_blind_to_the_order_of_either_vocabulary(shape):
    student, teacher = normal(*shape), normal(*shape, seed=1)
    expected = (student.softmax(-1).sort(-1)[0] - teacher.softmax(-1).sort(-1)[0]).abs().sum(-1).mean()
    assert_close(uld_loss(student, teacher), expected)
    assert_close(uld_loss(student[..., torch.tensor([4, 0, 5, 2, 1, 3])], teacher.flip(-1)), expected)
    assert uld_loss(student, student.flip(-1)) < 1e-15


def test_uld_pads_with_nothing():
    wider = F.pad(TEACHER, (0, 3), value=-INF)
    assert_close(uld_loss(STUDENT, wider), uld_loss(STUDENT, TEACHER))
    assert_close(uld_loss(F.pad(STUDENT, (0, 5), value=-INF), TEACHER), uld_loss(STUDENT, TEACHER))
    one, many = torch.zeros(1, 1).double(), torch.zeros(1, 1000).double()
    assert_close(uld_loss(one, many).item(), 2 * 999 / 1000)


# on-policy


def scored_by_hand(tokens, prompt_length, eos_id):
    """(row, position of the logits) of every scored token, token by token."""
    pairs = []
    for row, sequence in enumerate(tokens.tolist()):
        for position in range(max(prompt_length, 1), len(sequence)):
            if eos_id in sequence[prompt_length:position]:
                break
            pairs.append((row, position - 1))
    return pairs


@pytest.mark.parametrize("prompt_length", range(6))
def test_scored_are_the_continuations_tokens_up_to_the_first_end(prompt_length):
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randint(0, 4, (20, 5), generator=generator)
    student, teacher = normal(20, 5, 6), normal(20, 5, 6, seed=1)
    pairs = scored_by_hand(tokens, prompt_length, 3)
    mask = torch.zeros(20, 5)
    for pair in pairs:
        mask[pair] = 1
    loss = on_policy_loss(student, teacher, tokens, prompt_length, 3)
    assert_close(loss, reverse_kl(student, teacher, mask))
    assert (loss > 0) == bool(pairs)
    spoilt = [x.masked_fill(mask[..., None] == 0, NAN) for x in (student, teacher)]
    assert_close(on_policy_loss(*spoilt, tokens, prompt_length, 3), loss)
    slope = gradient(lambda s: on_policy_loss(s, spoilt[1], tokens, prompt_length, 3), spoilt[0])
    assert torch.equal(slope.ne(0).any(-1), mask.bool())


@pytest.mark.parametrize(
    "tokens, positions",
    [
        ([7, 7, 1, 2, 3], [1, 2, 3]),  # no end: to the last token, whose logits stand one before it
        ([7, 7, 1, EOS, 3], [1, 2]),  # the end counts, what follows doesn't
        ([7, 7, EOS, EOS, EOS], [1]),  # padded with the end token
        ([EOS, EOS, 1, 2, EOS], [1, 2, 3]),  # an end in the prompt ends nothing
    ],
)
def test_which_logits_score_a_continuation_after_a_prompt_of_two(tokens, positions):
    student, teacher = normal(1, 5, 6), normal(1, 5, 6, seed=1)
    loss = on_policy_loss(student, teacher, torch.tensor([tokens]), prompt_length=2, eos_id=EOS)
    assert_close(loss, reverse_kl(student[:, positions], teacher[:, positions]))


def test_one_mean_over_the_batch_so_that_long_answers_weigh_more():
    tokens = torch.tensor([[7, EOS, 0, 0], [7, 1, 2, 3]])
    student, teacher = normal(2, 4, 6), normal(2, 4, 6, seed=1)
    short = reverse_kl(student[0, :1], teacher[0, :1])
    long = reverse_kl(student[1, :3], teacher[1, :3])
    assert_close(on_policy_loss(student, teacher, tokens, 1, EOS), (short + 3 * long) / 4)


def test_a_continuation_without_tokens_is_zero_with_a_graph():
    assert (
        assert_sound(
            lambda s, t: on_policy_loss(s, t, TOKENS, prompt_length=4, eos_id=EOS), [STUDENT], [TEACHER]
        )
        == 0
    )
