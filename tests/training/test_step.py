"""A step of the loop: who learns and who does not, shared layers, buffers, settings that make no sense."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

from kd_solutions.losses.features import hint_loss
from kd_solutions.signals.live import LiveSignal, TableSignal
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language
from kd_solutions.training.buffers import SMALL, Buffers
from kd_solutions.training.classic import distill_step, freeze, train_student_model
from kd_solutions.training.loop import distill
from tests.small_models import batches, data, linear, network, same, sgd, state

# what can't be meant


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"accumulate": 0}, "accumulate must be 1 or more, got 0"),
        ({"accumulate": -1}, "accumulate must be 1 or more"),
        ({"checkpoint_every": 0}, "checkpoint_every must be 1 or more"),
        ({"epochs": math.nan}, "epochs must be 1 or more, got nan"),
        ({"epochs": 0}, "epochs must be 1 or more"),
        ({"max_steps": -1}, "max_steps must be 0 or more, got -1"),
        ({"clip_norm": 0.0}, "clip_norm must be positive, got 0.0: None clips nothing"),
        ({"clip_norm": -1.0}, "clip_norm must be positive"),
        ({"clip_norm": math.nan}, "clip_norm must be positive"),
    ],
)
def test_a_setting_that_can_not_be_meant_is_one_sentence(setting, sentence):
    student = linear()
    before = state(student)
    with pytest.raises(ValueError, match=sentence):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), **setting)
    assert same(state(student), before)


# who learns


class Hint(nn.Module):
    def __init__(self):
        super().__init__()
        self.projector = nn.Linear(3, 3)

    def forward(self, student_output, teacher_output):
        return hint_loss(student_output, teacher_output, self.projector)


def test_a_projector_in_no_optimizer_is_reported_at_the_first_step():
    student, loss = linear(), Hint()
    before = state(student)
    with pytest.raises(ValueError, match="Hint.projector.weight and 1 more should learn.*in no optimizer"):
        distill(student, freeze(network(1)), batches(), loss, sgd(student))
    assert same(state(student), before)
    both = torch.optim.SGD([*student.parameters(), *loss.parameters()], lr=0.1)
    distill(student, freeze(network(1)), batches(), loss, both)
    loss.requires_grad_(False)
    distill(student, freeze(network(1)), batches(), loss, sgd(student))


def test_a_layer_in_no_optimizer_is_reported_unless_it_is_frozen():
    student = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3), nn.Linear(1, 1, bias=False))
    student.forward = lambda inputs: student[1](student[0](inputs))
    arguments = freeze(network(1)), batches(), F.mse_loss, sgd(student[1])
    with pytest.raises(ValueError, match=r"Sequential.0.weight and 1 more should learn.*requires_grad_"):
        distill(student, *arguments)
    student[0].requires_grad_(False)
    student[2].weight.grad = torch.ones(1, 1)  # left over from something else
    distill(student, *arguments)  # its last layer is never reached, and nobody minds


@pytest.mark.parametrize(
    "loss",
    [
        lambda s, t: F.mse_loss(s.detach(), t),
        lambda s, t: F.mse_loss(s.detach() * torch.ones(3, requires_grad=True), t),
    ],
)
def test_a_loss_that_reaches_no_parameter_is_reported_at_the_first_step(loss):
    student = linear()
    before = state(student)
    with pytest.raises(ValueError, match="reaches no parameter of the optimizers"):
        distill(student, freeze(network(1)), batches(), loss, sgd(student))
    assert same(state(student), before)


def test_the_optimizer_of_another_model_is_reported_at_the_first_step():
    student, other = linear(), linear()
    student.requires_grad_(False)
    student.bias.requires_grad_()
    with pytest.raises(ValueError, match="no parameter of the optimizers|in no optimizer"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(other))
    with pytest.raises(ValueError, match="no parameter of the optimizers"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, [])


def test_a_student_without_parameters_may_have_a_loss_that_learns():
    loss = Hint()
    before = state(loss)
    distill(nn.Flatten(), lambda rows: torch.zeros(len(rows), 3), [(torch.ones(2, 3), None)], loss, sgd(loss))
    assert not same(state(loss), before)


def test_an_empty_batch_is_no_loss_that_reaches_nothing():
    student = linear()
    nothing = [(torch.zeros(0, 4), None)]
    loss = lambda s, t: (s - t).square().sum() / max(len(s), 1)  # noqa: E731
    assert distill(student, freeze(network(1)), nothing, loss, sgd(student)).losses == [0.0]


def test_a_mean_over_no_row_is_told_as_that():
    student = linear()
    with pytest.raises(StudyError, match="The loss is nan in step 1.*it has no row.*leave such batches out"):
        distill(student, freeze(network(1)), [(torch.zeros(0, 4), None)], F.mse_loss, sgd(student))


def test_the_sentences_are_said_in_chinese_too():
    student = linear()
    use_language("zh")
    with pytest.raises(ValueError, match="accumulate不能小于1"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), accumulate=0)
    with pytest.raises(ValueError, match=r"Hint\.projector\.weight等2个参数需要学习"):
        distill(student, freeze(network(1)), batches(), Hint(), sgd(student))


# shared layers


class Watched(nn.Module):
    """Layers that note in which mode they were used, and whether under a graph."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.body = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4))
        self.uses = []

    def forward(self, rows):
        output = self.body(rows)
        self.uses.append((self.body[1].training, self.body[2].training, output.requires_grad))
        return output


def pair(kind):
    """(student, teacher, what they share)."""
    shared = Watched()
    match kind:
        case "one model":
            return shared, shared, shared
        case "a body":
            return nn.Sequential(shared, nn.Linear(4, 3)), nn.Sequential(shared, nn.Linear(4, 3)), shared
        case "an early exit":
            return shared, nn.Sequential(shared, nn.Linear(4, 4)), shared


def by_distill(student, teacher, optimizer):
    distill(student, LiveSignal(teacher), batches(), F.mse_loss, optimizer)


def by_distill_with_a_bare_teacher(student, teacher, optimizer):
    distill(student, teacher, batches(), F.mse_loss, optimizer)


def by_the_classic_loop(student, teacher, optimizer):
    train_student_model(teacher, student, batches(), F.mse_loss, optimizer)


def by_steps(student, teacher, optimizer):
    for inputs, _ in batches():
        distill_step(student, teacher, inputs, optimizer, F.mse_loss)


LOOPS = [by_distill, by_distill_with_a_bare_teacher, by_the_classic_loop, by_steps]


@pytest.mark.parametrize("train", LOOPS)
@pytest.mark.parametrize("kind", ["one model", "a body", "an early exit"])
@pytest.mark.parametrize("mode", [True, False])
def test_shared_layers_answer_in_eval_mode_and_learn_in_training_mode(train, kind, mode):
    student, teacher, shared = pair(kind)
    student.train(mode)
    teacher.train(mode)
    before, mean = state(shared.body[0]), shared.body[2].running_mean.clone()
    train(student, teacher, sgd(student))
    assert shared.uses == [(False, False, False), (True, True, True)] * 3
    assert not same(state(shared.body[0]), before) and not torch.equal(shared.body[2].running_mean, mean)
    assert all(part.training for part in student.modules())


@pytest.mark.parametrize("train", LOOPS)
def test_a_teacher_frozen_inside_its_student_sleeps_on(train):
    teacher = freeze(Watched())
    student = nn.Sequential(teacher, nn.Linear(4, 4))
    before = state(teacher)
    train(student, teacher, sgd(student[1]))
    assert teacher.uses == [(False, False, False)] * 6 and same(state(teacher), before)


@pytest.mark.parametrize("train", [by_distill, by_distill_with_a_bare_teacher])
def test_freezing_a_teacher_that_freezes_the_student_is_refused(train):
    student, teacher, _ = pair("a body")
    freeze(teacher)
    with pytest.raises(ValueError, match="0.body.0.weight is in an optimizer but frozen.*copy.deepcopy"):
        train(student, teacher, sgd(student))
    train(student, teacher, sgd(student[1]))
    train(student, copy.deepcopy(teacher), sgd(student[1]))


def test_a_bare_teacher_is_asked_in_eval_mode():
    student, teacher = linear(), network(1).train()
    before = state(teacher)
    distill(student, teacher, batches(), F.mse_loss, sgd(student))
    assert same(state(teacher), before) and teacher.training


# buffers


class Counting(nn.Module):
    """A loss with a buffer, and a student's large one; both are written to."""

    def __init__(self, size):
        super().__init__()
        self.register_buffer("seen", torch.zeros(size))
        self.register_buffer("nothing", None)

    def forward(self, student_output, teacher_output):
        self.seen += 1
        loss = F.mse_loss(student_output, teacher_output)
        return loss * math.nan if self.seen[0] == 3 else loss


@pytest.mark.parametrize("size", [1, SMALL + 1])
def test_after_a_step_that_failed_every_buffer_is_as_before(size):
    student, loss = network(), Counting(size)
    twin, twin_loss = copy.deepcopy(student), copy.deepcopy(loss)
    torch.manual_seed(0)
    distill(twin, freeze(network(1)), batches()[:2], twin_loss, sgd(twin))
    torch.manual_seed(0)
    with pytest.raises(StudyError, match="step 3"):
        distill(student, freeze(network(1)), batches(), loss, sgd(student))
    assert same(state(student), state(twin)) and loss.seen[0] == 2 and loss.seen.unique().numel() == 1


def test_an_error_of_the_students_own_leaves_the_buffers_too():
    student = network()
    before = state(student)

    def forward(rows):
        student(rows)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), forward=forward)
    assert same(state(student), before)


def test_a_buffer_that_is_replaced_comes_back():
    module = nn.Module()
    module.register_buffer("cache", torch.zeros(2))
    kept = Buffers([module])
    for expected in (torch.zeros(2), torch.ones(3)):
        module.cache = expected.clone()
        kept.note()
        module.cache.fill_(7)
        module.cache = torch.full((4,), 9.0)
        kept.restore()
        assert torch.equal(module.cache, expected)


def test_a_large_buffer_that_nobody_writes_to_is_copied_once(monkeypatch):
    module, copies = nn.Module(), []
    module.register_buffer("table", torch.zeros(SMALL + 1))
    clone = torch.Tensor.clone
    monkeypatch.setattr(torch.Tensor, "clone", lambda tensor: copies.append(tensor.numel()) or clone(tensor))
    kept = Buffers([module])
    for _ in range(3):
        kept.note()
    assert copies == [SMALL + 1]
    module.table += 1
    kept.note()
    assert copies == [SMALL + 1] * 2


# where a signal is asked


def test_a_signal_is_asked_on_its_own_device_and_answers_on_the_students():
    """Row numbers for a table that lies elsewhere aren't sent by way of the student's device."""
    seen, student = [], linear()

    class Elsewhere:
        device = torch.device("meta")

        def __call__(self, rows):
            seen.append(rows.device)
            return torch.zeros(len(rows), 3)

    distill(student, Elsewhere(), batches()[:1], F.mse_loss, sgd(student))
    distill(
        student,
        lambda rows: seen.append(rows.device) or torch.zeros(8, 3),
        batches()[:1],
        F.mse_loss,
        sgd(student),
    )
    assert seen == [torch.device("meta"), torch.device("cpu")]
    assert TableSignal(torch.zeros(2, 3), "meta").device == torch.device("meta")
    assert TableSignal(torch.zeros(2, 3)).device == torch.device("cpu")


def test_loss_and_norm_are_read_in_one_transfer(monkeypatch):
    """On a GPU each reading waits for all that was asked of it before."""
    readings = []
    for name in ("item", "tolist"):
        read = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda tensor, read=read: readings.append(1) or read(tensor))
    student = linear()
    distill(student, freeze(network(1)), batches(), F.mse_loss, sgd(student), clip_norm=0.01)
    assert len(readings) == 3  # steps


# what else a loader and a student give


class Stream(IterableDataset):
    def __iter__(self):
        return zip(*data(), strict=True)


def test_a_stream_is_a_loader():
    student, twin = linear(), linear()
    loader = DataLoader(Stream(), batch_size=8)
    result = distill(student, freeze(network(1)), loader, F.mse_loss, sgd(student), epochs=2, progress=True)
    distill(twin, freeze(network(1)), batches(), F.mse_loss, sgd(twin), epochs=2)
    assert result.steps == 6 and same(state(student), state(twin))


def test_bf16_leaves_masks_and_ids_alone():
    student, seen = linear(), []

    def forward(rows):
        return {"logits": student(rows), "mask": rows[:, 0] > 0, "ids": torch.arange(len(rows))}

    def loss(output, teacher_output):
        seen.append([output[name].dtype for name in ("logits", "mask", "ids")])
        return F.mse_loss(output["logits"][output["mask"]], teacher_output[output["ids"]][output["mask"]])

    distill(student, freeze(network(1)), batches()[:1], loss, sgd(student), forward=forward, bf16=True)
    assert seen == [[torch.float32, torch.bool, torch.int64]]


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 3), (2, 2)])
def test_a_step_without_any_gradient_after_the_first_is_a_step(accumulate, steps):
    student, calls = linear(), []

    def loss(student_output, teacher_output):
        calls.append(1)
        learns = F.mse_loss(student_output, teacher_output)
        return learns if len(calls) <= accumulate else torch.zeros((), requires_grad=True)

    teacher, optimizer = freeze(network(1)), sgd(student)
    result = distill(student, teacher, batches() * 2, loss, optimizer, accumulate=accumulate, max_steps=steps)
    assert result.losses[1:] == [0.0] * (steps - 1)
