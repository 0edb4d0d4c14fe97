"""The stage for the exercises on the loop: tiny models, batches, a loss and an optimizer that take notes."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kd_study.exercises.base import Exercise, is_close, normal


class TrainingExercise(Exercise):
    """An exercise whose function trains a student."""

    uses_randomness = True

    @property
    def reference(self):
        import torch._dynamo  # noqa: F401  # optimizers import it at their first step, which takes seconds

        return super().reference


class Scale(nn.Module):
    """y = w · x: a model whose every step can be done by hand."""

    def __init__(self, weight: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([weight]))

    def forward(self, data: Tensor) -> Tensor:
        return self.weight * data


class Teacher(nn.Module):
    """(N, 3) → (N, 2), around +10, where no student comes. In training mode its answer and buffers change."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.head = nn.Linear(8, 2)
        _fill(self)
        self.shift = nn.Parameter(torch.tensor(10.0))  # its own, in none of its parts
        self.asked_with_a_graph = _Notes()  # of each forward pass

    def forward(self, data: Tensor) -> Tensor:
        trains = any(parameter.requires_grad for parameter in self.parameters())
        self.asked_with_a_graph.append(trains and torch.is_grad_enabled())
        return self.head(self.body(data)) + self.shift


class _Notes(list):
    """Shared by a model and its copies."""

    def __deepcopy__(self, memo):
        return self


class Student(nn.Module):
    """(N, 3) → (N, 2), around 0; notes the data of each forward pass and whether all of it was training."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.head = nn.Linear(4, 2)
        self.seen: list[Tensor] = []
        self.was_training: list[bool] = []
        _fill(self)

    def forward(self, data: Tensor) -> Tensor:
        self.seen.append(data.detach().clone())
        self.was_training.append(all(part.training for part in self.modules()))
        return self.head(self.body(data))


class NotingSGD(torch.optim.SGD):
    """Plain gradient descent that notes the gradients by which it steps, one list a step, None where one is missing."""

    def __init__(self, parameters, lr: float):
        super().__init__(parameters, lr)
        self.gradients: list[list[Tensor | None]] = []

    def step(self, closure=None):
        if closure is not None:
            with torch.enable_grad():
                closure = closure()
        self.gradients.append(
            [
                None if leaf.grad is None else leaf.grad.detach().clone()
                for group in self.param_groups
                for leaf in group["params"]
            ]
        )
        super().step()
        return closure

    @property
    def steps(self) -> int:
        return len(self.gradients)


class ByHand:
    """A student y = w · x at w = 0, a teacher y = 2x, the input 1, squared error, SGD at 0.25: w → w / 2 + 1.

    The targets, 5, are not what the teacher says. At a rate of 1.25 what is missing grows, and turns round: × −1.5.
    """

    def __init__(
        self,
        batches: int = 1,
        loss: Callable = F.mse_loss,
        rate: float = 0.25,
        stale_gradient: float | None = None,
    ):
        self.student, self.teacher = Scale(0.0), Scale(2.0)
        self.batches = [(torch.ones(1), torch.tensor([5.0])) for _ in range(batches)]
        self.loss = loss
        self.optimizer = NotingSGD(self.student.parameters(), lr=rate)
        if stale_gradient is not None:
            self.student.weight.grad = torch.tensor([stale_gradient])

    @property
    def weight(self) -> float:
        return self.student.weight.item()


class Exact:
    """Two batches of no round numbers for a student and a loss with a weight of its own, both in one optimizer.

    What is added to loss or gradient, a rounding and an old gradient show in the steps that the optimizer notes.
    agreed: whether the student already answers as its teacher, so that every gradient is exactly 0.
    """

    def __init__(self, agreed: bool = False):
        self.student = _linear(3.1, -2.7)
        self.teacher = _linear(3.1, -2.7) if agreed else _linear(-1.3, 0.45)
        self.loss = Factor(1.0 if agreed else 1.7)
        self.batches = [
            (torch.tensor([[0.1, 0.7], [1.3, -0.9]]), torch.zeros(2)),
            (torch.tensor([[-0.3, 1.1], [0.7, 0.2]]), torch.zeros(2)),
        ]
        self.optimizer = NotingSGD([*self.student.parameters(), *self.loss.parameters()], lr=0.05)
        self.settings = self._settings()

    def _settings(self) -> dict:
        return {name: value for name, value in self.optimizer.param_groups[0].items() if name != "params"}

    def settings_changed(self) -> list[str]:
        """The optimizer's settings, such as lr, that are no longer what they were."""
        return [name for name, value in self._settings().items() if value != self.settings.get(name)]

    @staticmethod
    def gradients() -> list[list[Tensor]]:
        """Of one pass: for each step the gradients of the student's weight and of the loss's, in float64."""
        scene = Exact()
        student, teacher, loss = scene.student.double(), scene.teacher.double(), scene.loss.double()
        parameters = [*student.parameters(), *loss.parameters()]
        found = []
        for data, _ in scene.batches:
            value = loss(student(data.double()), teacher(data.double()).detach())
            found.append(torch.autograd.grad(value, parameters))
            with torch.no_grad():
                for parameter, slope in zip(parameters, found[-1], strict=True):
                    parameter -= 0.05 * slope
        return found


class Factor(nn.Module):
    """Squared error between a multiple of the student's output and the teacher's: a projector in its simplest form."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, student_output: Tensor, teacher_output: Tensor) -> Tensor:
        return F.mse_loss(self.factor * student_output, teacher_output)


class Shuffled:
    """A loader whose passes differ in order, as with `shuffle=True`: the first two batches change places."""

    def __init__(self, batches: list):
        self.batches = batches
        self.passes = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator:
        self.passes += 1
        batches, self.batches = self.batches, [self.batches[1], self.batches[0], *self.batches[2:]]
        return iter(batches)


@dataclass(frozen=True)
class Comparison:
    """One call of the loss: how the teacher's answer came, and whether it was the right one."""

    swapped: bool  # the teacher's answer came first
    right_answer: bool  # it is what the teacher says in eval mode to what the student has just read
    of_another_batch: bool  # it is what the teacher says in eval mode to another batch of the scene
    has_a_teacher_graph: bool


class Scene:
    """A teacher in training mode, a student in eval mode, three batches, the last of them smaller; and notes.

    `loss` compares two outputs, `comparisons` are its calls; `optimizer` notes its steps.
    """

    def __init__(self):
        self.teacher, self.student = Teacher().train(), Student().eval()
        self.batches = [
            (normal(size, 3, seed=seed), torch.arange(size) % 2) for seed, size in enumerate((4, 4, 3))
        ]
        self.batches_given = tuple(self.batches)
        self.optimizer = NotingSGD(self.student.parameters(), lr=0.01)
        self.comparisons: list[Comparison] = []
        self._oracle = copy.deepcopy(self.teacher).eval().requires_grad_(False)
        self.loss = lambda student_output, teacher_output: self._compare(student_output, teacher_output)
        self._oracle.asked_with_a_graph = _Notes()
        self.before = {"teacher": state(self.teacher), "student": state(self.student)}

    def _compare(self, first: Tensor, second: Tensor) -> Tensor:
        swapped = first.mean().item() > 5 > second.mean().item()  # only a teacher says 10
        said = first if swapped else second
        right = bool(self.student.seen) and is_close(said, self._oracle(self.student.seen[-1]))
        another = not right and any(is_close(said, self._oracle(data)) for data, _ in self.batches_given)
        self.comparisons.append(Comparison(swapped, right, another, said.requires_grad))
        return F.mse_loss(first, second)

    def moved(self, who: str) -> list[str]:
        """The names of the parameters and buffers of "teacher" or "student" that have changed."""
        now, before = state(getattr(self, who)), self.before[who]
        return [name for name in before if not torch.equal(now[name], before[name])]

    def teacher_has_gradients(self) -> bool:
        return any(part.grad is not None and bool(part.grad.any()) for part in self.teacher.parameters())


def state(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the model's parameters and buffers."""
    return {name: value.detach().clone() for name, value in nn.Module.state_dict(model).items()}


def modes(model: nn.Module) -> list[bool]:
    """The training flag of the model and of all its parts."""
    return [part.training for part in model.modules()]


def seeded(call: Callable):
    """The result of the call under a fixed seed; the global random state is as before."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return call()


def _linear(*weights: float) -> nn.Linear:
    """(N, len(weights)) → (N, 1), without a bias."""
    layer = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
    return layer


def _fill(model: nn.Module) -> None:
    """Parameters and buffers that are the same on every call and not those of a fresh BatchNorm."""
    for seed, value in enumerate(model.state_dict().values()):
        if value.is_floating_point():
            value.copy_(normal(*value.shape, seed=seed, scale=0.4))
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.fill_(2.0)
