import copy

import torch
import torch.nn.functional as F
from torch import nn

from kd_study.exercises.base import check, expect, expect_close, normal, outcome
from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop._shared import update


def train_with_hints(
    student: nn.Module, projector: nn.Module, batches, learning_rate: float = 0.1
) -> list[float]:
    """Train a student and its projector on hints, one step of plain SGD on each batch.

    Args: student, inputs → (…, D); projector, (…, D) → (…, D'); batches of (inputs, teacher_hidden (…, D')).
    Returns: each batch's mean squared error before its step.
    Source: Romero et al. 2015, arXiv:1412.6550.
    """
    optimizer = torch.optim.SGD([*student.parameters(), *projector.parameters()], lr=learning_rate)
    losses = []
    for inputs, teacher_hidden in batches:
        loss = F.mse_loss(projector(student(inputs)), teacher_hidden.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


class DebugIdleProjector(DebugExercise):
    @property
    def reference(self):
        import torch._dynamo  # noqa: F401  # as in TrainingExercise

        return train_with_hints

    def validate(self, result, arguments):
        expect(
            isinstance(result, list) and all(isinstance(loss, float) for loss in result),
            "the function should return a list of Python floats, one a batch; .item() makes one of a tensor",
            "函数应返回由Python float组成的列表，每批一个；用.item()可以把张量变成数",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, projector = _scale(1.0), _scale(2.0)
        losses = fn(student, projector, [(torch.ones(1, 1), torch.full((1, 1), 4.0))] * 2)
        expect_close(
            student.weight,
            torch.tensor([[1.8 + 0.1 * 2 * (4 - 1.8 * 2.4) * 2.4]]),
            "the student's weight should go from 1 to 1 + 0.1 · 2 · (4 − 2) · 2 = 1.8, then to 1.6464, seen through a projector at 2.4",
            "学生的权重应从1变为1 + 0.1 · 2 · (4 − 2) · 2 = 1.8，再透过已是2.4的投影层变为1.6464",
            tolerance=1e-3,
        )
        expect_close(
            torch.tensor(losses),
            torch.tensor([4.0, 0.1024]),
            "the losses before each step should be (2 − 4)² = 4 and (1.8 · 2.4 − 4)² = 0.1024",
            "两步之前的损失应是(2 − 4)² = 4和(1.8 · 2.4 − 4)² = 0.1024",
            tolerance=1e-3,
        )

    @check(en="The projector moves", zh="投影层在动")
    def moves_the_projector(self, fn):
        scene = _Scene().train(fn)
        expect(
            not torch.equal(scene.projector.weight, _Scene().projector.weight),
            "after three batches the projector's weights are what they were at the start: who steps by its gradient?",
            "三批之后，投影层的权重还是最初的样子：谁用它的梯度走了一步？",
        )
        for part, expected in zip(scene.projector.parameters(), _RIGHT.projector.parameters(), strict=True):
            expect_close(
                part,
                expected,
                "after three batches each of the projector's parameters should have made three steps of SGD, from fresh gradients",
                "三批之后，投影层的每个参数都应各用新的梯度走过三步SGD",
                tolerance=1e-3,
            )

    @check(en="The student moves", zh="学生在动")
    def moves_the_student(self, fn):
        scene = _Scene().train(fn)
        for part, expected in zip(scene.student.parameters(), _RIGHT.student.parameters(), strict=True):
            expect_close(
                part,
                expected,
                "after three batches each of the student's parameters should have made three steps of SGD, through the projector as "
                "it then was",
                "三批之后，学生的每个参数都应各走过三步SGD，每一步都透过当时的投影层",
                tolerance=1e-3,
            )

    @check(en="Fresh gradients", zh="新的梯度")
    def steps_from_fresh_gradients(self, fn):
        scene = _Scene(stale=True).train(fn)
        for own, right in ((scene.student, _RIGHT.student), (scene.projector, _RIGHT.projector)):
            expect_close(
                own.weight,
                right.weight,
                "both came with a gradient from earlier work; the first step should not know of it",
                "两者传入时都带着以前留下的梯度，第一步不应受它影响",
                tolerance=1e-3,
            )

    @check(en="The teacher is left alone", zh="不动教师")
    def leaves_the_teacher_alone(self, fn):
        scene = _Scene(leaf=True).train(fn)
        expect(
            all(hidden.grad is None for _, hidden in scene.batches),
            "the teacher's hidden states have got a gradient: detach them",
            "教师的隐藏状态得到了梯度：请detach",
        )
        expect(
            all(
                part.requires_grad
                for model in (scene.student, scene.projector)
                for part in model.parameters()
            ),
            "student and projector should ask for gradients afterwards, as before",
            "训练之后，学生和投影层应和之前一样需要梯度",
        )

    @check(en="A projector of any kind, any rate", zh="任意的投影层与学习率")
    def takes_any_projector(self, fn):
        for projector in (nn.Sequential(_Scene().projector, nn.Tanh()), nn.Identity()):
            width = 2 if isinstance(projector, nn.Identity) else 4
            own, right = (_Scene(projector=copy.deepcopy(projector), width=width) for _ in range(2))
            own.train(fn, learning_rate=0.3)
            right.train(train_with_hints, learning_rate=0.3)
            expect_close(
                own.student.weight,
                right.student.weight,
                "the projector may have several layers, or no parameter at all; the rate is the one given",
                "投影层可以有好几层，也可以一个参数都没有；学习率是传入的那个",
                tolerance=1e-3,
            )

    def behaviour(self, function):
        def facts(**options):
            scene = _Scene(**options)
            losses = function(scene.student, scene.projector, scene.batches)
            return [
                *(part.detach() for part in (*scene.student.parameters(), *scene.projector.parameters())),
                torch.as_tensor(losses).detach(),
            ]

        def traces():
            scene = _Scene(leaf=True)
            losses = function(scene.student, scene.projector, scene.batches)
            models = scene.student, scene.projector
            return [
                type(losses).__name__,
                type(losses[0]).__name__ if isinstance(losses, list) else "",
                [part.grad is None for model in models for part in model.parameters()],
                [part.requires_grad for model in models for part in model.parameters()],
                [hidden.grad is None for _, hidden in scene.batches],
            ]

        return {"fresh": outcome(facts), "traces": outcome(traces)}, {
            "stale": outcome(lambda: facts(stale=True))
        }


class _Scene:
    """A linear student (N, 3) → (N, 2), a linear projector to 4 features, three batches of five rows."""

    def __init__(
        self, stale: bool = False, leaf: bool = False, projector: nn.Module | None = None, width: int = 4
    ):
        self.student = _linear(3, 2, seed=1)
        self.projector = projector or _linear(2, 4, seed=2)
        self.batches = [(normal(5, 3, seed=10 + i), normal(5, width, seed=20 + i)) for i in range(3)]
        if stale:
            for model in (self.student, self.projector):
                for part in model.parameters():
                    part.grad = torch.full_like(part, 5.0)
        if leaf:
            self.batches = [(inputs, hidden.requires_grad_()) for inputs, hidden in self.batches]

    def train(self, function, **options) -> "_Scene":
        function(self.student, self.projector, self.batches, **options)
        return self


def _linear(inputs: int, outputs: int, seed: int) -> nn.Linear:
    with torch.random.fork_rng():
        layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        for part in layer.parameters():
            part.copy_(normal(*part.shape, seed=seed, scale=0.5))
    return layer


def _scale(weight: float) -> nn.Linear:
    with torch.random.fork_rng():
        layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    return layer


_RIGHT = _Scene().train(train_with_hints)


def _sgd(*models: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD([part for model in models for part in model.parameters()], lr=rate)


def _hint(student, projector, inputs, teacher_hidden):
    return F.mse_loss(projector(student(inputs)), teacher_hidden.detach())


@DebugIdleProjector.wrong(
    en="The optimizer was given the student's parameters alone. The projector has gradients, and nobody steps by them: the student "
    "learns to suit a random map.",
    zh="只把学生的参数交给了优化器。投影层有梯度，却没有人用它走一步：学生学的是迁就一个随机映射。",
    reference="roymiles/Simple-Recipe-Distillation#1",
)
def gives_the_optimizer_the_student_alone(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(student, rate=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="Now the optimizer has the projector alone: the loss falls, and the student never moves.",
    zh="这回优化器里只剩投影层：损失在降，学生一动不动。",
)
def gives_the_optimizer_the_projector_alone(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(projector, rate=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="The projector is frozen by requires_grad_(False): it has no gradient at all, and stays the random map that it was.",
    zh="用requires_grad_(False)冻结了投影层：它连梯度都没有，始终是最初那个随机映射。",
)
def freezes_the_projector(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(student, projector.requires_grad_(False), rate=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="Only the projector's weight is in the optimizer; its bias stays where it began. Hand over parameters(), not those that you remember.",
    zh="只有投影层的weight进了优化器，bias停在初始值。请交出parameters()，而不是自己记得的那几个。",
)
def forgets_the_bias(student, projector, batches, learning_rate=0.1):
    optimizer = torch.optim.SGD([*student.parameters(), projector.weight], lr=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="The projector is replaced after the optimizer was made, as a late move or a copy does: the optimizer goes on holding the old "
    "parameters, which no loss reaches any more.",
    zh="优化器建好之后又换了投影层（事后搬动或复制就会这样）：优化器手里还是旧参数，没有损失再到得了它们。",
)
def replaces_the_projector_behind_the_optimizer(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(student, projector, rate=learning_rate)
    projector = copy.deepcopy(projector)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="A copy of the projector is trained, properly, and thrown away: the one that was handed in has not moved, and whoever goes on with it "
    "starts anew.",
    zh="好好训练了投影层的一个副本，然后丢掉了：传入的那一个没有动，接着用它的人要从头再来。",
)
def trains_a_copy(student, projector, batches, learning_rate=0.1):
    projector = copy.deepcopy(projector)
    optimizer = _sgd(student, projector, rate=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="Only the student's gradients are cleared. The projector's add up from batch to batch, and it overshoots.",
    zh="只清零了学生的梯度。投影层的梯度一批批累加，步子越迈越大。",
)
def clears_the_student_alone(student, projector, batches, learning_rate=0.1):
    optimizer, losses = _sgd(student, projector, rate=learning_rate), []
    projector.zero_grad()
    for batch in batches:
        loss = _hint(student, projector, *batch)
        student.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@DebugIdleProjector.wrong(
    en="The gradients are cleared after the step only: what student and projector bring along goes into the first one.",
    zh="只在step之后清零：学生和投影层带进来的旧梯度混入了第一步。",
)
def clears_after_the_step(student, projector, batches, learning_rate=0.1):
    optimizer, losses = _sgd(student, projector, rate=learning_rate), []
    for batch in batches:
        loss = _hint(student, projector, *batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@DebugIdleProjector.wrong(
    en="The student is detached: the projector moves now, and it alone. Both belong in the optimizer and on the graph.",
    zh="学生被detach了：投影层倒是动了，可也只有它在动。两者都要在优化器里，也都要在计算图上。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def detaches_the_student(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(student, projector, rate=learning_rate)
    return [
        update(optimizer, F.mse_loss(projector(student(inputs).detach()), hidden.detach()))
        for inputs, hidden in batches
    ]


@DebugIdleProjector.wrong(
    en="Student and projector step one after the other, the second from a loss that was computed anew. One backward pass serves both.",
    zh="学生和投影层先后各走一步，后一步用的是重新计算的损失。一次反向就够两者用。",
)
def steps_one_after_the_other(student, projector, batches, learning_rate=0.1):
    first, second = _sgd(student, rate=learning_rate), _sgd(projector, rate=learning_rate)
    losses = []
    for batch in batches:
        losses.append(update(first, _hint(student, projector, *batch)))
        update(second, _hint(student, projector, *batch))
    return losses


@DebugIdleProjector.wrong(
    en="The teacher's hidden states are not detached: they get a gradient, and a teacher behind them would move.",
    zh="教师的隐藏状态没有detach：它们得到了梯度，背后若有教师，教师就会动。",
)
def lets_the_teacher_learn(student, projector, batches, learning_rate=0.1):
    optimizer = _sgd(student, projector, rate=learning_rate)
    return [update(optimizer, F.mse_loss(projector(student(inputs)), hidden)) for inputs, hidden in batches]


@DebugIdleProjector.wrong(
    en="Another optimizer takes the place of SGD. Adam doesn't notice how a loss is scaled, and goes elsewhere.",
    zh="把SGD换成了别的优化器。Adam看不出损失的尺度，走到别处去了。",
)
def takes_adam(student, projector, batches, learning_rate=0.1):
    optimizer = torch.optim.Adam([*student.parameters(), *projector.parameters()], lr=learning_rate)
    return [update(optimizer, _hint(student, projector, *batch)) for batch in batches]


@DebugIdleProjector.wrong(
    en="The losses come back as tensors with their graphs: a list of them keeps every batch's activations alive. Return loss.item().",
    zh="返回的损失是带着计算图的张量：一个列表就拽住了每一批的激活值。请返回loss.item()。",
)
def returns_tensors(student, projector, batches, learning_rate=0.1):
    optimizer, losses = _sgd(student, projector, rate=learning_rate), []
    for batch in batches:
        losses.append(_hint(student, projector, *batch))
        update(optimizer, losses[-1])
    return losses


@DebugIdleProjector.wrong(
    en="The losses are measured again after each step. What is asked for is the loss that the step was made from.",
    zh="损失是每一步之后重新计算的。要返回的是这一步所依据的那个损失。",
)
def measures_after_the_step(student, projector, batches, learning_rate=0.1):
    optimizer, losses = _sgd(student, projector, rate=learning_rate), []
    for batch in batches:
        update(optimizer, _hint(student, projector, *batch))
        losses.append(_hint(student, projector, *batch).item())
    return losses


EXERCISE = DebugIdleProjector()
