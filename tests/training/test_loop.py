"""The loop for work: any signal, nest, loss and number of optimizers; what breaks says where."""

import copy
import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from kd_solutions.losses.response import kd_loss
from kd_solutions.support.errors import StudyError
from kd_solutions.training.batches import to_device
from kd_solutions.training.classic import freeze, train_student_model
from kd_solutions.training.loop import Batch, distill
from tests.small_models import batches, data, linear, network, same, sgd, state

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


@pytest.mark.parametrize("device", DEVICES)
def test_distill_is_the_classic_loop(device):
    student, twin, teacher = linear(device), linear(device), freeze(network(1)).to(device)
    result = distill(student, teacher, batches(), kd_loss, sgd(student), epochs=3)
    moved = [(inputs.to(device), targets.to(device)) for inputs, targets in batches()]
    train_student_model(teacher, twin, moved, kd_loss, sgd(twin), epochs=3)
    assert_close(student.state_dict(), twin.state_dict())
    assert result.steps == 9 == len(result.losses) and result.rows == 72
    assert result.losses[-1] < result.losses[0]
    assert result.rows_per_second == result.rows / result.seconds > 0


def test_teacher_and_student_read_different_inputs_and_texts_pass_through():
    lengths = {"hallo": [1.0, 0.0, 0.0, 0.0], "你好": [0.0, 1.0, 0.0, 0.0]}
    student = nn.Linear(4, 2)
    student.encode = lambda texts: student(torch.tensor([lengths[text] for text in texts]))
    asked = []

    def signal(texts):
        asked.append(texts)
        return torch.eye(2)

    loader = [Batch(["hallo", "你好"], ["hello", "hello"])] * 200
    distill(student, signal, loader, F.mse_loss, sgd(student, 0.5), forward=student.encode)
    assert asked == [["hello", "hello"]] * 200
    assert_close(student.encode(["hallo", "你好"]), torch.eye(2), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "nest",
    [
        lambda inputs: {"ids": inputs, "texts": ["a"]},
        lambda inputs: [inputs, "a"],
        lambda inputs: (inputs, ("a", inputs)),
        lambda inputs: Batch(inputs, None),
    ],
)
@pytest.mark.parametrize("device", DEVICES)
def test_inputs_may_be_nested(nest, device):
    student = linear(device)
    seen = []

    def forward(nested):
        seen.append(nested)
        return student(nested["ids"] if isinstance(nested, dict) else nested[0])

    loader = [Batch(nest(inputs), torch.zeros(len(inputs), 3)) for inputs, _ in batches()]
    distill(student, lambda vectors: vectors, loader, F.mse_loss, sgd(student), forward=forward)
    assert type(seen[0]) is type(loader[0].inputs)


@pytest.mark.parametrize("clip_norm", [None, 0.05])
@pytest.mark.parametrize("sizes", [[8, 8], [3, 13], [1, 5, 10]])
def test_an_accumulated_step_is_one_step_on_the_whole(sizes, clip_norm):
    inputs, targets = data(16)
    parts = list(zip(inputs.split(sizes), targets.split(sizes), strict=True))
    student, twin, teacher = linear(), linear(), freeze(network(1))
    result = distill(
        student, teacher, parts, kd_loss, sgd(student), accumulate=len(sizes), clip_norm=clip_norm
    )
    whole = distill(twin, teacher, [(inputs, targets)], kd_loss, sgd(twin), clip_norm=clip_norm)
    assert_close(student.state_dict(), twin.state_dict())
    assert result.losses == pytest.approx(whole.losses) and result.rows == 16


def test_a_weight_replaces_the_rows_of_a_mean_over_tokens():
    inputs, _ = data(16)
    kept = torch.arange(16) % 3 > 0

    def mean_of_kept(student_output, teacher_output, mask):
        return ((student_output - teacher_output).square().sum(-1) * mask).sum() / mask.sum()

    def batch(rows):
        return Batch(inputs[rows], inputs[rows], kept[rows], weight=kept[rows].sum().item())

    student, twin = linear(), linear()
    teacher = freeze(network(1))
    parts = [batch(slice(0, 4)), batch(slice(4, 16))]
    distill(student, teacher, parts, mean_of_kept, sgd(student), accumulate=2)
    distill(twin, teacher, [batch(slice(None))], mean_of_kept, sgd(twin))
    assert_close(student.state_dict(), twin.state_dict())


def test_a_batch_in_which_nothing_counts_weighs_nothing():
    inputs, _ = data(16)
    kept = torch.arange(16) >= 4

    def mean_of_kept(student_output, teacher_output, mask):
        return ((student_output - teacher_output).square().sum(-1) * mask).sum() / mask.sum().clamp(min=1)

    def batch(rows):
        return Batch(inputs[rows], inputs[rows], kept[rows], weight=kept[rows].sum().item())

    student, twin, teacher = linear(), linear(), freeze(network(1))
    parts = [batch(slice(0, 4)), batch(slice(4, 16))]
    distill(student, teacher, parts, mean_of_kept, sgd(student), accumulate=2)
    distill(twin, teacher, parts[1:], mean_of_kept, sgd(twin))
    assert_close(student.state_dict(), twin.state_dict())
    before = state(student)
    nothing = distill(student, teacher, parts[:1] * 2, mean_of_kept, sgd(student), accumulate=2)
    assert nothing.losses == [0.0] and same(before, state(student))


def test_rows_are_counted_where_a_teacher_gives_several_outputs():
    inputs, _ = data(16)
    student, twin, teacher = linear(), linear(), freeze(network(1))

    def both(model):
        return lambda rows: {"logits": model(rows), "hidden": (model(rows).relu(),)}

    def loss(student_output, teacher_output):
        hint = F.mse_loss(student_output["hidden"][0], teacher_output["hidden"][0])
        return hint + F.mse_loss(student_output["logits"], teacher_output["logits"])

    parts = [(part, None) for part in inputs.split([3, 13])]
    result = distill(student, both(teacher), parts, loss, sgd(student), accumulate=2, forward=both(student))
    distill(twin, both(teacher), [(inputs, None)], loss, sgd(twin), forward=both(twin))
    assert_close(student.state_dict(), twin.state_dict())
    assert result.rows == 16


def test_what_transformers_gives_moves_to_the_device_and_keeps_its_class():
    from transformers import BatchEncoding
    from transformers.modeling_outputs import BaseModelOutput

    there = torch.device("meta")
    tokens = BatchEncoding({"input_ids": torch.zeros(2, 3)})
    moved = to_device(there, {"tokens": tokens, "texts": ["a", "b"]})
    assert type(moved["tokens"]) is BatchEncoding and moved["texts"] == ["a", "b"]
    assert moved["tokens"]["input_ids"].device == there != tokens["input_ids"].device
    output = to_device(there, BaseModelOutput(last_hidden_state=torch.zeros(2, 3)))
    assert output.last_hidden_state.device == there


@pytest.mark.parametrize(
    ("there", "here", "calls"),
    [
        ("meta", "cpu", [("to", True)]),
        ("cuda", "cpu", ["pin_memory", ("to", True)]),
        ("cpu", "meta", [("to", False)]),  # read before its copy is there, it would be rubbish
        ("cpu", "cpu", []),
        ("meta", "meta", []),
    ],
)
def test_what_is_there_stays_and_only_a_cuda_card_is_sent_pinned_memory(monkeypatch, there, here, calls):
    made = []

    def moved(tensor, *_, non_blocking):
        made.append(("to", non_blocking))
        return tensor

    monkeypatch.setattr(torch.Tensor, "to", moved)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: made.append("pin_memory") or tensor)
    to_device(torch.device(there), [torch.zeros(1, device=here), "a text"])
    assert made == calls


def test_a_group_ends_with_its_epoch():
    student = linear()
    result = distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), epochs=2, accumulate=2)
    assert result.steps == 4 and result.rows == 48


@pytest.mark.parametrize("share", [0.01, 0.9, 1.1])
def test_clipping_bounds_all_gradients_together_with_sparse_ones(share):
    torch.manual_seed(0)
    table, layer = nn.EmbeddingBag(10, 4, sparse=True), nn.Linear(4, 3)
    dense_table, dense_layer = nn.EmbeddingBag(10, 4), copy.deepcopy(layer)
    dense_table.load_state_dict(table.state_dict())
    ids = torch.tensor([[1, 1, 2], [2, 3, 9]])
    dense = nn.Sequential(dense_table, dense_layer)
    F.mse_loss(dense(ids), torch.zeros(2, 3)).backward()
    clip_norm = share * nn.utils.get_total_norm([parameter.grad for parameter in dense.parameters()]).item()
    nn.utils.clip_grad_norm_(dense.parameters(), clip_norm)
    sgd(dense, 1.0).step()
    distill(
        nn.Sequential(table, layer),
        lambda rows: torch.zeros(2, 3),
        [(ids, None)],
        F.mse_loss,
        [sgd(table, 1.0), sgd(layer, 1.0)],
        clip_norm=clip_norm,
    )
    assert_close(table.weight, dense_table.weight)
    assert_close(layer.state_dict(), dense_layer.state_dict())


def test_schedulers_step_with_their_optimizers():
    student = linear()
    optimizer = sgd(student, 1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    distill(
        student,
        freeze(network(1)),
        batches(),
        F.mse_loss,
        optimizer,
        schedulers=scheduler,
        epochs=2,
        accumulate=3,
    )
    assert scheduler.last_epoch == 2 and optimizer.param_groups[0]["lr"] == pytest.approx(1 / 3)


def test_an_endless_loader_stops_at_max_steps():
    student = linear()
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield batches()[number % 3]

    result = distill(student, freeze(network(1)), endless(), F.mse_loss, sgd(student), max_steps=7)
    assert result.steps == 7 == len(taken)


@pytest.mark.parametrize("loader, epochs", [([], 1), (iter(batches()), 2)])
def test_distill_needs_a_batch_in_every_epoch(loader, epochs):
    student = linear()
    with pytest.raises(ValueError, match=f"no batch in epoch {epochs}"):
        distill(student, freeze(network(1)), loader, F.mse_loss, sgd(student), epochs=epochs)


@pytest.mark.parametrize("device", DEVICES)
def test_bf16_is_for_the_forward_pass_alone(device):
    student, seen = network().to(device), []

    def loss(student_output, teacher_output):
        seen.append(student_output.dtype)
        return F.mse_loss(student_output, teacher_output)

    student[0].register_forward_hook(lambda module, args, output: seen.append(output.dtype))
    distill(student, freeze(network(1)).to(device), batches()[:1], loss, sgd(student), bf16=True)
    assert seen == [torch.bfloat16, torch.float32]
    assert all(parameter.dtype == torch.float32 for parameter in student.parameters())


# what isn't finite


def not_finite_at(step, value):
    """A loss that is spoilt at one step."""
    calls = itertools.count(1)

    def loss(student_output, teacher_output):
        return F.mse_loss(student_output, teacher_output) * (value if next(calls) == step else 1.0)

    return loss


def gradient_not_finite_at(step):
    calls = itertools.count(1)

    def loss(student_output, teacher_output):
        distance = F.mse_loss(student_output, teacher_output)
        return distance + (distance.detach() - distance).sqrt() if next(calls) == step else distance

    return loss


@pytest.mark.parametrize(
    "loss, sentence",
    [
        (lambda: not_finite_at(2, math.nan), "The loss is nan in batch de-7"),
        (lambda: not_finite_at(2, math.inf), "The loss is inf in batch de-7"),
        (lambda: gradient_not_finite_at(2), "The gradient is nan in batch de-7"),
    ],
)
def test_training_stops_at_the_last_good_state_and_names_the_batch(loss, sentence):
    named = [
        Batch(inputs, inputs, name=name)
        for (inputs, _), name in zip(batches(), ["en-1", "de-7", "fr-3"], strict=True)
    ]
    student, twin, teacher = network(), network(), freeze(network(1))
    torch.manual_seed(0)
    distill(twin, teacher, named[:1], F.mse_loss, torch.optim.Adam(twin.parameters()))
    torch.manual_seed(0)
    with pytest.raises(StudyError, match=sentence) as error:
        distill(student, teacher, named, loss(), torch.optim.Adam(student.parameters()))
    assert "step 2" in str(error.value)
    assert same(student.state_dict(), twin.state_dict())


def test_a_batch_without_a_name_is_named_by_its_step():
    student = linear()
    with pytest.raises(StudyError, match="in step 3,"):
        distill(student, freeze(network(1)), batches(), not_finite_at(3, math.nan), sgd(student))


# the bar


def test_the_bar_is_on_standard_error_and_only_where_wanted(capsys):
    student = linear()
    arguments = student, freeze(network(1)), batches(), F.mse_loss, sgd(student)
    distill(*arguments)
    assert capsys.readouterr() == ("", "")
    distill(*arguments, epochs=2, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "6/6" in err and "loss" in err
    distill(student, freeze(network(1)), iter(batches()), F.mse_loss, sgd(student), progress=True)
    assert "3/?" in capsys.readouterr().err
