import torch
from torch import nn

from kd_study.exercises.base import check, expect, expect_close, normal, outcome
from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop._scene import Student, Teacher, modes, seeded, state
from kd_study.exercises.loop._shared import answer


class _Distiller(nn.Module):
    def __init__(self, student: nn.Module, teacher: nn.Module):
        super().__init__()
        self.student = student
        self.teacher = teacher.eval().requires_grad_(False)

    def train(self, mode: bool = True):
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, inputs):
        with torch.no_grad():
            teacher_output = self.teacher(inputs)
        return self.student(inputs), teacher_output


def join_models(student: nn.Module, teacher: nn.Module) -> nn.Module:
    """A module around both models, for a trainer that knows only one: inputs → (student's output, teacher's output).

    Its `train()` and `eval()` are the student's; the teacher stays in eval mode, and its output has no graph.
    Source: neuralmagic/sparseml PR #2191.
    """
    return _Distiller(student, teacher)


class DebugWokenTeacher(DebugExercise):
    uses_randomness = True

    @property
    def reference(self):
        import torch._dynamo  # noqa: F401  # as in TrainingExercise

        return join_models

    def validate(self, result, arguments):
        expect(
            isinstance(result, nn.Module),
            f"the function should return a module, but returned {type(result).__name__}",
            f"函数应返回模块，但返回了{type(result).__name__}",
        )

    @check(en="(student's output, teacher's output)", zh="（学生的输出，教师的输出）")
    def returns_both_outputs_in_order(self, fn):
        both = fn(Student(), Teacher()).eval()
        outputs = both(normal(4, 3))
        expect(
            isinstance(outputs, tuple | list) and len(outputs) == 2,
            "the module should return two outputs",
            "模块应返回两个输出",
        )
        expect_close(
            outputs[0],
            Student().eval()(normal(4, 3)),
            "the first output should be the student's",
            "第一个输出应是学生的",
        )
        expect_close(
            outputs[1],
            Teacher().eval()(normal(4, 3)),
            "the second output should be the teacher's",
            "第二个输出应是教师的",
        )

    @check(en="train() reaches the student", zh="train()作用于学生")
    def trains_the_student(self, fn):
        student = Student().eval()
        both = fn(student, Teacher())
        for mode in (True, False, True):
            both.train(mode)
            both(normal(4, 3))
            expect(
                student.was_training[-1] == mode and (mode or not any(modes(student))),
                f"after train({mode}) the student's forward pass should be in {'training' if mode else 'eval'} mode",
                f"调用train({mode})之后，学生的前向应处于{'训练' if mode else 'eval'}模式",
            )

    @check(en="train() doesn't reach the teacher", zh="train()不影响教师")
    def leaves_the_teacher_in_eval_mode(self, fn):
        for parents in (0, 1):
            teacher = Teacher().train()
            before = state(teacher)
            both = fn(Student(), teacher)
            (nn.ModuleList([both]) if parents else both).train()
            for _ in range(2):
                expect_close(
                    seeded(lambda both=both: both(normal(4, 3))[1]),
                    Teacher().eval()(normal(4, 3)),
                    "after train() the teacher answers otherwise than in eval mode: train() goes down to every part, the teacher included",
                    "调用train()之后，教师的回答与评估模式下不同：train()会一直传到每个子模块，包括教师",
                )
            moved = [
                name for name, value in teacher.state_dict().items() if not torch.equal(value, before[name])
            ]
            expect(
                not moved,
                f"two forward passes have moved the teacher's {', '.join(moved)}; no_grad doesn't stop BatchNorm",
                f"两次前向之后教师的{'、'.join(moved)}变了；no_grad拦不住BatchNorm",
            )

    @check(en="The teacher's output has no graph, the student's has", zh="教师的输出不带计算图，学生的带")
    def builds_a_graph_of_the_student_only(self, fn):
        student, teacher = Student(), Teacher()
        inputs = normal(4, 3).requires_grad_()  # as those of an embedding that trains
        student_output, teacher_output = fn(student, teacher).train()(inputs)
        expect(
            not teacher_output.requires_grad,
            "the teacher's output has a graph, through its parameters or through inputs that ask for a gradient: its activations "
            "are kept; requires_grad_(False) stops the first, no_grad both",
            "教师的输出带着计算图（经过它的参数，或经过需要梯度的输入），激活值被保留；requires_grad_(False)只管前者，no_grad两者都管",
        )
        expect(
            student_output.requires_grad and all(part.requires_grad for part in student.parameters()),
            "the student's output should have a graph to all of its parameters",
            "学生的输出应带有通向其全部参数的计算图",
        )

    @check(en="An optimizer finds the student's parameters", zh="优化器能找到学生的参数")
    def offers_the_students_parameters(self, fn):
        student, teacher = Student(), Teacher()
        before = state(teacher)
        both = fn(student, teacher).train()
        found = {id(part) for part in both.parameters() if part.requires_grad}
        expect(
            {id(part) for part in student.parameters()} <= found,
            "the module's parameters() should include the student's: is it an attribute of the module?",
            "模块的parameters()应包含学生的参数：学生是模块的属性吗？",
        )
        optimizer = torch.optim.SGD(both.parameters(), lr=0.1, weight_decay=0.1)
        student_output, teacher_output = both(normal(4, 3))
        (student_output - teacher_output).square().mean().backward()
        optimizer.step()
        expect(
            all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items()),
            "a step of an optimizer over the module's parameters has changed the teacher",
            "对模块参数做一步优化之后，教师变了",
        )

    def behaviour(self, function):
        return {"facts": outcome(lambda: seeded(lambda: _facts(function)))}, {
            "eval": outcome(lambda: seeded(lambda: _after_eval(function)))
        }


def _facts(function) -> dict:
    student, teacher = Student().eval(), Teacher().train()
    before = state(teacher)
    both = function(student, teacher)
    both.train()
    first, second = both(normal(4, 3))
    right = Teacher().eval()(normal(4, 3))
    return {
        "swapped": bool(first.mean() > 5 > second.mean()),
        "right answer": bool((second - right).abs().max() < 1e-3),
        "student trained": student.was_training[-1],
        "graphs": [first.requires_grad, second.requires_grad],
        "moved": [not torch.equal(value, before[name]) for name, value in teacher.state_dict().items()],
        "trainable": [part.requires_grad for part in student.parameters()],
    }


def _after_eval(function) -> bool:
    student = Student()
    both = function(student, Teacher())
    both.eval()
    both(normal(4, 3))
    return student.was_training[-1]


class _Both(nn.Module):
    """A module whose parts are right; the wrong answers replace one."""

    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher.eval().requires_grad_(False)

    def forward(self, inputs):
        return self.student(inputs), answer(self.teacher, inputs)


@DebugWokenTeacher.wrong(
    en="train() goes down to every part: the teacher, put into eval mode once, is awake from the first epoch on. Override train(), or call the teacher's eval() before each answer.",
    zh="train()会一直传到每个子模块：教师只设过一次评估模式，第一个epoch起就醒了。请重写train()，或在教师每次回答之前调用eval()。",
    reference="neuralmagic/sparseml PR#2191",
)
def calls_eval_once(student, teacher):
    class Both(_Both):
        def forward(self, inputs):
            with torch.no_grad():
                teacher_output = self.teacher(inputs)
            return self.student(inputs), teacher_output

    return Both(student, teacher)


@DebugWokenTeacher.wrong(
    en="train() is overridden and does nothing: the student, which may come from an evaluation, is never put into training mode.",
    zh="train()被重写成什么也不做：学生可能刚评估过，却再也进不了训练模式。",
)
def trains_nothing(student, teacher):
    class Both(_Both):
        def train(self, mode=True):
            return self

    return Both(student, teacher)


@DebugWokenTeacher.wrong(
    en="The student is in training mode whatever is asked for, because train() or forward() always puts it there: m.eval() no longer reaches it, and it is evaluated with dropout.",
    zh="无论要求什么模式，train()或forward()总把学生设成训练模式：m.eval()对它不再起作用，评估时还带着dropout。",
)
def trains_in_every_forward_pass(student, teacher):
    class Both(_Both):
        def forward(self, inputs):
            self.student.train()
            return self.student(inputs), answer(self.teacher, inputs)

    return Both(student, teacher)


@DebugWokenTeacher.wrong(
    en="The new train() puts the whole module into eval mode, the student included.",
    zh="新的train()把整个模块都设成了评估模式，连学生也在内。",
)
def keeps_both_in_eval_mode(student, teacher):
    class Both(_Both):
        def train(self, mode=True):
            return super().train(False)

    return Both(student, teacher)


@DebugWokenTeacher.wrong(
    en="The teacher answers in eval mode now, and with a graph: no_grad got lost, and its parameters ask for gradients.",
    zh="教师现在在评估模式下回答，却带上了计算图：no_grad弄丢了，它的参数又需要梯度。",
    reference="haitongli/knowledge-distillation-pytorch#25",
)
def builds_a_graph_of_the_teacher(student, teacher):
    class Both(_Both):
        def forward(self, inputs):
            return self.student(inputs), self.teacher.eval()(inputs)

    return Both(student, teacher).requires_grad_(True)


@DebugWokenTeacher.wrong(
    en="The whole module is frozen: the student's parameters ask for no gradient any more, and nothing trains.",
    zh="整个模块都被冻结了：学生的参数也不再需要梯度，什么都训练不了。",
)
def freezes_both(student, teacher):
    return _Both(student, teacher).requires_grad_(False)


@DebugWokenTeacher.wrong(
    en="The outputs have changed places: the loss gets the teacher's as the student's.",
    zh="两个输出换了位置：损失会把教师的当成学生的。",
)
def swaps_the_outputs(student, teacher):
    class Both(_Both):
        def forward(self, inputs):
            return answer(self.teacher, inputs), self.student(inputs)

    return Both(student, teacher)


@DebugWokenTeacher.wrong(
    en="BatchNorm is kept in eval mode, and dropout goes on drawing: the teacher no longer drifts, but is still noisy.",
    zh="BatchNorm保持在评估模式，dropout却还在随机丢弃：教师不再漂移，但仍有噪声。",
    reference="yxuansu/TaCL#11",
)
def stills_batch_norm_only(student, teacher):
    class Both(_Both):
        def forward(self, inputs):
            for part in self.teacher.modules():
                part.training &= not isinstance(part, nn.BatchNorm1d)
            with torch.no_grad():
                teacher_output = self.teacher(inputs)
            return self.student(inputs), teacher_output

    return Both(student, teacher)


EXERCISE = DebugWokenTeacher()
