"""What `train_student_model` and `repair_the_loop` have in common: one contract, its checks, its behaviour."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from kd_study.exercises.base import Text, check, expect, expect_close, is_close, outcome, shown
from kd_study.exercises.loop._scene import ByHand, Scene, Shuffled, TrainingExercise, seeded

_STUDENT_STATE = Text("the student's state", "学生的参数")


class LoopExercise(TrainingExercise):
    """A function (teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1)."""

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            _trained_by_hand(fn, batches=1).weight,
            1.0,
            "one batch should take the student's w from 0 to 0 + 0.25 · 4 = 1",
            "一批数据应把学生的w从0变为0 + 0.25 · 4 = 1",
        )

    @check(en="One step a batch, in the loader's order", zh="每批一步，按加载器的顺序")
    def makes_one_step_a_batch(self, fn):
        scene = _trained(fn)
        expect(
            scene.optimizer.steps == 3 and len(scene.comparisons) == 3,
            f"three batches should give three losses and three steps, but gave {len(scene.comparisons)} and "
            f"{scene.optimizer.steps}; is step() inside the loop over the batches?",
            f"三批数据应有三次损失、三步更新，实际是{len(scene.comparisons)}次和{scene.optimizer.steps}步；"
            "step()在遍历各批的循环之内吗？",
        )
        same = [
            torch.equal(read, data)
            for read, (data, _) in zip(scene.student.seen, scene.batches, strict=False)
        ]
        expect(
            all(same) and bool(scene.moved("student")),
            "the student should read each batch's data, as it comes, and change",
            "学生应依次读入每批的data，并因此改变",
        )

    @check(en="Every step from fresh gradients", zh="每一步都从新的梯度开始")
    def starts_every_batch_from_fresh_gradients(self, fn):
        expect_close(
            _trained_by_hand(fn, batches=2).weight,
            1.5,
            "two batches should take w from 0 over 1 to 1.5; 2.5 means that the first batch's gradient was added to "
            "the second's",
            "两批数据应把w从0带到1，再到1.5；若得到2.5，说明第一批的梯度被加到了第二批上",
        )
        expect_close(
            _trained_by_hand(fn, batches=1, stale_gradient=100.0).weight,
            1.0,
            "the student may arrive with an old gradient, of a probe before training; clear it before backward",
            "学生传进来时可能带着旧的梯度（例如训练前做过试算）；请在backward之前清零",
        )

    @check(en="As many passes as epochs, one by default", zh="遍历epochs遍，默认一遍")
    def makes_as_many_passes_as_epochs(self, fn):
        for epochs, weight in ((None, 1.0), (3, 1.75)):
            expect_close(
                _trained_by_hand(fn, batches=1, epochs=epochs).weight,
                weight,
                f"with one batch and {'no epochs given' if epochs is None else f'epochs={epochs}'}, w should end at "
                f"{weight}: every pass halves what is missing to 2",
                f"只有一批数据、{'不给epochs' if epochs is None else f'epochs={epochs}'}时，w应停在{weight}："
                "每一遍都把与2的差距减半",
            )
        scene = Scene()
        loader = Shuffled(scene.batches)
        fn(scene.teacher, scene.student, loader, scene.loss, scene.optimizer, epochs=2)
        expect(
            loader.passes >= 2,
            f"with epochs=2 the loader should be gone through twice, not {loader.passes} times: one that shuffles or "
            "augments gives other batches in each pass",
            f"epochs=2时应遍历加载器两遍，而不是{loader.passes}遍：会打乱顺序或做数据增强的加载器，每一遍给出的批次都不同",
        )

    @check(
        en="loss_function(student_output, teacher_output)", zh="loss_function(student_output, teacher_output)"
    )
    def compares_the_student_with_the_teacher(self, fn):
        scene = _trained(fn)
        expect(
            not any(comparison.swapped for comparison in scene.comparisons),
            "the loss got the teacher's output first; for KL the order decides which of the two is imitated",
            "损失函数先收到了教师的输出；对KL来说，顺序决定了谁模仿谁",
        )

    @check(en="The teacher answers in eval mode", zh="教师在eval模式下回答")
    def asks_the_teacher_in_eval_mode(self, fn):
        scene = _trained(fn)
        expect(
            all(comparison.right_answer for comparison in scene.comparisons),
            "what reaches the loss is not what the teacher, which arrives in training mode, says in eval mode to the "
            "batch: dropout draws, BatchNorm goes by the batch, or it isn't the teacher's plain output",
            "教师以训练模式传入；损失收到的，不是它在eval模式下对这批数据的原始输出：dropout在丢弃、"
            "BatchNorm用了当前批的统计量，或者输出被改动过",
        )
        expect(
            not scene.moved("teacher"),
            f"training has changed the teacher's {', '.join(scene.moved('teacher'))}",
            f"训练改变了教师的{'、'.join(scene.moved('teacher'))}",
        )

    @check(en="The teacher answers without a graph", zh="教师的回答不带计算图")
    def builds_no_graph_of_the_teacher(self, fn):
        scene = _trained(fn)
        expect(
            not any(comparison.has_a_teacher_graph for comparison in scene.comparisons)
            and not scene.teacher_has_gradients(),
            "the teacher's output has a graph: its activations are kept and its parameters get gradients; eval() "
            "doesn't stop that, no_grad does",
            "教师的输出带着计算图：它的激活值被保留，参数会得到梯度；eval()管不了这一点，no_grad才行",
        )

    @check(en="The student trains in training mode", zh="学生在训练模式下训练")
    def trains_the_student_in_training_mode(self, fn):
        scene = _trained(fn, epochs=2)
        expect(
            all(scene.student.was_training),
            "the student arrived in eval mode, as after an evaluation, and in one of two epochs was trained in it; call "
            "student_model.train() first",
            "学生以eval模式传入（例如刚评估过），两个epoch中有训练时仍是eval模式的；请先调用student_model.train()",
        )

    @check(en="The teacher answers every batch anew", zh="教师对每一批都重新作答")
    def asks_about_the_batch_at_hand(self, fn):
        answers = _answers_of_two_passes(fn)
        expect(
            not all(answers[:3]) or all(answers[3:]),
            "the loader gives its batches in another order in the second epoch, and the teacher's output no longer "
            "belongs to what the student has read",
            "第二个epoch里加载器换了批次顺序，教师的输出便与学生读到的数据对不上了",
        )

    @check(en="The target goes to losses that require it, to no others", zh="需要target的损失才会收到它")
    def passes_the_target_where_it_is_required(self, fn):
        heard = []
        for kind, (loss_function, wants) in _losses(heard).items():
            heard.clear()
            came = outcome(lambda loss=loss_function: _trained_by_hand(fn, 1, loss_function=loss).weight)
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
        scene = Scene()
        result = fn(scene.teacher, scene.student, scene.batches, scene.loss, scene.optimizer)
        kind = _kind_of_result(result, scene)
        expect(
            kind == _STUDENT_STATE,
            "the result should be student_model.state_dict() after training, with every parameter and buffer, but "
            f"is {kind.en}",
            f"应返回训练后的student_model.state_dict()，包含全部参数与缓冲区，实际返回的是{kind.zh}",
        )

    @check(en="ValueError for a loader without a batch", zh="加载器没有数据时抛出ValueError")
    def refuses_an_empty_loader(self, fn):
        for loader in ([], DataLoader(TensorDataset(torch.zeros(0, 3), torch.zeros(0)))):
            came = outcome(lambda loader=loader: _without_a_batch(fn, loader))
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
        fn(scene.teacher, scene.student, DataLoader(data, 3, shuffle=True), F.mse_loss, scene.optimizer, 2)
        expect_close(
            scene.weight,
            1.875,
            "four samples, ±1, in batches of three and one and two epochs are four steps, of outputs of shape (3, 1) and "
            "(1, 1): w goes over 1, 1.5 and 1.75 to 1.875",
            "四个样本（±1），每遍分成三个和一个两批，两个epoch共四步，输出的形状是(3, 1)和(1, 1)：w依次为1、1.5、1.75、1.875",
        )

    def behaviour(self, function):
        ordinary = {
            "numbers": outcome(lambda: _trained_by_hand(function, batches=2, epochs=2).weight),
            "default": outcome(lambda: _trained_by_hand(function, batches=3).weight),
            "scene": outcome(lambda: seeded(lambda: _facts(function))),
        }
        edge = {
            "stale gradient": outcome(lambda: _trained_by_hand(function, 1, stale_gradient=100.0).weight),
            "shuffled": outcome(lambda: seeded(lambda: _answers_of_two_passes(function))),
            "no batch": outcome(lambda: type(_without_a_batch(function, [])).__name__),
        }
        for kind in _losses([]):
            edge[kind] = outcome(lambda kind=kind: _with_loss(function, kind))
        return ordinary, edge


def _trained(function: Callable, shuffled: bool = False, **options) -> Scene:
    scene = Scene()
    loader = Shuffled(scene.batches) if shuffled else scene.batches
    function(scene.teacher, scene.student, loader, scene.loss, scene.optimizer, **options)
    expect(
        bool(scene.comparisons),
        "loss_function was never called on the two outputs",
        "没有用loss_function比较两个输出",
    )
    return scene


def _trained_by_hand(
    function: Callable,
    batches: int,
    epochs: int | None = None,
    loss_function: Callable = F.mse_loss,
    stale_gradient: float | None = None,
) -> ByHand:
    """The scene after training on so many equal batches; the targets, 5, are not what the teacher says."""
    scene = ByHand()
    if stale_gradient is not None:
        scene.student.weight.grad = torch.tensor([stale_gradient])
    loader = [(scene.data.clone(), torch.tensor([5.0])) for _ in range(batches)]
    options = {} if epochs is None else {"epochs": epochs}
    function(scene.teacher, scene.student, loader, loss_function, scene.optimizer, **options)
    return scene


def _without_a_batch(function: Callable, loader):
    scene = ByHand()
    return function(scene.teacher, scene.student, loader, F.mse_loss, scene.optimizer)


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


def _with_loss(function: Callable, kind: str) -> list:
    heard = []
    return [_trained_by_hand(function, 1, loss_function=_losses(heard)[kind][0]).weight, heard]


def _answers_of_two_passes(function: Callable) -> list[bool]:
    return [comparison.right_answer for comparison in _trained(function, shuffled=True, epochs=2).comparisons]


def _facts(function: Callable) -> dict:
    scene = Scene()
    result = function(scene.teacher, scene.student, scene.batches, scene.loss, scene.optimizer)
    return {
        "swapped": any(comparison.swapped for comparison in scene.comparisons),
        "right answers": all(comparison.right_answer for comparison in scene.comparisons),
        "graph": any(comparison.has_a_teacher_graph for comparison in scene.comparisons),
        "student trained": all(scene.student.was_training),
        "losses": len(scene.comparisons),
        "steps": scene.optimizer.steps,
        "teacher moved": bool(scene.moved("teacher")),
        "result": _kind_of_result(result, scene),
    }


def _kind_of_result(result, scene: Scene) -> Text:
    if not isinstance(result, Mapping):
        kind = type(result).__name__
        return Text("None", "None") if result is None else Text(f"of type {kind}", f"{kind}类型的对象")
    now = scene.student.state_dict()
    if missing := sorted(now.keys() - result.keys()):
        return Text(f"a dict without {missing[0]}", f"缺少{missing[0]}的字典")
    if all(is_close(result[name], now[name]) for name in now):
        return _STUDENT_STATE
    if all(is_close(result[name], value) for name, value in scene.before["student"].items()):
        return Text("the student's state from before training", "训练之前的学生参数")
    return Text("another state than the student's after training", "与训练后的学生不一致的参数")
