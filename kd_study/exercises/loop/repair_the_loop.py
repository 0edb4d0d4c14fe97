import inspect
from collections.abc import Callable

from kd_study.exercises.loop import _faulty_loop as faulty_loop
from kd_study.exercises.loop._contract import LoopExercise
from kd_study.exercises.loop.train_student_model import TrainStudentModel


class RepairTheLoop(LoopExercise):
    stub = inspect.getsource(faulty_loop)


# fault → the replacements that mend it in the loop as handed in
MENDS = {
    "mode": [("    student_model.train()\n", "    student_model.train()\n    teacher_model.eval()\n")],
    "graph": [
        (
            "            teacher_output = teacher_model(data)\n",
            "            with torch.no_grad():\n                teacher_output = teacher_model(data)\n",
        )
    ],
    "order": [
        ("loss_function(teacher_output, student_output", "loss_function(student_output, teacher_output")
    ],
    "zero_grad": [
        ("\n        optimizer.zero_grad()\n", "\n"),
        ("            loss.backward()\n", "            optimizer.zero_grad()\n            loss.backward()\n"),
    ],
    "step": [
        ("\n        optimizer.step()\n", "\n"),
        ("            batches += 1\n", "            optimizer.step()\n            batches += 1\n"),
    ],
    "return": [("\n        return ", "\n    return ")],
}


def loop_with(*faults: str, name: str, replacing: tuple[str, str] = ("", "")) -> Callable:
    """The loop with all mended but these faults, and one more replacement made."""
    source = RepairTheLoop.stub
    for fault, replacements in MENDS.items():
        for old, new in () if fault in faults else replacements:
            source = source.replace(old, new)
    space = {}
    exec(source.replace(*replacing), space)
    function = space["repair_the_loop"]
    function.__name__ = name
    return function


RepairTheLoop.wrong(
    en="All six faults are still there. Begin with the teacher: in which mode does it answer, and with a graph?",
    zh="六处错误都还在。先看教师：它以什么模式回答？带不带计算图？",
)(loop_with(*MENDS, name="as_it_was_handed_in"))

RepairTheLoop.wrong(
    en="Left: the teacher's mode. no_grad is not eval: its dropout draws, and its BatchNorm follows the student's data.",
    zh="还剩：教师的模式。no_grad不等于eval：dropout在随机丢弃，BatchNorm跟着学生的数据走。",
    reference="facebookresearch/unbiased-teacher#47",
)(loop_with("mode", name="leaves_the_teacher_training"))

RepairTheLoop.wrong(
    en="Left: the teacher's graph. eval() is not no_grad: its activations are kept and its parameters get gradients.",
    zh="还剩：教师的计算图。eval()不等于no_grad：激活值被保留，参数会得到梯度。",
    reference="haitongli/knowledge-distillation-pytorch#25",
)(loop_with("graph", name="leaves_the_teachers_graph"))

RepairTheLoop.wrong(
    en="Left: the order of the loss's arguments. The student comes first; with squared error nobody notices, KL turns round.",
    zh="还剩：损失函数的参数顺序。学生在前；用平方误差时谁也看不出来，KL却反了方向。",
    reference="KD_Lib, vanilla_kd.py",
)(loop_with("order", name="leaves_the_outputs_swapped"))

RepairTheLoop.wrong(
    en="Left: zero_grad() is called once an epoch; each step adds to the gradients of the batches before it.",
    zh="还剩：zero_grad()每个epoch才调用一次；每一步都累加着前面各批的梯度。",
)(loop_with("zero_grad", name="leaves_the_gradients_to_pile_up"))

RepairTheLoop.wrong(
    en="Left: step() is called once an epoch, and only the last batch's gradient is left by then.",
    zh="还剩：step()每个epoch才调用一次，那时只剩下最后一批的梯度。",
)(loop_with("step", name="leaves_one_step_an_epoch"))

RepairTheLoop.wrong(
    en="Left: the return stands in the loop over the epochs, which ends after the first.",
    zh="还剩：return写在了遍历epoch的循环里，第一个epoch之后就结束了。",
)(loop_with("return", name="leaves_the_return_in_the_loop"))

RepairTheLoop.wrong(
    en="Left: both faults of the teacher, its mode and its graph. They need one line each: eval(), and no_grad().",
    zh="还剩：教师的两处错误，模式与计算图。各需一行：eval()和no_grad()。",
    reference="clovaai/overhaul-distillation#37",
)(loop_with("mode", "graph", name="leaves_both_faults_of_the_teacher"))

RepairTheLoop.wrong(
    en="Left: zero_grad() and step() outside the loop over the batches. An epoch is one step by the sum of all gradients.",
    zh="还剩：zero_grad()与step()都在遍历各批的循环之外。一个epoch只按所有梯度之和走一步。",
)(loop_with("zero_grad", "step", name="leaves_one_huge_batch_an_epoch"))

RepairTheLoop.wrong(
    en="zero_grad() has moved too far, between backward and step: there is nothing left to step by.",
    zh="zero_grad()挪过了头，放到了backward与step之间：没有梯度可用了。",
)(
    loop_with(
        name="clears_before_the_step",
        replacing=(
            "optimizer.zero_grad()\n            loss.backward()",
            "loss.backward()\n            optimizer.zero_grad()",
        ),
    )
)

RepairTheLoop.wrong(
    en="The student answers under no_grad too, so that backward has no graph to go through. Only the teacher belongs there.",
    zh="学生也放进了no_grad，backward没有计算图可走。放进去的只应是教师。",
)(
    loop_with(
        name="asks_both_without_a_graph",
        replacing=(
            "            student_output = student_model(data)\n",
            "            with torch.no_grad():\n                student_output = student_model(data)\n",
        ),
    )
)

RepairTheLoop.wrong(
    en="Both models are in eval mode now: the student trains without dropout, and its BatchNorm learns no statistics.",
    zh="现在两个模型都处于评估模式：学生训练时没有dropout，BatchNorm也学不到统计量。",
)(
    loop_with(
        name="puts_the_student_into_eval_mode", replacing=("student_model.train()", "student_model.eval()")
    )
)

RepairTheLoop.wrong(
    en="The teacher's parameters come back; the student's are asked for.",
    zh="返回的是教师的参数；要的是学生的。",
)(
    loop_with(
        name="returns_the_teachers_state",
        replacing=("return student_model.state_dict()", "return teacher_model.state_dict()"),
    )
)

# what the mended loop of another learner may do wrong beside the six, and doesn't stand above under another name
_ABOVE = {
    "asks_the_teacher_as_it_comes", "builds_a_graph_of_the_teacher", "leaves_the_students_mode", "clears_once_an_epoch",
    "clears_before_the_step", "steps_once_an_epoch", "ignores_the_epochs", "swaps_the_outputs", "returns_the_teachers_state",
}  # fmt: skip
RepairTheLoop.wrong_answers += [
    wrong for wrong in TrainStudentModel.wrong_answers if wrong.name not in _ABOVE
]

EXERCISE = RepairTheLoop()
