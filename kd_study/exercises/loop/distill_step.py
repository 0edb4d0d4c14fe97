import torch
import torch.nn.functional as F
from torch import nn

from kd_study.exercises.base import check, expect, expect_close, outcome
from kd_study.exercises.loop import _step_mistakes
from kd_study.exercises.loop._scene import ByHand, Scale, Scene, modes, seeded
from kd_study.exercises.loop._shared import answer, update
from kd_study.exercises.loop._teaching import TeachingExercise


class DistillStep(TeachingExercise):
    """A function (student, teacher, inputs, optimizer, loss_function), called once for each batch."""

    def train(self, fn, scene, epochs=None):
        losses = [
            fn(scene.student, scene.teacher, data, scene.optimizer, scene.loss)
            for _ in range(epochs or 1)
            for data, _ in scene.batches
        ]
        return losses

    def validate(self, result, arguments):
        expect(
            isinstance(result, float),
            f"the function should return the loss as a Python float, but returned {type(result).__name__}; a tensor keeps its graph alive, .item() gives the number",
            f"函数应以Python的float返回损失，但返回了{type(result).__name__}；张量会一直拽着计算图，用.item()取出数值",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        scene = ByHand(batches=2)
        first, second = self.train(fn, scene)
        expect_close(
            first,
            4.0,
            "a student at 0 and a teacher at 2 differ by 2: the loss before the update is 2² = 4",
            "学生为0、教师为2，相差2：更新之前的损失是2² = 4",
        )
        expect_close(
            second,
            1.0,
            "w should go from 0 to 0 + 0.25 · 4 = 1, and the second step's loss should be (2 − 1)² = 1",
            "w应从0变为0 + 0.25 · 4 = 1，第二步的损失应为(2 − 1)² = 1",
        )

    @check(en="Uses the optimizer and the loss that it is given", zh="使用传入的优化器与损失函数")
    def uses_what_it_is_given(self, fn):
        student = Scale(0.0)
        optimizer = torch.optim.Adam(student.parameters(), lr=0.5)
        loss = fn(student, Scale(2.0), torch.ones(2, 1), optimizer, nn.L1Loss())
        expect_close(loss, 2.0, "the absolute difference of 0 and 2 is 2", "0与2之差的绝对值是2")
        expect_close(
            student.weight,
            torch.tensor([0.5]),
            "the first step of Adam with a learning rate of 0.5 moves w by 0.5",
            "学习率为0.5的Adam，第一步把w移动0.5",
        )

    @check(en="Only the student changes", zh="只有学生改变")
    def leaves_the_teachers_parameters_as_they_are(self, fn):
        scene = self.trained(fn)
        expect(
            all(part.requires_grad for part in scene.teacher.parameters()),
            "the teacher's parameters no longer ask for gradients, which is for its owner to decide; no_grad leaves them as they are",
            "教师的参数不再需要梯度了，这该由它的主人决定；no_grad不会改动它们",
        )

    @check(en="The student stays in training mode", zh="学生保持训练模式")
    def leaves_the_student_training(self, fn):
        expect(
            all(modes(self.trained(fn).student)),
            "after the step the student should be in training mode, all of it",
            "这一步之后，学生的每一部分都应处于训练模式",
        )

    @check(en="The teacher's mode comes back", zh="教师的模式恢复原样")
    def puts_the_teachers_modes_back(self, fn):
        for name, (en, zh) in _TEACHERS.items():
            before, after = self._teacher_modes(fn, name)
            expect(
                before == after,
                f"a teacher that comes {en} should leave the step that way; remember the mode of every part and put it back",
                f"教师传入时{zh}，这一步之后也应如此；请记住它每一部分的模式，最后恢复",
            )

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        ordinary["losses"] = outcome(lambda: self._losses(function))
        ordinary["the student's graph"] = self._graphs_of_the_student(function)
        for name in _TEACHERS:
            edge[name] = outcome(lambda name=name: seeded(lambda: self._teacher_modes(function, name)[1]))
        return ordinary, edge

    def facts(self, function):
        scene = Scene()
        self.train(function, scene)
        return super().facts(function) | {"student trains": scene.student.training}

    def _losses(self, function) -> list:
        """The kind of what comes back, and its value in two steps."""
        losses = self.train(function, ByHand(batches=2))
        return [type(losses[0]).__name__, *(torch.as_tensor(loss).detach() for loss in losses)]

    def _graphs_of_the_student(self, function) -> list[bool]:
        """For each call of the loss, whether one of the outputs had a graph; whatever comes of the step."""
        graphs = []

        def loss_function(student_output, teacher_output):
            graphs.append(any(output.grad_fn is not None for output in (student_output, teacher_output)))
            return F.mse_loss(student_output, teacher_output)

        outcome(lambda: self.train(function, ByHand(loss=loss_function)))
        return graphs

    def _teacher_modes(self, function, name: str) -> tuple[list[bool], list[bool]]:
        """The modes of the teacher's parts before and after a step, for one way in which it may arrive."""
        scene = Scene()
        scene.teacher.train(name != "eval")
        if name == "mixed":
            scene.teacher.body[1].eval()
        before = modes(scene.teacher)
        self.train(function, scene)
        return before, modes(scene.teacher)


_TEACHERS = {
    "training": ("in training mode", "处于训练模式"),
    "eval": ("in eval mode", "处于评估模式"),
    "mixed": ("in training mode but for its BatchNorm", "处于训练模式、唯独BatchNorm处于评估模式"),
}


@DistillStep.wrong(
    en="The teacher's mode is remembered at its root and put back with train(mode), which sets all of its parts: a BatchNorm that somebody had put into eval mode is awake now.",
    zh="只记住了教师最外层的模式，再用train(mode)恢复，而它会设置所有子模块：别人特意设成eval的BatchNorm，现在醒了。",
    reference="huggingface/trl PR#5862",
)
def puts_back_the_mode_of_the_root_only(student, teacher, inputs, optimizer, loss_function):
    mode = teacher.training
    student.train()
    teacher.eval()
    with torch.no_grad():
        teacher_output = teacher(inputs)
    teacher.train(mode)
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="The teacher is left in eval mode. It arrived in training mode, and somebody may count on that.",
    zh="教师被留在了评估模式。它是以训练模式传进来的，也许有人正指望着这一点。",
)
def leaves_the_teacher_in_eval_mode(student, teacher, inputs, optimizer, loss_function):
    student.train()
    teacher.eval()
    with torch.no_grad():
        teacher_output = teacher(inputs)
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="teacher.train() at the end wakes up a teacher that came in eval mode. Put back what was there.",
    zh="最后的teacher.train()叫醒了本来处于评估模式的教师。应当恢复原来的模式。",
)
def always_leaves_the_teacher_training(student, teacher, inputs, optimizer, loss_function):
    student.train()
    teacher_output = answer(teacher, inputs)
    teacher.train()
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="no_grad is not eval: the teacher answers with dropout, and its BatchNorm statistics follow the student's data.",
    zh="no_grad不等于eval：教师带着dropout回答，它的BatchNorm统计量还会跟着学生的数据走。",
    reference="facebookresearch/unbiased-teacher#47",
)
def asks_the_teacher_as_it_comes(student, teacher, inputs, optimizer, loss_function):
    student.train()
    with torch.no_grad():
        teacher_output = teacher(inputs)
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="eval() is not no_grad: the teacher's graph is built and kept, and backward fills its parameters' gradients.",
    zh="eval()不等于no_grad：教师的计算图照样建立并保留，backward会给它的参数填上梯度。",
    reference="haitongli/knowledge-distillation-pytorch#25",
)
def builds_a_graph_of_the_teacher(student, teacher, inputs, optimizer, loss_function):
    student.train()
    before = [(part, part.training) for part in teacher.modules()]
    teacher.eval()
    teacher_output = teacher(inputs)
    for part, training in before:
        part.training = training
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="The student trains in the mode in which it came: after an evaluation that is eval mode, without dropout and with frozen BatchNorm. Call student.train().",
    zh="学生沿用了传进来时的模式：刚评估过的话就是评估模式，没有dropout，BatchNorm也不更新。请调用student.train()。",
)
def leaves_the_students_mode(student, teacher, inputs, optimizer, loss_function):
    teacher_output = answer(teacher, inputs)
    return update(optimizer, loss_function(student(inputs), teacher_output))


@DistillStep.wrong(
    en="student.train() comes after its forward pass: this step was made in eval mode.",
    zh="student.train()放在了前向之后：这一步其实是在评估模式下做的。",
)
def switches_to_training_too_late(student, teacher, inputs, optimizer, loss_function):
    loss = loss_function(student(inputs), answer(teacher, inputs))
    student.train()
    return update(optimizer, loss)


@DistillStep.wrong(
    en="At the end the student is in eval mode, set or put back. The contract leaves it in training mode.",
    zh="最后学生处于评估模式，无论是特意设的，还是恢复成了原样。约定是让它保持训练模式。",
)
def ends_with_the_student_in_eval_mode(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = update(optimizer, loss_function(student(inputs), answer(teacher, inputs)))
    student.eval()
    return loss


@DistillStep.wrong(
    en="The gradients are never cleared: every step adds to the sum of all earlier ones.",
    zh="梯度从不清零：每一步都累加在之前所有步的梯度之上。",
)
def never_clears_the_gradients(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = loss_function(student(inputs), answer(teacher, inputs))
    loss.backward()
    optimizer.step()
    return loss.item()


@DistillStep.wrong(
    en="The gradients are cleared after the step only: whatever the student brings along goes into this one.",
    zh="只在step之后清零：学生带进来的旧梯度会混入这一步。",
)
def clears_after_the_step_only(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = loss_function(student(inputs), answer(teacher, inputs))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


@DistillStep.wrong(
    en="The gradients are cleared between backward and step: nothing is left to step by, and the student never moves.",
    zh="在backward与step之间把梯度清零了：没有梯度可用，学生一动不动。",
)
def clears_the_gradients_too_late(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = loss_function(student(inputs), answer(teacher, inputs))
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


@DistillStep.wrong(
    en="backward computes gradients, and no step applies them: optimizer.step() is missing.",
    zh="backward算出了梯度，却没有人使用：少了optimizer.step()。",
)
def never_steps(student, teacher, inputs, optimizer, loss_function):
    student.train()
    optimizer.zero_grad()
    loss = loss_function(student(inputs), answer(teacher, inputs))
    loss.backward()
    return loss.item()


@DistillStep.wrong(
    en="The loss gets the teacher's output first. Squared error doesn't mind; KL turns round, and kl_div takes probabilities for log-probabilities.",
    zh="损失函数先收到了教师的输出。平方误差无所谓；KL却反了方向，kl_div会把概率当成对数概率。",
    reference="KD_Lib, vanilla_kd.py",
)
def swaps_the_outputs(student, teacher, inputs, optimizer, loss_function):
    student.train()
    return update(optimizer, loss_function(answer(teacher, inputs), student(inputs)))


@DistillStep.wrong(
    en="The loss comes back as a tensor with its graph: a list of such losses keeps every step's activations alive. Return loss.item().",
    zh="返回的损失是带着计算图的张量：把它们攒进列表，每一步的激活值就都释放不掉。请返回loss.item()。",
)
def returns_a_tensor(student, teacher, inputs, optimizer, loss_function):
    student.train()
    loss = loss_function(student(inputs), answer(teacher, inputs))
    update(optimizer, loss)
    return loss


@DistillStep.wrong(
    en="The loss is measured again after the update. What is asked for is the loss that the step was made from.",
    zh="损失是在更新之后重新计算的。要返回的是这一步所依据的那个损失。",
)
def measures_the_loss_after_the_step(student, teacher, inputs, optimizer, loss_function):
    student.train()
    teacher_output = answer(teacher, inputs)
    update(optimizer, loss_function(student(inputs), teacher_output))
    return loss_function(student(inputs), teacher_output).item()


@DistillStep.wrong(
    en="Both models answer under no_grad: the student has no graph either, and backward raises a RuntimeError. Only the teacher belongs in there.",
    zh="两个模型都在no_grad里回答：学生也没有计算图，backward会抛出RuntimeError。放进去的只应是教师。",
)
def asks_both_without_a_graph(student, teacher, inputs, optimizer, loss_function):
    student.train()
    with torch.no_grad():
        loss = loss_function(student(inputs), answer(teacher, inputs))
    return update(optimizer, loss)


_step_mistakes.add_to(DistillStep)

EXERCISE = DistillStep()
