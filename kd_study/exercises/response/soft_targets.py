import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    expect,
    expect_close,
    expect_tensor,
    gradient,
    normal,
    outcome,
    shown,
)


def whiteboard(logits, temperature=1.0):
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    return F.softmax(logits / temperature, dim=-1)


class SoftTargets(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        expect(
            result.shape == arguments["logits"].shape,
            f"logits of shape {tuple(arguments['logits'].shape)} should give probabilities of the same shape, "
            f"but {tuple(result.shape)} came back",
            f"形状为{tuple(arguments['logits'].shape)}的logits应得到同形状的概率，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[2.0, 0.0]]), temperature=2.0),
            torch.tensor([[0.7311, 0.2689]]),
            "e / (e + 1) = 0.731 is the probability of the first class",
            "第一类的概率是e / (e + 1) = 0.731",
            tolerance=1e-3,
        )

    @check(en="The default temperature is 1", zh="默认温度系数为1")
    def has_temperature_one_by_default(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0]])),
            torch.tensor([[0.7311, 0.2689]]),
            "without a temperature this is the ordinary softmax",
            "不给温度系数时就是普通的softmax",
            tolerance=1e-3,
        )

    @check(en="Every row is a distribution of its own", zh="每一行各自是一个分布")
    def makes_every_row_a_distribution(self, fn):
        for temperature in (0.5, 1.0, 7.0):
            probabilities = fn(normal(3, 4), temperature)
            expect_close(
                probabilities.sum(dim=-1),
                torch.ones(3),
                f"at temperature {temperature} the rows don't sum to 1",
                f"温度系数为{temperature}时，各行之和不为1",
            )
            expect(
                bool((probabilities >= 0).all()),
                "probabilities are not negative; are these log-probabilities?",
                "概率不会是负数；返回的是对数概率吗？",
            )
        columns = normal(4, 3)
        alone = torch.cat([fn(row[None], 3.0) for row in columns.T.contiguous()])
        expect_close(
            fn(columns.T, 3.0),
            alone,
            "a row's result depends on the other rows of the batch, or on how the rows lie in memory",
            "某一行的结果受到了批内其他行或内存布局的影响",
        )

    @check(en="The log-odds shrink by T exactly", zh="对数几率恰好缩小为1/T")
    def divides_the_log_odds(self, fn):
        logits = normal(2, 4, seed=1)
        for temperature in (0.05, 4.0):
            log = fn(logits, temperature).log()
            expect_close(
                log[:, :1] - log[:, 1:],
                (logits[:, :1] - logits[:, 1:]) / temperature,
                f"at temperature {temperature}, log p_i − log p_j should be (z_i − z_j) / {temperature}",
                f"温度系数为{temperature}时，log p_i − log p_j应为(z_i − z_j) / {temperature}",
            )

    @check(en="Extreme temperatures: arg max and uniform", zh="极端温度：arg max与均匀分布")
    def tends_to_arg_max_and_to_uniform(self, fn):
        logits = torch.tensor([[3.0, 1.0, 2.0]])
        expect_close(
            fn(logits, 1e-2),
            torch.tensor([[1.0, 0.0, 0.0]]),
            "T → 0 should leave the arg max",
            "T → 0时应只剩arg max",
        )
        expect_close(
            fn(logits, 1e6),
            torch.full((1, 3), 1 / 3),
            "T → ∞ should give the uniform row",
            "T → ∞时应为均匀分布",
        )

    @check(en="Finite for logits of ±1e4", zh="logits为±1e4时仍为有限数")
    def is_finite_for_extreme_logits(self, fn):
        probabilities = fn(torch.tensor([[1e4, 9999.0], [-1e4, -9999.0]]), 1.0)
        expect_close(
            probabilities,
            torch.tensor([[0.7311, 0.2689], [0.2689, 0.7311]]),
            "exp of such logits overflows or is 0, and a clamp loses their gap; let softmax, which subtracts each row's "
            "maximum, do the work",
            "这样的logits取exp会溢出或变成0，做截断又会丢掉它们的差距；请用会先减去每行最大值的softmax",
            tolerance=1e-2,
        )

    @check(en="ValueError for a temperature that is not positive", zh="温度系数不为正时抛出ValueError")
    def refuses_a_temperature_that_is_not_positive(self, fn):
        for temperature in (0.0, -1.0):
            came = outcome(lambda temperature=temperature: fn(torch.tensor([[1.0, 2.0]]), temperature))
            expect(
                came == "ValueError",
                f"temperature {temperature:g} should raise ValueError, but gave {shown(came)}",
                f"温度系数为{temperature:g}时应抛出ValueError，实际得到{shown(came)}",
            )

    @check(en="Keeps dtype and graph", zh="保持dtype与计算图")
    def keeps_dtype_and_graph(self, fn):
        for dtype in (torch.float64, torch.bfloat16):
            came = fn(normal(2, 3).to(dtype), 2.0).dtype
            expect(came == dtype, f"{dtype} goes in, {came} comes out", f"输入是{dtype}，输出却是{came}")
        expect(
            fn(normal(2, 3).requires_grad_(), 2.0).requires_grad,
            "the graph is cut; a function of logits leaves it to its caller to detach",
            "计算图被切断了；是否detach应由调用者决定",
        )
        p = torch.tensor([[0.7311, 0.2689]])
        expect_close(
            gradient(lambda leaf: fn(leaf, 2.0)[0, 0], torch.tensor([[2.0, 0.0]])),
            p[0, 0] * (torch.tensor([[1.0, 0.0]]) - p) / 2,
            "the gradient of p_0 should be p_0 (1 − p_0) / T for its own logit and −p_0 p_1 / T for the other",
            "p_0对自己的logit的梯度应为p_0 (1 − p_0) / T，对另一个logit应为−p_0 p_1 / T",
            tolerance=1e-3,
        )

    def probes(self):
        logits = normal(3, 4, seed=2)
        return {
            "T = 1": {"logits": logits},
            "T = 4": {"logits": logits, "temperature": 4.0},
            "T = 0.5": {"logits": logits, "temperature": 0.5},
        }

    def edges(self):
        return {"extreme": {"logits": torch.tensor([[1e4, -1e4], [-1e4, -1e4]])}}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        for name, temperature in (("T = 0", 0.0), ("T < 0", -1.0)):
            edge[name] = outcome(lambda t=temperature: type(function(normal(2, 3), t)).__name__)
        edge["graph"] = outcome(lambda: function(normal(2, 3).requires_grad_(), 2.0).requires_grad)
        edge["dtype"] = outcome(lambda: str(function(normal(2, 3).double(), 2.0).dtype))
        return ordinary, edge


def _positive(temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")


@SoftTargets.wrong(
    en="You multiply by the temperature, which sharpens the distribution. Soft targets divide by it.",
    zh="你乘上了温度系数，分布会变得更尖锐。软标签应当除以它。",
)
def multiplies_by_the_temperature(logits, temperature=1.0):
    _positive(temperature)
    return (logits * temperature).softmax(-1)


@SoftTargets.wrong(
    en="The temperature has no effect, unused or cancelled: this is the softmax at T = 1.",
    zh="温度系数没有用到，或者被约掉了，不起作用：这只是T = 1的softmax。",
)
def ignores_the_temperature(logits, temperature=1.0):
    _positive(temperature)
    return logits.softmax(-1)


@SoftTargets.wrong(
    en="The softmax runs over the batch (dim=0): examples compete with one another instead of classes.",
    zh="softmax作用在批维（dim=0）上：互相竞争的成了样本，而不是类别。",
)
def normalises_over_the_batch(logits, temperature=1.0):
    _positive(temperature)
    return (logits / temperature).softmax(0)


@SoftTargets.wrong(
    en="The probabilities are divided by T, after the softmax: rows sum to 1/T and nothing gets softer.",
    zh="在softmax之后才把概率除以T：每行之和变成1/T，分布并没有变软。",
)
def divides_after_the_softmax(logits, temperature=1.0):
    _positive(temperature)
    return logits.softmax(-1) / temperature


@SoftTargets.wrong(
    en="p^(1/T) is the right shape but is not normalised again: the rows no longer sum to 1.",
    zh="p^(1/T)的形状是对的，但没有重新归一化：每行之和不再是1。",
)
def forgets_to_normalise_the_power(logits, temperature=1.0):
    _positive(temperature)
    return logits.softmax(-1) ** (1 / temperature)


@SoftTargets.wrong(
    en="These are log-probabilities. KLDivLoss wants them for the student; targets are probabilities.",
    zh="返回的是对数概率。KLDivLoss的学生一侧才要对数概率；软标签是概率。",
    reference="pytorch/pytorch#5282",
)
def returns_log_probabilities(logits, temperature=1.0):
    _positive(temperature)
    return (logits / temperature).log_softmax(-1)


@SoftTargets.wrong(
    en="The temperature divides twice (T²): the square belongs in front of the loss, not inside the softmax.",
    zh="除以了T²：平方应当乘在损失前面，而不是放进softmax里。",
)
def divides_by_the_square(logits, temperature=1.0):
    _positive(temperature)
    return (logits / temperature**2).softmax(-1)


@SoftTargets.wrong(
    en="A sigmoid a class gives independent yes/no probabilities, not one distribution over classes.",
    zh="对每一类用sigmoid得到的是互相独立的是/否概率，而不是类别上的一个分布。",
)
def uses_a_sigmoid(logits, temperature=1.0):
    _positive(temperature)
    return (logits / temperature).sigmoid()


@SoftTargets.wrong(
    en="exp without subtracting the row's maximum overflows: at logits of 1e4 the result is NaN.",
    zh="没有先减去每行的最大值就取exp，会溢出：logits为1e4时结果是NaN。",
)
def overflows(logits, temperature=1.0):
    _positive(temperature)
    raised = (logits / temperature).exp()
    return raised / raised.sum(-1, keepdim=True)


@SoftTargets.wrong(
    en="A temperature of 0 or below is accepted: 0 gives NaN, and a negative one makes the worst class the best.",
    zh="接受了不为正的温度系数：0会得到NaN，负数会把最差的类别变成最好的。",
)
def accepts_any_temperature(logits, temperature=1.0):
    return (logits / temperature).softmax(-1)


@SoftTargets.wrong(
    en="Only a negative temperature is refused: T = 0 slips through and divides by zero.",
    zh="只拒绝了负的温度系数：T = 0会漏过去，造成除以零。",
)
def lets_zero_through(logits, temperature=1.0):
    if temperature < 0:
        raise ValueError("temperature must be positive")
    return (logits / temperature).softmax(-1)


@SoftTargets.wrong(
    en="The result is detached. Whether a gradient may flow is the caller's decision; a loss detaches its teacher.",
    zh="结果被detach了。是否允许梯度流过应由调用者决定；由损失函数去detach教师模型。",
)
def detaches(logits, temperature=1.0):
    _positive(temperature)
    return (logits / temperature).softmax(-1).detach()


EXERCISE = SoftTargets()
