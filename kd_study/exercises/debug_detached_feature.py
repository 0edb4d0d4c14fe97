from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise
from kd_study.exercises.hint_loss import HintLoss


class DebugDetachedFeature(DebugExercise, HintLoss):
    name = "debug_detached_feature"
    contract = "hint_loss"
    level = "basic"
    minutes = 6
    sources = ("Syencil/mobile-yolov5-pruning-distillation#83", "Tencent/YOLO-Master PR#240")
    statement = Text(
        en=r"""
**What was noticed.** The feature loss falls nicely and then stays where it is. The student is exactly as good with it as
without it, to the last digit, whatever its weight.

Find the fault in this function and mend it. Its contract is that of `hint_loss`: the mean squared error, over all
elements, between `projector(student_hidden)` and `teacher_hidden`. The student and the projector get a gradient, the
teacher gets none.

For example, student `[[1, 2], [0, 1]]`, teacher `[[1], [1]]` and a projector that adds both features up: the loss is 2, and
its gradient with respect to the student should be `[[2, 2], [0, 0]]`; as handed in there is none.""",
        zh=r"""
**现象。** 特征损失漂亮地下降，然后停住不动。加不加这个损失、权重取多大，学生的表现连最后一位都一样。

请找出这个函数里的错误并改正。约定与`hint_loss`相同：`projector(student_hidden)`与`teacher_hidden`之间的均方误差，对所有元素取平均。
梯度流向学生和投影层，不流向教师。

例如，学生`[[1, 2], [0, 1]]`、教师`[[1], [1]]`，投影层把两个特征相加：损失是2，对学生的梯度应为`[[2, 2], [0, 0]]`；
而现在根本没有梯度。""",
    )
    hints = (
        Text(
            en="Something does learn, for the loss falls. What, if not the student?",
            zh="损失在下降，说明有东西在学。如果不是学生，会是谁？",
        ),
        Text(
            en="The loop detaches every feature. The projector alone is left to learn, and it does what it can.",
            zh="那个循环把每个特征都detach了。只剩投影层还能学，它便尽力而为。",
        ),
        Text(
            en="```python\nreturn F.mse_loss(projector(...), ....detach())\n```",
            zh="```python\nreturn F.mse_loss(projector(...), ....detach())\n```",
        ),
    )
    discussion = Text(
        en="""
Hooks that collect hidden states often store `output.detach()`, because for the teacher, and for looking at activations, that
is what one wants. For the student it cuts the only wire between loss and network. The loss falls because the projector
learns to guess the teacher from frozen features; nothing in a plot of losses tells the two apart.

What does: the gradient's norm at the student's layer, once, before a long run. "The result is the same to the last digit
whatever the weight" is a symptom that says *no gradient* more clearly than any other: a useless loss changes something.
An interviewer goes on to ask for other ways to lose the wire: `.item()`, `.data`, `torch.tensor(tensor)`, numpy and back,
an arg max, no_grad around both models, parameters that are in no optimizer.""",
        zh="""
收集隐藏状态的hook常常存的是`output.detach()`：对教师、对查看激活值来说，这正合适。对学生，它却剪断了损失与网络之间唯一的线。
损失之所以下降，是因为投影层学会了从不变的特征去猜教师；光看损失曲线，分不出这两种情况。

能分出来的是：在长跑之前看一次学生那一层的梯度范数。“无论权重多大，结果连最后一位都一样”，这个现象比什么都更清楚地说明*没有梯度*：
一个没用的损失，好歹也会改变点什么。面试官接着会问还有哪些方式会断线：`.item()`、`.data`、`torch.tensor(tensor)`、转成numpy再转回来、
arg max、用no_grad包住两个模型、参数没有放进任何优化器。""",
    )


DebugDetachedFeature.wrong_answers += HintLoss.wrong_answers

EXERCISE = DebugDetachedFeature()
