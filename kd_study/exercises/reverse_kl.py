import torch
import torch.nn.functional as F
from torch import Tensor

from kd_study.exercises.base import Text, check, expect_close, gradient, normal, without
from kd_study.exercises.masked_loss import MaskedLoss
from kd_study.exercises.token_parts import kl_of_tokens


class ReverseKL(MaskedLoss):
    name = "reverse_kl"
    topic = "sequences"
    level = "mid"
    minutes = 15
    lesson = "12_sequences"
    sources = (
        "Gu et al. 2024 (MiniLLM), arXiv:2306.08543",
        "Agarwal et al. 2024 (GKD), arXiv:2306.13649",
        "huggingface/trl PR#5594",
    )
    statement = Text(
        en=r"""
Turn the KL divergence round: now the student weighs the sum.

$$\frac{1}{\sum_{n,l} m_{nl}} \sum_{n,l:\ m_{nl} = 1}\ \sum_i q_{nli}\, (\log q_{nli} - \log p_{nli}), \qquad p = \text{teacher},\ q = \text{student}.$$

The logits have the shape (N, L, C); there is no temperature, and the logarithm is the natural one. `mask`, (N, L), is bool or 0 and 1
of any dtype, true where a token counts; without a mask all count. It is one mean over all kept tokens of the batch. What stands
at the others, NaN or infinity, changes neither the value nor a gradient; where no token counts the loss is 0, with a graph.
No gradient may reach the teacher; the student gets all of it, through the weights $q$ as well.

For student `[[[0, 0]]]` and teacher `[[[2, 0]]]` the loss is 0.434; KL(teacher ‖ student) would be 0.328.""",
        zh=r"""
把KL散度反过来：这一次由学生来加权。

$$\frac{1}{\sum_{n,l} m_{nl}} \sum_{n,l:\ m_{nl} = 1}\ \sum_i q_{nli}\, (\log q_{nli} - \log p_{nli}), \qquad p = \text{教师},\ q = \text{学生}.$$

logits的形状是(N, L, C)；没有温度系数，对数取自然对数。掩码`mask`的形状是(N, L)，可以是bool，也可以是任何dtype的0和1，
为真的token才计入；不给掩码则全部计入。平均是对整批所有计入的token一次性取的。其余位置上无论是NaN还是无穷，
都不影响损失值与任何梯度；一个token都不计入时，损失为0，并带有计算图。梯度不得流入教师；学生则要得到完整的梯度，经由权重$q$的那部分也算。

学生`[[[0, 0]]]`、教师`[[[2, 0]]]`时，损失是0.434；若是KL(教师 ‖ 学生)，则为0.328。""",
    )
    hints = (
        Text(
            en="Forward KL asks: is there anything the teacher says that the student doesn't? Which question does this one ask, "
            "and whose probabilities decide how much each class matters?",
            zh="正向KL问的是：教师会说的，学生有没有漏掉？这一个问的又是什么？每个类别有多重要，由谁的概率决定？",
        ),
        Text(
            en="Σ q (log q − log p), both from `log_softmax` of the kept tokens. With `F.kl_div` the student is the *target*: "
            "`F.kl_div(log_p, log_q, log_target=True, reduction='sum')`. Leave q attached.",
            zh="Σ q (log q − log p)，两个对数概率都由计入的token经`log_softmax`得到。用`F.kl_div`时，学生要放在*target*的位置："
            "`F.kl_div(log_p, log_q, log_target=True, reduction='sum')`。q不要detach。",
        ),
        Text(
            en="```python\nif mask is not None:\n    student_logits, teacher_logits = (logits[...] for logits in (student_logits, teacher_logits))\n"
            "log_q = F.log_softmax(student_logits, dim=-1)\nlog_p = F.log_softmax(teacher_logits..., dim=-1)\n"
            "each = (... * (... - ...)).sum(-1)\nreturn each.sum() / max(..., 1)\n```",
            zh="```python\nif mask is not None:\n    student_logits, teacher_logits = (logits[...] for logits in (student_logits, teacher_logits))\n"
            "log_q = F.log_softmax(student_logits, dim=-1)\nlog_p = F.log_softmax(teacher_logits..., dim=-1)\n"
            "each = (... * (... - ...)).sum(-1)\nreturn each.sum() / max(..., 1)\n```",
        ),
    )
    discussion = Text(
        en="""
Forward KL punishes a student for giving nothing to what the teacher says, so a small one spreads itself over all of it:
mode-covering. Reverse KL punishes it for saying what the teacher would not, and doesn't mind what it never says: mode-seeking.
For text that is sampled token by token this is often the better bargain: one good answer beats a blur of ten. The price is
diversity, and calibration with it; for a classifier whose probabilities are used, forward KL stays the usual choice.

The gradient at a logit is q (log q − log p − KL): unbounded in log p, where forward KL has q − p. Detach q and the loss
looks the same, yet its gradient is Σ q ∇log q = 0: nothing is learned at all. A cousin of this occurs with samples: reverse KL is an
expectation under the student, so its estimate from sampled tokens needs a policy gradient (REINFORCE, as MiniLLM does), not merely
backward through log q − log p. Given the whole distribution of each token, as here, no sampling noise arises within a token; the
sequence itself is still sampled (`on_policy_loss`).

An interviewer goes on: what happens where the teacher's probability is 0? The loss is infinite, so a teacher cut to its top k can't
be used without a tail. What lies between the two? `generalized_jsd`. O(N L C).""",
        zh="""
正向KL惩罚的是：教师会说的，学生却没给概率；于是小学生模型只好把自己摊开，处处都沾一点，这叫覆盖众数（mode-covering）。
反向KL惩罚的是：教师不会说的，学生却说了；至于学生从来不说的，它并不在意，这叫寻找众数（mode-seeking）。
对逐token采样的文本来说，这往往更划算：一个好答案胜过十个答案的模糊平均。代价是多样性，校准也跟着变差；
如果分类器的概率本身要拿来用，通常仍选正向KL。

对logits的梯度是q (log q − log p − KL)：它随log p无界，而正向KL的梯度只是q − p。若把q给detach掉，损失看上去一模一样，
梯度却是Σ q ∇log q = 0：什么也学不到。用采样估计时有个类似的问题：反向KL是在学生分布下的期望，用采到的token来估计，
就需要策略梯度（REINFORCE，MiniLLM正是这么做的），而不能只对log q − log p做反向传播。像这里这样手上有每个token的完整分布，
token内部就没有采样噪声；但序列本身仍是采出来的（`on_policy_loss`）。

面试官接着会问：教师概率为0的地方会怎样？损失是无穷大，所以只留前k个的教师必须加上尾部才能用。两个方向之间有什么？`generalized_jsd`。
复杂度O(N L C)。""",
    )

    def example(self):
        return {
            "student_logits": normal(2, 4, 3, seed=1),
            "teacher_logits": normal(2, 4, 3, seed=2),
            "mask": torch.tensor([[True, True, True, False], [False, True, False, False]]),
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[2.0, 0.0]]])),
            0.43378,
            "0.5 · log(0.5 / 0.881) + 0.5 · log(0.5 / 0.119) = 0.434; the student comes first in the call and weighs the sum",
            "0.5 · log(0.5 / 0.881) + 0.5 · log(0.5 / 0.119) = 0.434；调用时学生在前，加权的也是学生",
            tolerance=1e-3,
        )

    @check(en="It seeks a mode", zh="寻找众数")
    def seeks_a_mode(self, fn):
        two_modes = torch.tensor([[[12.0, 12.0, 0.0, 0.0]]])
        expect_close(
            fn(torch.tensor([[[12.0, 0.0, 0.0, 0.0]]]), two_modes),
            0.69311,
            "a student that keeps to one of its teacher's two modes should pay log 2 = 0.693, not more",
            "学生只守住教师两个众数中的一个，代价应为log 2 = 0.693，而不是更多",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.zeros(1, 1, 4), two_modes),
            5.30684,
            "a student that spreads over four classes puts half where its teacher has nothing, and should pay 5.307",
            "学生平摊到四个类别，有一半落在教师不给概率的地方，代价应为5.307",
            tolerance=1e-3,
        )

    @check(en="Zero for equal logits up to a shift", zh="logits只差一个平移时为零")
    def is_zero_for_equal_logits(self, fn):
        logits = normal(2, 3, 4)
        expect_close(
            fn(logits + torch.tensor([[[5.0]], [[-3.0]]]), logits),
            0.0,
            "a student equal to its teacher up to a shift should cost 0",
            "学生与教师只差一个常数时损失应为0",
        )

    @check(en="The whole gradient", zh="完整的梯度")
    def has_the_whole_gradient(self, fn):
        example = self.example()
        log_q, log_p = (example[name].log_softmax(-1) for name in ("student_logits", "teacher_logits"))
        gap = log_q - log_p
        each = log_q.exp() * (gap - (log_q.exp() * gap).sum(-1, keepdim=True))
        expect_close(
            gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"]),
            each * example["mask"][..., None] / 4,
            "with 4 kept tokens the gradient should be q (log q − log p − KL) / 4 at a kept token and 0 elsewhere; if the loss is right "
            "and this isn't, the weights q may have been detached",
            "计入4个token时，计入处的梯度应为q (log q − log p − KL) / 4，其余为0；如果损失值对而梯度不对，可能是权重q被detach了",
        )

    @check(en="Sure and wrong costs in proportion", zh="又确定又错误，代价按比例增长")
    def charges_a_sure_mistake_in_full(self, fn):
        for gap in (30.0, 200.0):
            expect_close(
                fn(torch.tensor([[[gap, 0.0]]]), torch.tensor([[[0.0, gap]]])),
                gap,
                f"a student sure of what its teacher is sure to be wrong pays the gap of the logits, {gap:g}; a small number added inside the logarithm, or a clamp, hides it",
                f"学生确信的恰是教师确信为错的，损失应等于logits之差{gap:g}；在对数里加小常数或做截断会把它掩盖掉",
            )

    @check(en="Without a mask every token counts", zh="不给掩码时，每个token都计入")
    def counts_every_token_without_a_mask(self, fn):
        example = self.example()
        everything = torch.ones_like(example["mask"])
        expect_close(
            fn(**without(example, "mask")),
            fn(**example | {"mask": everything}),
            "without a mask the loss should be the one under a mask that is true everywhere",
            "不给掩码时，应等于掩码全为真时的损失",
        )
        student, teacher = example["student_logits"], example["teacher_logits"]
        expect_close(
            fn(student, teacher, example["mask"]),
            fn(**example),
            "the third argument is the mask",
            "第三个参数是掩码",
        )

    def probes(self):
        example = self.example()
        return {"masked": example, "default": without(example, "mask")}


def _kept(student_logits, teacher_logits, mask):
    """The logits of the kept tokens; the teacher's detached."""
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    return student_logits[mask.bool()], teacher_logits.detach()[mask.bool()]


def _each(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """(…, C) → (…): KL(student ‖ teacher) of every token."""
    log_q, log_p = F.log_softmax(student_logits, -1), F.log_softmax(teacher_logits, -1)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


def _mean(each: Tensor) -> Tensor:
    return each.sum() / max(each.numel(), 1)


@ReverseKL.wrong(
    en="This is KL(teacher ‖ student), the forward direction: the teacher weighs the sum, and the student covers every mode. With F.kl_div the student must be the target.",
    zh="这是KL(教师 ‖ 学生)，即正向：由教师加权，学生会去覆盖每个众数。用F.kl_div时，学生要放在target的位置。",
    reference="Gu et al. 2024 (MiniLLM), arXiv:2306.08543",
)
def goes_forward(student_logits, teacher_logits, mask=None):
    return _mean(kl_of_tokens(*_kept(student_logits, teacher_logits, mask)))


@ReverseKL.wrong(
    en="The weights q are detached: the number is right, but Σ q ∇log q is 0, so that the student learns nothing at all. The gradient goes through the weights as well.",
    zh="权重q被detach了：数值没错，但Σ q ∇log q等于0，学生什么也学不到。梯度也要经过权重。",
)
def detaches_the_weights(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    log_q, log_p = F.log_softmax(student, -1), F.log_softmax(teacher, -1)
    return _mean((log_q.detach().exp() * (log_q - log_p)).sum(-1))


@ReverseKL.wrong(
    en="Only −Σ q log p is left: without the student's own entropy the best student puts everything on one class.",
    zh="只剩下−Σ q log p：少了学生自己的熵，最优的学生会把概率全押在一个类别上。",
)
def forgets_the_students_entropy(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    return _mean(-(F.softmax(student, -1) * F.log_softmax(teacher, -1)).sum(-1))


@ReverseKL.wrong(
    en="This is the mean of both directions (Jeffreys): half of it still covers every mode.",
    zh="这是两个方向的平均（Jeffreys散度）：其中一半仍在覆盖所有众数。",
)
def averages_both_directions(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    return _mean(_each(student, teacher) + kl_of_tokens(student, teacher)) / 2


@ReverseKL.wrong(
    en="kl_div got the teacher's probabilities; its first argument must be log-probabilities.",
    zh="传给kl_div的第一个参数是教师的概率；它需要的是对数概率。",
    reference="microsoft/ProDA#20",
)
def passes_probabilities_for_the_teacher(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    total = F.kl_div(teacher.softmax(-1), student.softmax(-1), reduction="sum")
    return total / max(len(student), 1)


@ReverseKL.wrong(
    en="The mask is taken and not used: padding counts like everything else.",
    zh="接收了掩码却没有用：填充与其他token一样计入。",
    reference="linkedin/Liger-Kernel PR#974",
)
def ignores_the_mask(student_logits, teacher_logits, mask=None):
    return _each(student_logits, teacher_logits.detach()).mean()


@ReverseKL.wrong(
    en="The mask is turned round: the padding is learned, and the tokens are left out. True means that a token counts.",
    zh="掩码用反了：学的是填充，丢掉的是token。为真表示计入。",
)
def turns_the_mask_round(student_logits, teacher_logits, mask=None):
    turned = None if mask is None else ~mask.bool()
    return _mean(_each(*_kept(student_logits, teacher_logits, turned)))


@ReverseKL.wrong(
    en="The sum over kept tokens is divided by all N · L places: the more padding, the smaller the loss.",
    zh="计入的token求和之后除以了全部N · L个位置：填充越多，损失越小。",
)
def divides_by_all_places(student_logits, teacher_logits, mask=None):
    each = _each(*_kept(student_logits, teacher_logits, mask))
    return each.sum() / student_logits[..., 0].numel()


@ReverseKL.wrong(
    en="The sum is divided by the number of sentences, as 'batchmean' does: the loss grows with the length.",
    zh="总和除以了句子数，正如'batchmean'所做的：损失随长度增长。",
    reference="neuralmagic/sparseml PR#592",
)
def divides_by_sentences(student_logits, teacher_logits, mask=None):
    return _each(*_kept(student_logits, teacher_logits, mask)).sum() / len(student_logits)


@ReverseKL.wrong(
    en="The mean is divided by the number of kept tokens once more.",
    zh="平均之后又除了一次计入的token数。",
    reference="modelscope/easydistill PR#16",
)
def divides_twice(student_logits, teacher_logits, mask=None):
    each = _each(*_kept(student_logits, teacher_logits, mask))
    return _mean(each) / max(len(each), 1)


@ReverseKL.wrong(
    en="This is the mean of the sentences' means: a token in a short sentence weighs more. One mean over all kept tokens is asked for.",
    zh="这是先逐句平均再取平均：短句里的token更重。要的是对所有计入的token一次性取平均。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    rows = zip(student_logits, teacher_logits.detach(), mask.bool(), strict=True)
    return torch.stack([_mean(_each(student[kept], teacher[kept])) for student, teacher, kept in rows]).mean()


@ReverseKL.wrong(
    en="Classes are averaged as well as tokens: the loss is C times too small.",
    zh="除了token，连类别也平均了：损失小了C倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, mask=None):
    return _mean(_each(*_kept(student_logits, teacher_logits, mask))) / student_logits.shape[-1]


@ReverseKL.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the kept tokens before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, mask=None):
    each = _each(student_logits, teacher_logits.detach())
    mask = torch.ones_like(each) if mask is None else mask.to(each.dtype)
    return (each * mask).sum() / mask.sum().clamp(min=1)


@ReverseKL.wrong(
    en="where() mends the value and not the gradient: 0 times the NaN slope of the padding's branch is NaN. Select the kept tokens before computing.",
    zh="where()修好了数值，却修不好梯度：0乘以填充那一支的NaN斜率还是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def chooses_after_computing(student_logits, teacher_logits, mask=None):
    each = _each(student_logits, teacher_logits.detach())
    mask = torch.ones_like(each) if mask is None else mask
    return torch.where(mask.bool(), each, 0.0).sum() / mask.bool().sum().clamp(min=1)


@ReverseKL.wrong(
    en="A mean over no token at all is 0 / 0: a batch of padding makes the loss NaN, and the student with it.",
    zh="一个token都没有时取平均是0 / 0：全是填充的一批会让损失变成NaN，学生也跟着毁掉。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, mask=None):
    return _each(*_kept(student_logits, teacher_logits, mask)).mean()


@ReverseKL.wrong(
    en="For a batch of padding a bare 0 comes back: it has no graph, and backward raises. Let the sum of nothing give the 0.",
    zh="全是填充时返回了一个光秃秃的0：没有计算图，backward会报错。让“空的求和”自己得出0即可。",
    reference="torchtune, kd_losses.py",
)
def returns_a_zero_without_a_graph(student_logits, teacher_logits, mask=None):
    if mask is not None and not mask.any():
        return torch.zeros((), dtype=student_logits.dtype)
    return _each(*_kept(student_logits, teacher_logits, mask)).mean()


@ReverseKL.wrong(
    en="The mask is used as an index as it comes. Of integers, 0 and 1 are taken for row numbers. Call mask.bool() first.",
    zh="直接拿掩码当下标。如果它是整数，0和1会被当成行号。请先调用mask.bool()。",
)
def indexes_with_the_mask_as_it_comes(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2], dtype=torch.bool) if mask is None else mask
    return _mean(_each(student_logits[mask], teacher_logits.detach()[mask]))


@ReverseKL.wrong(
    en="A small number inside the logarithm caps the loss: a student that is sure and wrong pays no more for being wronger. log_softmax needs no such help.",
    zh="在对数里加小常数给损失封了顶：又确定又错误的学生，错得再离谱也不再多付代价。用log_softmax就不需要它。",
    reference="modelscope/easydistill PR#16",
)
def adds_an_epsilon_in_the_logarithm(student_logits, teacher_logits, mask=None):
    q, p = (logits.softmax(-1) for logits in _kept(student_logits, teacher_logits, mask))
    return _mean((q * ((q + 1e-8).log() - (p + 1e-8).log())).sum(-1))


@ReverseKL.wrong(
    en="The logarithm is taken of a softmax that has become 0: extreme logits give infinity or NaN. Use log_softmax.",
    zh="对已经变成0的softmax取对数：logits极端时得到无穷或NaN。请用log_softmax。",
)
def takes_the_logarithm_of_a_softmax(student_logits, teacher_logits, mask=None):
    q, p = (logits.softmax(-1) for logits in _kept(student_logits, teacher_logits, mask))
    return _mean((q * (q.log() - p.log())).sum(-1))


@ReverseKL.wrong(
    en="The teacher is not detached: a gradient flows into its logits, and a teacher that can move will meet the student.",
    zh="教师没有detach：梯度会流入它的logits，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    return _mean(_each(student_logits[mask.bool()], teacher_logits[mask.bool()]))


EXERCISE = ReverseKL()
