import torch.nn.functional as F

from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise
from kd_study.exercises.kd_loss import KDLoss


class DebugOneModelTwice(DebugExercise, KDLoss):
    name = "debug_one_model_twice"
    contract = "kd_loss"
    level = "basic"
    minutes = 6
    sources = ("labmlai/annotated_deep_learning_paper_implementations#66",)
    statement = Text(
        en=r"""
**What was noticed.** The soft part of the loss is 0 from the first step on. The student is about as good as one that was
trained on the labels alone, with half the learning rate.

Find the fault in this function and mend it. Its contract is that of `kd_loss`: alpha · T² · KL(teacher ‖ student) at the
temperature, mean over the rows, + (1 − alpha) · cross-entropy with the labels at $T = 1$. No gradient into the teacher.

For example, student `[[0, 0]]`, teacher `[[2, 0]]`, label `[0]`, $T = 2$, alpha = 0.5: it should be 0.569 and is 0.347 as
handed in.""",
        zh=r"""
**现象。** 损失中软标签的那一部分从第一步起就是0。学生的表现，和只用硬标签、学习率减半训练出来的差不多。

请找出这个函数里的错误并改正。约定与`kd_loss`相同：alpha · T² · KL(教师 ‖ 学生)（温度系数T，对行取平均）
+ (1 − alpha) · 与标签的交叉熵（$T = 1$）。梯度不得流入教师模型。

例如，学生`[[0, 0]]`、教师`[[2, 0]]`、标签`[0]`、$T = 2$、alpha = 0.5：应为0.569，而现在得到0.347。""",
    )
    hints = (
        Text(
            en="For which two distributions is a KL divergence 0?",
            zh="哪两个分布之间的KL散度为0？",
        ),
        Text(
            en="Cover the left-hand sides of the assignments and read only what each is made from.",
            zh="把各个赋值号左边遮住，只看每个量是由什么算出来的。",
        ),
        Text(
            en="```python\nsoft_targets = F.softmax(... / temperature, dim=-1)\nsoft_predictions = F.log_softmax(... / temperature, dim=-1)\n```",
            zh="```python\nsoft_targets = F.softmax(... / temperature, dim=-1)\nsoft_predictions = F.log_softmax(... / temperature, dim=-1)\n```",
        ),
    )
    discussion = Text(
        en="""
The name on the left says "predictions", and so one reads the student into the right-hand side. The thread is about a
well-known annotated implementation: it was copied for a long time, since the labels carry the training and the accuracy
looks plausible.

A loss of exactly 0 at the first step is as alarming as NaN. A student that agrees with its teacher before it has learned
anything doesn't exist. So test at the ends: with alpha = 1 the gradient must reach the student, and a student that says
the opposite of the teacher must pay more than one that agrees.""",
        zh="""
左边的名字叫“predictions”，读的人就会在右边自动脑补出学生。出处里的讨论串说的是一个很有名的注释版实现：
它被抄了很久，因为有硬标签撑着训练，准确率看上去也说得过去。

第一步的损失恰好为0，和NaN一样值得警惕：还没学就与教师完全一致的学生是不存在的。所以要在端点上测试：
alpha = 1时梯度必须到达学生；与教师唱反调的学生，付出的代价必须比与教师一致的更大。""",
    )


DebugOneModelTwice.wrong_answers += KDLoss.wrong_answers


@DebugOneModelTwice.wrong(
    en="The teacher stands on both sides of the KL, or the student beside a detached copy of itself: value and gradient are then 0, and what is left is half of the cross-entropy.",
    zh="KL的两边都是教师，或者都是学生（其中一个detach过）：值与梯度恒为0，剩下的只是一半的交叉熵。",
    reference="labmlai/annotated_deep_learning_paper_implementations#66",
)
def compares_the_teacher_with_itself(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    return (1 - alpha) * F.cross_entropy(student_logits, targets)


@DebugOneModelTwice.wrong(
    en="Now the student stands on both sides: the KL is 0 once more, and the teacher is never read.",
    zh="现在KL的两边都成了学生：值仍恒为0，教师根本没有被用到。",
)
def compares_the_student_with_itself(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, -1)
    soft = F.kl_div(log_q, log_q.exp(), reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


EXERCISE = DebugOneModelTwice()
