from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise
from kd_study.exercises.masked_kd import MaskedKD


class DebugInfinitePadding(DebugExercise, MaskedKD):
    name = "debug_infinite_padding"
    contract = "masked_kd"
    level = "hard"
    minutes = 12
    sources = ("huggingface/trl PR#5594",)
    statement = Text(
        en=r"""
**What was noticed.** Both models write −∞ at the padding. The loss is printed every step and looks right. After the first
step all of the student's weights are NaN.

Find the fault in this function and mend it. Its contract is that of `masked_kd`: (N, L, C) logits, an (N, L) mask of any
dtype, true where a token counts; the result is T² · KL(teacher ‖ student), one mean over the kept tokens of the batch.
What stands at the others, NaN or infinity, changes neither the value *nor a gradient*. Without any token that counts the
loss is 0, with a graph.

For example, mask `[[1, 0]]`, student `[[[0, 0], [−∞, −∞]]]`, teacher `[[[2, 0], [−∞, −∞]]]`, $T = 1$: the loss is 0.328, and
the gradient should be `[[[−0.381, 0.381], [0, 0]]]`; as handed in its second token is NaN.""",
        zh=r"""
**现象。** 两个模型在填充处都写入−∞。每一步都打印损失，看上去没有问题；可第一步之后，学生的权重全成了NaN。

请找出这个函数里的错误并改正。约定与`masked_kd`相同：logits的形状是(N, L, C)，掩码是(N, L)，dtype任意，为真的token才计入；
结果是T² · KL(教师 ‖ 学生)，对整批计入的token一次性取平均。其余位置上无论是NaN还是无穷，都不影响损失值，*也不影响任何梯度*。
一个token都不计入时，损失为0，并带有计算图。

例如，mask为`[[1, 0]]`，学生`[[[0, 0], [−∞, −∞]]]`，教师`[[[2, 0], [−∞, −∞]]]`，$T = 1$：损失是0.328，
梯度应为`[[[−0.381, 0.381], [0, 0]]]`；而现在第二个token的梯度是NaN。""",
    )
    hints = (
        Text(
            en="The forward pass is repaired at its end. Which way does the backward pass go, and what does it meet there?",
            zh="前向的结果在最后被补救了。反向传播沿什么路走？路上会遇到什么？",
        ),
        Text(
            en="`nan_to_num` hands a slope of 0 back to the padding. log_softmax of a row of −∞ then multiplies it by its own "
            "output, NaN, and 0 · NaN is NaN. What was never computed has no slope.",
            zh="`nan_to_num`把斜率0传回填充处；而整行−∞的log_softmax会用自己的输出NaN去乘它，0 · NaN仍是NaN。从未计算过的东西才没有斜率。",
        ),
        Text(
            en="```python\nkept = mask.bool()\nlog_q = F.log_softmax(student_logits[kept] / temperature, dim=-1)\n"
            "log_p = ...\neach = ...\nreturn temperature**2 * each.sum() / ...\n```",
            zh="```python\nkept = mask.bool()\nlog_q = F.log_softmax(student_logits[kept] / temperature, dim=-1)\n"
            "log_p = ...\neach = ...\nreturn temperature**2 * each.sum() / ...\n```",
        ),
    )
    discussion = Text(
        en="""
A sentinel is a number that means "nothing here", and the backward pass doesn't know it. `nan_to_num`, `torch.where` and
multiplying by the mask all act on the result; autograd goes on through what came before, and the chain rule multiplies
by 0 where it should not go at all. Two cures: select before computing (`logits[kept]`), or put something harmless in
place of the sentinel before computing (`masked_fill(~kept, 0)`), and mask afterwards.

How one finds it: `torch.autograd.set_detect_anomaly(True)` names the forward line whose backward gave the NaN; a hook on
the logits (`register_hook`) shows at which places. An interviewer goes on to ask where else it happens: sqrt at 0 in a
distance (`rkd_distance`), log of a softmax, attention with a fully masked row.""",
        zh="""
哨兵值是表示“这里什么也没有”的数，而反向传播并不知道这个约定。`nan_to_num`、`torch.where`、乘以掩码，都只作用于结果；
自动求导仍会穿过前面的计算，在根本不该去的地方乘上一个0。解法有两种：计算之前先选出来（`logits[kept]`）；
或者计算之前就用无害的值替换哨兵（`masked_fill(~kept, 0)`），之后再乘掩码。

怎么查：`torch.autograd.set_detect_anomaly(True)`会指出是哪一行前向在反向时产生了NaN；在logits上挂`register_hook`可以看到具体位置。
面试官接着会问还有哪里会这样：距离在0处的sqrt（`rkd_distance`）、对softmax取log、整行都被掩码的注意力。""",
    )


DebugInfinitePadding.wrong_answers += MaskedKD.wrong_answers

EXERCISE = DebugInfinitePadding()
