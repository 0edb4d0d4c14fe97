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
    without,
)


def whiteboard(teacher_logits, temperature=1.0):
    return F.softmax(teacher_logits.detach() / temperature, dim=-1).mean(0)


class AverageTeachers(Exercise):
    first_are_rows = False

    def validate(self, result, arguments):
        expect_tensor(result)
        shape = tuple(arguments["teacher_logits"].shape)
        expect(
            tuple(result.shape) == shape[1:],
            f"teachers of the shape (K, N, C) = {shape} should give one distribution a row, shape {shape[1:]}, but "
            f"{tuple(result.shape)} came back",
            f"形状为(K, N, C) = {shape}的教师应给每行一个分布，形状应为{shape[1:]}，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[[2.0, 0.0]], [[0.0, 0.0]]]), 2.0),
            torch.tensor([[0.6155, 0.3845]]),
            "the teachers say 0.731 and 0.5 for the first class; their mean is 0.616",
            "两位教师给第一类的概率是0.731和0.5，平均是0.616",
            tolerance=1e-3,
        )

    @check(en="A loud teacher counts as much as a quiet one", zh="嗓门大的教师不多占分量")
    def gives_every_teacher_one_voice(self, fn):
        expect_close(
            fn(torch.tensor([[[300.0, 0.0]], [[0.0, 30.0]]])),
            torch.tensor([[0.5, 0.5]]),
            "two teachers, each sure of another class, should give a half each, whatever the size of their logits: "
            "average the probabilities, not the logits",
            "两位教师各自确信不同的类别，无论logits多大都应各得一半：请对概率取平均，而不是对logits",
        )

    @check(en="One teacher alone keeps its probabilities", zh="只有一位教师时保持原样")
    def leaves_one_teacher_as_it_is(self, fn):
        logits = normal(1, 3, 4, seed=1)
        for temperature in (0.5, 1.0, 5.0):
            expect_close(
                fn(logits, temperature),
                (logits[0] / temperature).softmax(-1),
                f"at T = {temperature:g} one teacher's result should be its softmax(z / T)",
                f"T = {temperature:g}时，只有一位教师的结果应是它的softmax(z / T)",
            )

    @check(en="Every row is a distribution of its own", zh="每一行各自是一个分布")
    def makes_every_row_a_distribution(self, fn):
        logits = normal(2, 3, 4, seed=2)
        together = fn(logits, 3.0)
        expect_close(together.sum(-1), torch.ones(3), "the rows should sum to 1", "各行之和应为1")
        alone = torch.cat([fn(logits[:, n : n + 1], 3.0) for n in range(3)])
        expect_close(
            together,
            alone,
            "a row's result depends on the other rows of the batch",
            "某一行的结果受到了批内其他行的影响",
        )

    @check(en="A mean over teachers", zh="对教师取平均")
    def is_a_mean_over_teachers(self, fn):
        logits = normal(4, 3, 3, seed=3)[[0, 0, 1, 2, 3]]
        one = fn(logits, 2.0)
        expect_close(
            fn(logits.flip(0), 2.0),
            one,
            "the order of the teachers should not matter",
            "教师的顺序不应影响结果",
        )
        expect_close(
            fn(logits.repeat(2, 1, 1), 2.0),
            one,
            "every teacher twice over should change nothing",
            "每位教师都重复一遍，结果应当不变",
        )
        expect_close(
            one,
            torch.stack([fn(teacher[None], 2.0) for teacher in logits]).mean(0),
            "the result should be the mean of what the teachers give one by one",
            "结果应是各教师单独结果的平均",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    @check(en="Finite for logits of ±1e4, in the input's dtype", zh="logits为±1e4时仍为有限数，且保持dtype")
    def copes_with_extreme_logits(self, fn):
        expect_close(
            fn(torch.tensor([[[1e4, 9999.0]], [[-1e4, -1e4]]])),
            torch.tensor([[0.6155, 0.3845]]),
            "exp of such logits overflows or is 0, and a clamp loses their gap; let softmax, which subtracts each row's "
            "maximum, do the work",
            "这样的logits取exp会溢出或变成0，做截断又会丢掉它们的差距；请用会先减去每行最大值的softmax",
            tolerance=1e-2,
        )
        for dtype in (torch.float64, torch.float16):  # NumPy, which may be used here, has no bfloat16
            came = fn(normal(2, 2, 3).to(dtype), 2.0).dtype
            expect(came == dtype, f"{dtype} goes in, {came} comes out", f"输入是{dtype}，输出却是{came}")

    def example(self):
        return {"teacher_logits": normal(3, 3, 4, seed=5), "temperature": 3.0}

    def probes(self):
        arguments = self.example()
        return {
            "T = 3": arguments,
            "T = 1": arguments | {"temperature": 1.0},
            "default": without(arguments, "temperature"),
            "two teachers": {"teacher_logits": normal(2, 3, 4, seed=6), "temperature": 2.0},
        }

    def edges(self):
        return {"extreme": {"teacher_logits": torch.tensor([[[1e4, -1e4]], [[-1e4, -1e4]]])}}


@AverageTeachers.wrong(
    en="The logits are averaged: the softmax then gives the geometric mean, in which the loudest teacher wins and any "
    "teacher can veto a class.",
    zh="平均的是logits：再做softmax得到的是几何平均，嗓门最大的教师说了算，任何一位都能一票否决。",
)
def averages_the_logits(teacher_logits, temperature=1.0):
    return (teacher_logits.mean(0) / temperature).softmax(-1)


@AverageTeachers.wrong(
    en="The probabilities are summed, not averaged: with K teachers each row sums to K.",
    zh="概率只求和没有平均：K位教师时，每行之和是K。",
)
def sums_the_teachers(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).softmax(-1).sum(0)


@AverageTeachers.wrong(
    en="The softmax runs over the teachers (dim=0): they compete with one another, and after the mean every class has 1/K.",
    zh="softmax作用在教师维（dim=0）上：互相竞争的成了教师，平均之后每个类别都是1/K。",
)
def lets_the_teachers_compete(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).softmax(0).mean(0)


@AverageTeachers.wrong(
    en="The softmax runs over the batch (dim=1) instead of the classes, the last dimension.",
    zh="softmax作用在批维（dim=1）上，而不是最后的类别维。",
)
def normalises_over_the_batch(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).softmax(1).mean(0)


@AverageTeachers.wrong(
    en="The mean runs over the rows (dim=1): all examples of a teacher are mixed, and the teachers stay apart.",
    zh="平均取在批维（dim=1）上：同一教师的样本被混在一起，而教师之间并没有平均。",
)
def averages_over_the_batch(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).softmax(-1).mean(1)


@AverageTeachers.wrong(
    en="The temperature is taken but never used: this is the mean at T = 1.",
    zh="参数里有温度系数，却没有用到：这只是T = 1时的平均。",
)
def ignores_the_temperature(teacher_logits, temperature=1.0):
    return teacher_logits.softmax(-1).mean(0)


@AverageTeachers.wrong(
    en="The temperature comes last, as a softening of the mean. Each teacher is softened by itself, before the mean.",
    zh="温度系数放到了最后，去软化平均后的分布。应先分别软化每位教师，再取平均。",
)
def softens_the_mean(teacher_logits, temperature=1.0):
    return (teacher_logits.softmax(-1).mean(0).log() / temperature).softmax(-1)


@AverageTeachers.wrong(
    en="The logits are multiplied by T, which sharpens them. Soft targets divide by it.",
    zh="logits乘上了T，分布会变得更尖锐。软标签应当除以它。",
)
def multiplies_by_the_temperature(teacher_logits, temperature=1.0):
    return (teacher_logits * temperature).softmax(-1).mean(0)


@AverageTeachers.wrong(
    en="The log-probabilities are averaged and exponentiated: a geometric mean, whose rows sum to less than 1.",
    zh="对对数概率取平均再取exp：这是几何平均，每行之和小于1。",
)
def averages_log_probabilities(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).log_softmax(-1).mean(0).exp()


@AverageTeachers.wrong(
    en="Each teacher only votes for its favourite class: what it knows about the others is thrown away.",
    zh="每位教师只给首选类别投票：它对其他类别的知识全丢掉了。",
)
def counts_votes(teacher_logits, temperature=1.0):
    classes = torch.arange(teacher_logits.shape[-1])
    return (teacher_logits.argmax(-1, keepdim=True) == classes).to(teacher_logits.dtype).mean(0)


@AverageTeachers.wrong(
    en="For each class the most enthusiastic teacher counts alone: a maximum, not a mean, and rows sum to more than 1.",
    zh="每个类别只取最看好它的教师：这是最大值而不是平均，每行之和超过1。",
)
def takes_the_maximum(teacher_logits, temperature=1.0):
    return (teacher_logits / temperature).softmax(-1).amax(0)


@AverageTeachers.wrong(
    en="Only the first teacher is asked.",
    zh="只问了第一位教师。",
)
def asks_the_first_teacher_only(teacher_logits, temperature=1.0):
    return (teacher_logits[0] / temperature).softmax(-1)


@AverageTeachers.wrong(
    en="exp without subtracting each row's own maximum overflows or gives 0/0: at logits of 1e4 the result is NaN.",
    zh="没有先减去每行自己的最大值就取exp，会溢出或变成0/0：logits为1e4时结果是NaN。",
)
def overflows(teacher_logits, temperature=1.0):
    raised = (teacher_logits / temperature).exp()
    return (raised / raised.sum(-1, keepdim=True)).mean(0)


EXERCISE = AverageTeachers()
