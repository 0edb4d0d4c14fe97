from kd_study.exercises.accumulated_kd import AccumulatedKD
from kd_study.exercises.base import Text
from kd_study.exercises.debugging import DebugExercise


class DebugMeanOfMeans(DebugExercise, AccumulatedKD):
    name = "debug_mean_of_means"
    contract = "accumulated_kd"
    level = "mid"
    minutes = 10
    sources = ("modelscope/ms-swift#10076", "huggingface/trl#4719")
    statement = Text(
        en=r"""
**What was noticed.** With gradient accumulation the student learns short answers well and long ones badly. Without it, on
a larger machine, all is well. Where all answers have one length, both runs agree to the last digit.

Find the fault in this function and mend it. Its contract is that of `accumulated_kd`: the batch is cut along N as
`torch.chunk` does; the result is a list of losses, one a piece, each to be back-propagated by itself, whose sum is T² ·
KL(teacher ‖ student) averaged once over all kept tokens of the batch. Padding, NaN or not, never matters, and a piece in
which nothing counts costs 0.

For example, two micro-batches of one sentence each: three tokens that cost 0.328 each, and one that costs 0.603. The
losses should be 0.246 and 0.151, and are 0.164 and 0.302 as handed in.""",
        zh=r"""
**现象。** 用了梯度累积之后，学生的短回答学得好，长回答学得差。换到更大的机器上、不用梯度累积，就一切正常。
如果所有回答一样长，两种跑法连最后一位都一致。

请找出这个函数里的错误并改正。约定与`accumulated_kd`相同：像`torch.chunk`那样沿N切开；返回损失的列表，每份一个，可各自反向传播，
它们之和是T² · KL(教师 ‖ 学生)对整批计入的token一次性取的平均。填充处（哪怕是NaN）从不影响结果，没有token计入的那一份损失为0。

例如，两个微批各有一句：一句三个token，各0.328；另一句一个token，0.603。损失应为0.246和0.151，而现在得到0.164和0.302。""",
    )
    hints = (
        Text(
            en="Give each token a weight: how much of the final gradient is due to it? Is it the same for all tokens of the batch?",
            zh="给每个token算一个权重：它在最终梯度里占多少？整批的token都一样吗？",
        ),
        Text(
            en="A token in piece k weighs 1 / (pieces · tokens in piece k). It should weigh 1 / tokens in the batch, which is known "
            "before the first piece is computed.",
            zh="第k份里的token，权重是1 / (份数 · 第k份的token数)。它应当是1 / 整批的token数，而这个数在计算第一份之前就已知道。",
        ),
        Text(
            en="```python\nnumber = mask.sum().clamp(min=1)\n...\n    losses.append(temperature**2 * total / ...)\nreturn losses\n```",
            zh="```python\nnumber = mask.sum().clamp(min=1)\n...\n    losses.append(temperature**2 * total / ...)\nreturn losses\n```",
        ),
    )
    discussion = Text(
        en="""
Each line is right by itself: a mean for each piece, and a mean over the pieces. Their composition is a mean only where all
pieces hold equally many tokens. The clue is in the symptoms: equal lengths agree, so the fault lies in a weight that
depends on the length.

The same fault has further homes: data parallel training, which averages the gradients of machines with different numbers
of tokens; evaluation that averages batch accuracies, whose last batch is smaller; sentences that are averaged before the
batch is. The test: cut one batch into 1, 2 and N pieces, and compare the summed gradients.""",
        zh="""
单看每一行都没错：每份取平均，再对各份取平均。可两者复合起来，只有在各份token数相同时才是总体的平均。
线索就在现象里：长度相同时两者一致，所以错误出在某个依赖长度的权重上。

同样的错误还住在别处：数据并行时，各台机器token数不同，却直接平均梯度；评估时对各批的准确率取平均，而最后一批更小；
先对句子内部平均，再对批平均。测试方法：把同一批切成1份、2份、N份，比较累加后的梯度。""",
    )


DebugMeanOfMeans.wrong_answers += AccumulatedKD.wrong_answers

EXERCISE = DebugMeanOfMeans()
