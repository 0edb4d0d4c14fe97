from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise
from kd_study.exercises.distillation_kl import DistillationKL


class DebugShrinkingLoss(DebugExercise, DistillationKL):
    name = "debug_shrinking_loss"
    contract = "distillation_kl"
    level = "basic"
    minutes = 6
    sources = ("haitongli/knowledge-distillation-pytorch#48", "facebookresearch/deit#61")
    statement = Text(
        en=r"""
**What was noticed.** The recipe of a paper with 10 classes is used on a task with 1,000. The soft loss is tiny beside the hard
one, and the best temperature seems to be far higher than anybody reports.

Find the fault in this function and mend it. Its contract is that of `distillation_kl`: T² · KL(teacher ‖ student) of (N, C)
logits, both at the temperature, a mean over the N rows only. No gradient into the teacher.

For example, student `[[0, 0]]`, teacher `[[2, 0]]`, $T = 1$: it should be 0.328 and is 0.164 as handed in.""",
        zh=r"""
**现象。** 把一篇论文在10个类别上的配方用到1,000个类别的任务上：软标签损失与硬标签损失相比微不足道，
而“最佳”温度系数似乎比任何人报告的都高得多。

请找出这个函数里的错误并改正。约定与`distillation_kl`相同：(N, C)的logits，T² · KL(教师 ‖ 学生)，两者都取温度系数，只对N行取平均。
梯度不得流入教师模型。

例如，学生`[[0, 0]]`、教师`[[2, 0]]`、$T = 1$：应为0.328，而现在得到0.164。""",
    )
    hints = (
        Text(
            en="By which factor is the example off? What in the input is as large as that?",
            zh="例子里差了几倍？输入里有什么恰好是这个数？",
        ),
        Text(
            en="Read the documentation of `KLDivLoss` on its default reduction, warning included.",
            zh="读一读`KLDivLoss`文档里关于默认reduction的说明，连同那条警告。",
        ),
        Text(
            en='```python\ncriterion = nn.KLDivLoss(reduction="...")\n```',
            zh='```python\ncriterion = nn.KLDivLoss(reduction="...")\n```',
        ),
    )
    discussion = Text(
        en="""
`reduction="mean"` divides by the number of *elements*, N · C. The gradient's direction is right, so everything trains; only
the weight of the soft loss is C times smaller, and alpha no longer means what the paper says. One then "tunes" T, because
a larger T² makes up for it, and finds that odd temperatures work best.

Some code keeps the factor on purpose, so that published recipes stay valid (see the DeiT thread): then alpha is to be read
with it. An interviewer goes on to ask how you would notice: the loss of an even student against a one-hot teacher is
log C, a number that one can check in the head.""",
        zh="""
`reduction="mean"`除以的是*元素*个数N · C。梯度方向没错，所以一切都能训练；只是软标签损失的权重小了C倍，alpha也不再是论文里的意思。
接着人们去“调”T，因为更大的T²能弥补，于是发现奇怪的温度系数效果最好。

有些代码是有意保留这个因子的，好让已发表的配方仍然有效（见DeiT的讨论串）：那就得连着它一起理解alpha。
面试官接着会问怎样发现：均匀的学生对one-hot的教师，损失是log C，心算就能核对。""",
    )


DebugShrinkingLoss.wrong_answers += DistillationKL.wrong_answers

EXERCISE = DebugShrinkingLoss()
