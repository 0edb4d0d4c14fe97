from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise
from kd_study.exercises.masked_kd import MaskedKD


class DebugIgnoredMask(DebugExercise, MaskedKD):
    name = "debug_ignored_mask"
    contract = "masked_kd"
    level = "basic"
    minutes = 8
    sources = ("peremartra/optipfair#34",)
    statement = Text(
        en=r"""
**What was noticed.** Two students are compared on sentences of very different lengths. Their losses hardly differ, and
both fall when a batch is padded to a greater length.

Find the fault in this function and mend it. Its contract is that of `masked_kd`: (N, L, C) logits, an (N, L) mask of any
dtype, true where a token counts; the result is T² · KL(teacher ‖ student), one mean over the kept tokens of the batch.
What stands at the others, NaN or infinity, changes neither the value nor a gradient. Without any token that counts the
loss is 0, with a graph.

For example, mask `[[1, 0]]`, student `[[[0, 0], [9, 9]]]`, teacher `[[[2, 0], [0, 7]]]`, $T = 1$: it should be 0.328 and is
0.507 as handed in.""",
        zh=r"""
**现象。** 在长短悬殊的句子上比较两个学生模型，损失几乎没有差别；而且把一批填充得更长，两者的损失都会下降。

请找出这个函数里的错误并改正。约定与`masked_kd`相同：logits的形状是(N, L, C)，掩码是(N, L)，dtype任意，为真的token才计入；
结果是T² · KL(教师 ‖ 学生)，对整批计入的token一次性取平均。其余位置上无论是NaN还是无穷，都不影响损失值与任何梯度。
一个token都不计入时，损失为0，并带有计算图。

例如，mask为`[[1, 0]]`，学生`[[[0, 0], [9, 9]]]`，教师`[[[2, 0], [0, 7]]]`，$T = 1$：应为0.328，而现在得到0.507。""",
    )
    hints = (
        Text(
            en="Follow the mask from line to line. Where does it change a number?",
            zh="逐行跟着掩码走：它在哪里真正改变了一个数？",
        ),
        Text(
            en="`masked_fill` returns a new tensor; `masked_fill_` changes the old one. And a mean over N · L places divides by too "
            "much even if the padding is 0.",
            zh="`masked_fill`返回新张量，`masked_fill_`才修改原张量。而且就算填充处是0，对N · L个位置取平均也除多了。",
        ),
        Text(
            en="```python\nkept = mask.bool()\nlog_q = F.log_softmax(student_logits[...] / temperature, dim=-1)\n...\n"
            "return temperature**2 * each.sum() / max(..., 1)\n```",
            zh="```python\nkept = mask.bool()\nlog_q = F.log_softmax(student_logits[...] / temperature, dim=-1)\n...\n"
            "return temperature**2 * each.sum() / max(..., 1)\n```",
        ),
    )
    discussion = Text(
        en="""
An expression whose result nobody keeps is no error in Python, and the mask is right there on the screen: reading for
"is the mask used?" finds nothing. Reading for "what would change without this line?" does. A linter finds some of these
(a bare comparison, say), not this one, because a call may have side effects.

In the thread, masking the padding moved the perplexities by about 4 and turned a clear ranking of the methods into a
draw (21.3 against 24.0 became 19.7 against 19.6, as reported): the conclusion itself was made of padding. The test that
would have caught it takes two lines: pad the same batch to twice the length, and the loss must not move.""",
        zh="""
表达式的结果没有人接收，在Python里不算错误；掩码又明明就写在那里。若问“用到掩码了吗”，读不出问题；
若问“去掉这一行会有什么变化”，马上就能发现。静态检查能发现其中一部分（例如孤零零的比较式），但发现不了这一处，因为函数调用可能有副作用。

据讨论串报告，给填充加上掩码之后，困惑度变动约4，方法之间原本明显的高下成了平手（21.3对24.0，变成19.7对19.6）：
原来的结论本身就是填充造成的。两行测试就能抓住它：把同一批填充到两倍长，损失不应变化。""",
    )


DebugIgnoredMask.wrong_answers += MaskedKD.wrong_answers

EXERCISE = DebugIgnoredMask()
