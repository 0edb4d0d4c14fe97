import inspect
from collections.abc import Callable

from kd_study.exercises import faulty_loop
from kd_study.exercises.base import Text
from kd_study.exercises.loop_checks import LoopExercise


class RepairTheLoop(LoopExercise):
    name = "repair_the_loop"
    level = "mid"
    minutes = 15
    stub = inspect.getsource(faulty_loop)
    sources = (
        "facebookresearch/unbiased-teacher#47",
        "yxuansu/TaCL#11",
        "haitongli/knowledge-distillation-pytorch#25",
        "KD_Lib, vanilla_kd.py",
    )
    statement = Text(
        en=r"""
This loop was handed in by a colleague. It runs, the loss falls, and there are **six faults** in it. Find them by reading,
say what each does, and mend them; everything else may stay as it is. The contract is that of `train_student_model`:

- `loss_function(student_output, teacher_output)`, and the target as a third argument where the loss has three
  positional parameters without a default;
- the teacher answers in eval mode and without a graph, and is the same afterwards; the student trains in training mode;
- each batch is one step, from fresh gradients; `epochs` passes;
- the result is the student's `state_dict()`; a loader without a batch is a `ValueError`.

For example: a student $y = w x$ with $w = 0$, a teacher $y = 2x$, inputs 1, squared error, SGD at 0.25. After three
batches $w$ should be 1.75; the loop as it is ends at 3, beyond the teacher.""",
        zh=r"""
这是同事交来的循环。它能跑，损失也在下降，可里面有**六处错误**。请通过阅读找出它们，说出各自的后果，并逐一改正；
其余部分可以保持原样。约定与`train_student_model`相同：

- 调用`loss_function(student_output, teacher_output)`；如果损失有三个没有默认值的位置参数，则把target作为第三个参数；
- 教师在eval模式下、不带计算图地回答，训练之后没有任何变化；学生在训练模式下训练；
- 每批走一步，每步从清零后的梯度开始；共遍历`epochs`遍；
- 返回学生的`state_dict()`；加载器一批都没有时抛出`ValueError`。

例如：学生为$y = w x$，$w = 0$；教师为$y = 2x$；输入都是1，用平方误差，SGD的学习率为0.25。
三批之后$w$应为1.75；而现在这个循环停在3，越过了教师。""",
    )
    hints = (
        Text(
            en="Go through the loop with three questions: who is in which mode, which outputs carry a graph, and how often is "
            "each line run?",
            zh="带着三个问题读一遍：谁处于什么模式？哪些输出带着计算图？每一行会执行多少次？",
        ),
        Text(
            en="Two faults concern the teacher's answer, one the call of the loss, two the place of a line of the optimizer, and "
            "one is a matter of indentation.",
            zh="两处与教师的回答有关，一处在损失函数的调用，两处是优化器的某一行放错了位置，还有一处是缩进。",
        ),
        Text(
            en="```python\nstudent_model.train()\n...  # and the teacher?\nfor _ in range(epochs):\n    batches = 0\n"
            "    for data, target in data_loader:\n        with ...:\n            teacher_output = teacher_model(data)\n"
            "        ...\n        optimizer.zero_grad()\n        loss.backward()\n        ...\n    ...\nreturn ...\n```",
            zh="```python\nstudent_model.train()\n...  # 教师呢？\nfor _ in range(epochs):\n    batches = 0\n"
            "    for data, target in data_loader:\n        with ...:\n            teacher_output = teacher_model(data)\n"
            "        ...\n        optimizer.zero_grad()\n        loss.backward()\n        ...\n    ...\nreturn ...\n```",
        ),
    )
    discussion = Text(
        en="""
The six: the teacher is never put into eval mode (its targets are noisy and its BatchNorm drifts); its output carries
a graph (memory, and gradients in its parameters); the loss gets teacher and student the wrong way round (nothing
happens with squared error, KL turns round); gradients are cleared once an epoch and the optimizer steps once an
epoch (an epoch is one huge batch whose gradient is a sum, so the learning rate is off by the number of batches);
and the return stands in the loop over the epochs, which ends after the first.

None of them raises an error, and with a well-behaved teacher and squared error the loss falls all the same. That is
why this is asked in interviews: reading is the only tool, and naming the *symptom* of each fault is what tells an
engineer from somebody who has memorised the right version. Asked how you would guard against it, say: a test with
a model of one weight, where each step can be worked out by hand, and one assertion that the teacher is unchanged.""",
        zh="""
六处错误是：教师没有设成eval模式（目标带噪声，BatchNorm会漂移）；教师的输出带着计算图（占显存，参数还会得到梯度）；
损失函数里教师与学生写反了（平方误差看不出来，KL则反了方向）；梯度每个epoch才清零一次，优化器每个epoch才走一步
（一个epoch成了一个巨大的批，梯度还是求和，学习率相当于差了批数那么多倍）；return写在了遍历epoch的循环里，
第一个epoch之后就结束了。

没有一处会报错；教师若没有dropout和BatchNorm，又用平方误差，损失照样下降。面试爱出这道题，正因为只能靠读：
能说出每处错误的*症状*，才看得出是真懂，而不是背下了正确版本。若被问到如何防范，可以说：用只有一个权重的模型写测试，
每一步都能手算；再断言一次教师没有变化。""",
    )


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
    zh="现在两个模型都处于eval模式：学生训练时没有dropout，BatchNorm也学不到统计量。",
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

EXERCISE = RepairTheLoop()
