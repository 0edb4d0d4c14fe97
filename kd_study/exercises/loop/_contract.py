"""What `train_student_model` and `repair_the_loop` have in common: one contract, its checks, its behaviour."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kd_study.exercises.base import Text, check, expect, expect_close, is_close, outcome, shown
from kd_study.exercises.loop._scene import ByHand, Scene, Shuffled, seeded, state
from kd_study.exercises.loop._teaching import TeachingExercise

_STUDENT_STATE = Text("the student's state", "学生的参数")


class LoopExercise(TeachingExercise):
    """A function (teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1)."""

    def train(self, fn, scene, epochs=None):
        options = {} if epochs is None else {"epochs": epochs}
        return fn(scene.teacher, scene.student, scene.batches, scene.loss, scene.optimizer, **options)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            self.trained(fn, ByHand()).weight,
            1.0,
            "one batch should take the student's w from 0 to 0 + 0.25 · 4 = 1",
            "一批数据应把学生的w从0变为0 + 0.25 · 4 = 1",
        )

    @check(en="As many passes as epochs, one by default", zh="遍历epochs遍，默认一遍")
    def makes_as_many_passes_as_epochs(self, fn):
        for epochs, weight in ((None, 1.0), (3, 1.75)):
            expect_close(
                self.trained(fn, ByHand(), epochs).weight,
                weight,
                f"with one batch and {'no epochs given' if epochs is None else f'epochs={epochs}'}, w should end at "
                f"{weight}: every pass halves what is missing to 2",
                f"只有一批数据、{'不给epochs' if epochs is None else f'epochs={epochs}'}时，w应停在{weight}："
                "每一遍都把与2的差距减半",
            )
        expect_close(
            self.trained(fn, ByHand(rate=1.25), epochs=4).weight,
            2 - 2 * 1.5**4,
            "at a learning rate of 1.25 every pass takes w past 2 and further away, to 2 − 2 · 1.5⁴ after four, and so it "
            "should end: stopping early or going back to the best epoch's weights is for the caller to decide",
            "学习率为1.25时，每一遍都越过2并离得更远，四遍之后是2 − 2 · 1.5⁴，就应停在那里：提前停止、或换回最好的那个epoch的参数，由调用者决定",
        )
        passes = self.trained(fn, _shuffled(), epochs=2).batches.passes
        expect(
            passes >= 2,
            f"with epochs=2 the loader should be gone through twice, not {passes} times: one that shuffles or "
            "augments gives other batches in each pass",
            f"epochs=2时应遍历加载器两遍，而不是{passes}遍：会打乱顺序或做数据增强的加载器，每一遍给出的批次都不同",
        )

    @check(en="The teacher answers every batch anew", zh="教师对每一批都重新作答")
    def asks_about_the_batch_at_hand(self, fn):
        comparisons = self.trained(fn, _shuffled(), epochs=2).comparisons
        expect(
            not any(comparison.of_another_batch for comparison in comparisons),
            "the loader gives its batches in another order in the second epoch, and the teacher's output no longer "
            "belongs to what the student has read",
            "第二个epoch里加载器换了批次顺序，教师的输出便与学生读到的数据对不上了",
        )

    @check(en="The target goes to losses that require it, to no others", zh="需要target的损失才会收到它")
    def passes_the_target_where_it_is_required(self, fn):
        heard = []
        for kind, (loss_function, wants) in _losses(heard).items():
            heard.clear()
            came = outcome(lambda loss=loss_function: self.trained(fn, ByHand(loss=loss)).weight)
            expect(
                isinstance(came, float) and is_close(came, 1.0),
                f"with {kind} as the loss, w should end at 1, but came out as {shown(came)}: pass the target where the "
                "loss has three positional parameters without a default, and only there",
                f"以{kind}为损失函数时，w应为1，实际得到{shown(came)}：当且仅当损失有三个没有默认值的位置参数时，才传入target",
            )
            expect(
                heard == ([5.0] if wants else []),
                f"with {kind} as the loss, the batch's target, 5, should be its third argument, not {shown(heard)}",
                f"以{kind}为损失函数时，它的第三个参数应是这批的target（5），而不是{shown(heard)}",
            )

    @check(en="Returns the student's state_dict", zh="返回学生模型的state_dict")
    def returns_the_students_state(self, fn):
        for scene, epochs, en, zh in (
            (Scene(), None, "", ""),
            (ByHand(batches=2, rate=1.25), 3, " in which the loss rises", "（期间损失上升）"),
        ):
            kind = _kind_of_result(self.train(fn, scene, epochs), scene)
            expect(
                kind == _STUDENT_STATE,
                f"after {epochs or 1} epoch(s){en} the result should be student_model.state_dict() as it is after the last "
                f"step, with every parameter and buffer, but is {kind.en}",
                f"{epochs or 1}个epoch之后{zh}，应返回最后一步之后的student_model.state_dict()，包含全部参数与缓冲区，"
                f"实际返回的是{kind.zh}",
            )

    @check(en="ValueError for a loader without a batch", zh="加载器没有数据时抛出ValueError")
    def refuses_an_empty_loader(self, fn):
        for loader in ([], DataLoader(TensorDataset(torch.zeros(0, 3), torch.zeros(0)))):
            came = outcome(lambda loader=loader: self._without_a_batch(fn, loader))
            expect(
                came == "ValueError",
                "a loader without a batch trains nothing, and nobody notices; it should raise ValueError, but gave "
                f"{shown(came)}",
                f"加载器一批都没有，什么也没训练却无人察觉；应抛出ValueError，实际得到{shown(came)}",
            )

    @check(en="Works with a DataLoader", zh="可用于DataLoader")
    def works_with_a_data_loader(self, fn):
        scene = ByHand()
        data = TensorDataset(torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), torch.zeros(4))
        scene.batches = DataLoader(data, 3, shuffle=True)
        expect_close(
            self.trained(fn, scene, epochs=2).weight,
            1.875,
            "four samples, ±1, in batches of three and one and two epochs are four steps, of outputs of shape (3, 1) and "
            "(1, 1): w goes over 1, 1.5 and 1.75 to 1.875",
            "四个样本（±1），每遍分成三个和一个两批，两个epoch共四步，输出的形状是(3, 1)和(1, 1)：w依次为1、1.5、1.75、1.875",
        )

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge |= {
            "shuffled": outcome(lambda: seeded(lambda: self._two_passes(function))),
            "uneven": outcome(lambda: _weight_in(self.train(function, _uneven(), 3))),
            "no batch": outcome(lambda: type(self._without_a_batch(function, [])).__name__),
            "rising": outcome(lambda: self._rising(function)),
        }
        for kind in _losses([]):
            edge[kind] = outcome(lambda kind=kind: self._with_loss(function, kind))
        return ordinary, edge

    def facts(self, function):
        scene = Scene()
        return super().facts(function) | {"result": _kind_of_result(self.train(function, scene), scene)}

    def _rising(self, function: Callable) -> list:
        """The student's weight and the kind of result after epochs in which the loss rises."""
        scene = ByHand(batches=2, rate=1.25)
        result = self.train(function, scene, 3)
        return [scene.weight, _kind_of_result(result, scene), _weight_in(result)]

    def _two_passes(self, function: Callable) -> list:
        """Over a loader that shuffles: which answers were right, which batches were read, how often it was gone through."""
        scene = self.trained(function, _shuffled(), epochs=2)
        data = [batch for batch, _ in scene.batches_given]
        read = [
            next((i for i, one in enumerate(data) if torch.equal(one, seen)), None)
            for seen in scene.student.seen
        ]
        answers = [comparison.right_answer for comparison in scene.comparisons]
        return [answers, [str(place) for place in read], str(scene.batches.passes)]

    def _with_loss(self, function: Callable, kind: str) -> list:
        heard = []
        return [self.trained(function, ByHand(loss=_losses(heard)[kind][0])).weight, heard]

    def _without_a_batch(self, function: Callable, loader):
        scene = ByHand()
        scene.batches = loader
        return self.train(function, scene)


def _uneven() -> ByHand:
    """A scene whose loss is lowest in the second of three epochs, when the loader gives a small input."""
    scene, inputs = ByHand(rate=0.1), iter((3.0, 0.7, 2.0))

    class Loader:
        def __len__(self):
            return 1

        def __iter__(self):
            yield torch.tensor([next(inputs, 1.0)]), torch.tensor([5.0])

    scene.batches = Loader()
    return scene


def _shuffled() -> Scene:
    """A scene whose loader gives its batches in another order in each pass."""
    scene = Scene()
    scene.batches = Shuffled(scene.batches)
    return scene


def _losses(heard: list) -> dict[str, tuple[Callable, bool]]:
    """Kind → (squared error of two outputs, whether it requires the target). They note the targets they get."""

    def with_target(student_output, teacher_output, target):
        heard.extend(target.tolist())
        return F.mse_loss(student_output, teacher_output)

    def weighted(student_output, teacher_output, targets, weight, power=2):
        return weight * with_target(student_output, teacher_output, targets)

    def with_temperature(student_output, teacher_output, temperature=1.0):
        return F.mse_loss(student_output / temperature, teacher_output / temperature)

    class Callable3:
        def __call__(self, student_output, teacher_output, target):
            return with_target(student_output, teacher_output, target)

    return {
        "loss(student, teacher)": (lambda student, teacher: F.mse_loss(student, teacher), False),
        "nn.MSELoss()": (nn.MSELoss(), False),
        "loss(student, teacher, temperature=1.0)": (with_temperature, False),
        "loss(student, teacher, target)": (with_target, True),
        "functools.partial(loss, weight=1.0)": (partial(weighted, weight=1.0), True),
        "an object called with (student, teacher, target)": (Callable3(), True),
    }


def _weight_in(result):
    """The weight that a result holds, where it is one of a scene done by hand."""
    return result["weight"].detach() if isinstance(result, Mapping) and "weight" in result else "none"


def _kind_of_result(result, scene) -> Text:
    if not isinstance(result, Mapping):
        kind = type(result).__name__
        return Text("None", "None") if result is None else Text(f"of type {kind}", f"{kind}类型的对象")
    now = state(scene.student)
    if missing := sorted(now.keys() - result.keys()):
        return Text(f"a dict without {missing[0]}", f"缺少{missing[0]}的字典")
    if all(is_close(result[name], now[name]) for name in now):
        return _STUDENT_STATE
    before = scene.before["student"] if isinstance(scene, Scene) else state(ByHand().student)
    if all(is_close(result[name], value) for name, value in before.items()):
        return Text("the student's state from before training", "训练之前的学生参数")
    return Text("another state than the student's after training", "与训练后的学生不一致的参数")
