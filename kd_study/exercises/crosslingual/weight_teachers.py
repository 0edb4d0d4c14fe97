import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    check_default,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
    without,
)


def whiteboard(teacher_logits, similarities, temperature=1.0):
    weights = F.softmax(similarities, dim=0)
    return (weights[:, None, None] * F.softmax(teacher_logits.detach() / temperature, dim=-1)).sum(0)


class WeightTeachers(Exercise):
    first_are_rows = False

    def validate(self, result, arguments):
        expect_tensor(result)
        shape = tuple(arguments["teacher_logits"].shape)
        expect(
            result.shape == shape[1:],
            f"logits of shape {shape} should give probabilities of shape {shape[1:]}, but {tuple(result.shape)} came back",
            f"形状为{shape}的logits应得到形状为{shape[1:]}的概率，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[[2.0, 0.0]], [[0.0, 2.0]]]), torch.tensor([3.0, 1.0]).log()),
            torch.tensor([[0.6904, 0.3096]]),
            "softmax([2, 0]) is [0.881, 0.119]; 0.75 · 0.881 + 0.25 · 0.119 = 0.690",
            "softmax([2, 0])是[0.881, 0.119]；0.75 · 0.881 + 0.25 · 0.119 = 0.690",
            tolerance=1e-3,
        )

    @check(en="Every row is a distribution of its own", zh="每一行各自是一个分布")
    def makes_every_row_a_distribution(self, fn):
        logits, similarities = normal(3, 4, 5, seed=1), normal(3, seed=2)
        for temperature in (0.5, 1.0, 6.0):
            came = fn(logits, similarities, temperature)
            expect_close(
                came.sum(-1),
                torch.ones(4),
                f"at T = {temperature:g} the rows don't sum to 1",
                f"T = {temperature:g}时各行之和不为1",
            )
            expect(bool((came >= 0).all()), "probabilities are not negative", "概率不会是负数")
            alone = torch.cat([fn(logits[:, n : n + 1], similarities, temperature) for n in range(4)])
            expect_close(
                came,
                alone,
                "a sentence's result depends on the other sentences of the batch",
                "某一句的结果受到了批内其他句子的影响",
            )

    @check(en="Equal similarities: the plain mean", zh="相似度相等：普通平均")
    def averages_equal_teachers(self, fn):
        logits = normal(3, 2, 4, seed=3)
        for similarity in (0.0, 5.0, -2.0):
            expect_close(
                fn(logits, torch.full((3,), similarity), 2.0),
                (logits / 2).softmax(-1).mean(0),
                f"with similarities of {similarity:g} for all three each teacher should weigh a third",
                f"三个相似度都是{similarity:g}时，每位教师的权重应为三分之一",
            )

    @check(en="One dominates, one alone", zh="一位独大、只有一位")
    def follows_the_nearest_teacher(self, fn):
        logits = normal(3, 2, 4, seed=4)
        expect_close(
            fn(logits, torch.tensor([-1e4, 1e4, 0.0]), 2.0),
            (logits[1] / 2).softmax(-1),
            "one similarity far above the others leaves that teacher alone",
            "一个相似度远高于其他时，应只剩这位教师",
        )
        expect_close(
            fn(logits[:1], torch.tensor([-7.0]), 2.0),
            (logits[0] / 2).softmax(-1),
            "a single teacher has the weight 1, whatever its similarity",
            "只有一位教师时权重为1，与相似度无关",
        )

    @check(en="The odds of weights are exp of the difference", zh="权重之比是相似度之差的exp")
    def weighs_by_a_softmax(self, fn):
        sure = torch.tensor([[[1e4, 0.0, 0.0]], [[0.0, 1e4, 0.0]], [[0.0, 0.0, 1e4]]])
        similarities = torch.tensor([0.5, -1.0, 2.0])
        for shift in (0.0, 100.0):
            expect_close(
                fn(sure, similarities + shift),
                torch.tensor([[0.1753, 0.0391, 0.7856]]),
                "three teachers, each sure of another class: their weights show, and should be softmax([0.5, −1, 2]); shifting all "
                "three by 100 changes nothing",
                "三位教师各认定一个类别，结果就是权重，应为softmax([0.5, −1, 2])；三者都加100不应有变化",
                tolerance=1e-3,
            )

    @check(en="The temperature softens the teachers alone", zh="温度系数只软化教师")
    def softens_the_teachers_alone(self, fn):
        for temperature in (0.5, 4.0):
            logits, similarities = normal(2, 2, 4, seed=5), torch.tensor([3.0, 1.0]).log()
            first, second = (logits / temperature).softmax(-1)
            expect_close(
                fn(logits, similarities, temperature),
                0.75 * first + 0.25 * second,
                f"at T = {temperature:g} the weights should still be 0.75 and 0.25, and the teachers be read at T",
                f"T = {temperature:g}时权重仍应是0.75和0.25，教师则在T下读取",
            )

    @check(en="Probabilities are mixed, not logits", zh="混合的是概率，不是logits")
    def mixes_probabilities(self, fn):
        logits = normal(2, 3, 4, seed=6)
        louder = logits + torch.tensor([[[0.0]], [[100.0]]])
        expect_close(
            fn(louder, torch.zeros(2)),
            fn(logits, torch.zeros(2)),
            "100 more on all logits of one teacher says nothing new",
            "给一位教师的所有logits都加100，并没有说出新东西",
        )
        expect_close(
            fn(torch.tensor([[[50.0, -50.0]], [[-1.0, 1.0]]]), torch.zeros(2)),
            torch.tensor([[0.5596, 0.4404]]),
            "a loud teacher of weight 0.5 contributes at most 0.5: 0.5 · 1 + 0.5 · 0.119",
            "权重为0.5的教师嗓门再大，也最多贡献0.5：0.5 · 1 + 0.5 · 0.119",
            tolerance=1e-3,
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    @check(en="Finite for ±1e4, and in the dtype of the logits", zh="±1e4时仍为有限数，且保持logits的dtype")
    def is_finite_and_keeps_the_dtype(self, fn):
        extreme = fn(normal(2, 3, 4, seed=9).sign() * 1e4, torch.tensor([1e4, -1e4]))
        expect(
            bool(extreme.isfinite().all()),
            "logits or similarities of ±1e4 give NaN or infinity; exp overflows, softmax doesn't",
            "logits或相似度为±1e4时得到NaN或无穷；exp会溢出，softmax不会",
        )
        for dtype in (torch.float64, torch.float16):  # NumPy, which may be used here, has no bfloat16
            came = fn(normal(2, 3, 4).to(dtype), normal(2).to(dtype)).dtype
            expect(came == dtype, f"{dtype} goes in, {came} comes out", f"输入是{dtype}，输出却是{came}")

    def example(self):
        logits, similarities = normal(3, 3, 4, seed=10), normal(3, seed=11, scale=1.0)
        return {"teacher_logits": logits, "similarities": similarities, "temperature": 3.0}

    def probes(self):
        example = self.example()
        return {
            "T = 1": example | {"temperature": 1.0},
            "T = 3": example,
            "default": without(example, "temperature"),
            "two": {"teacher_logits": normal(2, 3, 4, seed=12), "similarities": torch.tensor([0.9, 0.7])},
        }

    def edges(self):
        far = torch.tensor([1e4, -1e4])
        return {"extreme": {"teacher_logits": normal(2, 3, 4, seed=13).sign() * 1e4, "similarities": far}}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["dtype"] = outcome(lambda: str(function(normal(2, 3, 4).double(), normal(2).double()).dtype))
        return ordinary, edge


def _mixed(weights, probabilities):
    return (weights[:, None, None] * probabilities).sum(0)


@WeightTeachers.wrong(
    en="The similarities aren't used: all teachers count alike. That is `average_teachers`.",
    zh="没有用到相似度：所有教师一样重。那是`average_teachers`。",
)
def ignores_the_similarities(teacher_logits, similarities, temperature=1.0):
    return (teacher_logits / temperature).softmax(-1).mean(0)


@WeightTeachers.wrong(
    en="The logits are mixed before the softmax: the loudest teacher wins, whatever its weight.",
    zh="在softmax之前混合了logits：嗓门最大的教师说了算，权重不再起作用。",
)
def mixes_logits(teacher_logits, similarities, temperature=1.0):
    return (_mixed(similarities.softmax(0), teacher_logits) / temperature).softmax(-1)


@WeightTeachers.wrong(
    en="The temperature softens the weights too: the higher T, the less it matters which language is near.",
    zh="温度系数把权重也软化了：T越高，语言的远近就越不起作用。",
)
def softens_the_weights_too(teacher_logits, similarities, temperature=1.0):
    return _mixed((similarities / temperature).softmax(0), (teacher_logits / temperature).softmax(-1))


@WeightTeachers.wrong(
    en="The temperature softens the weights instead of the teachers.",
    zh="温度系数软化的是权重，而不是教师。",
)
def softens_only_the_weights(teacher_logits, similarities, temperature=1.0):
    return _mixed((similarities / temperature).softmax(0), teacher_logits.softmax(-1))


@WeightTeachers.wrong(
    en="The temperature is taken but never used.",
    zh="参数里有温度系数，却没有用到。",
)
def ignores_the_temperature(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities.softmax(0), teacher_logits.softmax(-1))


@WeightTeachers.wrong(
    en="The similarities serve as weights as they are: the rows don't sum to 1, and a negative one subtracts.",
    zh="相似度原样当作权重：每行之和不为1，负数还会变成减法。",
)
def takes_similarities_for_weights(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities, (teacher_logits / temperature).softmax(-1))


@WeightTeachers.wrong(
    en="The similarities are divided by their sum: it can be 0 or negative, and a shift of all changes the weights. Take a softmax.",
    zh="相似度除以了它们的和：和可能为0或为负，而且整体平移会改变权重。请用softmax。",
)
def divides_by_their_sum(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities / similarities.sum(), (teacher_logits / temperature).softmax(-1))


@WeightTeachers.wrong(
    en="Only the nearest teacher is heard: a softmax weighs, it doesn't choose.",
    zh="只听最近的那位教师：softmax是加权，不是选择。",
)
def listens_to_the_nearest_only(teacher_logits, similarities, temperature=1.0):
    return (teacher_logits[similarities.argmax()] / temperature).softmax(-1)


@WeightTeachers.wrong(
    en="The mean over teachers is taken of the weighted probabilities: divided by K once more, the rows sum to 1/K.",
    zh="对加权后的概率又取了平均：多除了一次K，每行之和成了1/K。",
)
def averages_after_weighting(teacher_logits, similarities, temperature=1.0):
    return (similarities.softmax(0)[:, None, None] * (teacher_logits / temperature).softmax(-1)).mean(0)


@WeightTeachers.wrong(
    en="The softmax of the logits runs over the teachers (dim=0): teachers compete for each class, and rows don't sum to 1.",
    zh="logits的softmax作用在教师维（dim=0）上：成了教师之间争夺每个类别，每行之和也不为1。",
)
def normalises_over_teachers(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities.softmax(0), (teacher_logits / temperature).softmax(0))


@WeightTeachers.wrong(
    en="The sign is turned, as for distances: the farthest language is heard most. These are similarities.",
    zh="符号反了，像是把它当成距离：最远的语言反而最受重视。这里给的是相似度。",
)
def takes_them_for_distances(teacher_logits, similarities, temperature=1.0):
    return _mixed((-similarities).softmax(0), (teacher_logits / temperature).softmax(-1))


@WeightTeachers.wrong(
    en="Log-probabilities are mixed: this is the log of a geometric mean, not a distribution.",
    zh="混合的是对数概率：这是几何平均的对数，不是分布。",
)
def mixes_log_probabilities(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities.softmax(0), (teacher_logits / temperature).log_softmax(-1))


@WeightTeachers.wrong(
    en="A softmax is taken of the mixture, which already is a distribution: it becomes nearly even.",
    zh="对混合结果又做了一次softmax，而它已经是分布了：结果几乎变成均匀分布。",
)
def applies_softmax_twice(teacher_logits, similarities, temperature=1.0):
    return _mixed(similarities.softmax(0), (teacher_logits / temperature).softmax(-1)).softmax(-1)


@WeightTeachers.wrong(
    en="exp without subtracting the maximum overflows: large similarities give NaN. Use softmax.",
    zh="没有先减去最大值就取exp，会溢出：相似度很大时得到NaN。请用softmax。",
)
def overflows(teacher_logits, similarities, temperature=1.0):
    raised = similarities.exp()
    return _mixed(raised / raised.sum(), (teacher_logits / temperature).softmax(-1))


EXERCISE = WeightTeachers()
