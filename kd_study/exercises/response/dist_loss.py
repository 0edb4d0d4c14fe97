import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect, expect_close, gradient, normal, without
from kd_study.exercises.loss import LossExercise


def whiteboard(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    def distance(x, y):
        x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
        return 1 - F.cosine_similarity(x, y, eps=1e-30).mean()

    q = F.softmax(student_logits / temperature, dim=1)
    p = F.softmax(teacher_logits.detach() / temperature, dim=1)
    return temperature**2 * (beta * distance(q, p) + gamma * distance(q.T, p.T))


_RARE = torch.tensor([[8.0, 0, -8], [7, 1, -9], [0, 8, -10], [9, 2, -8.5]])  # the last class, in every row


class DISTLoss(LossExercise):
    def example(self):
        return {
            "student_logits": normal(4, 3, seed=1),
            "teacher_logits": normal(4, 3, seed=2),
            "beta": 1.5,
            "gamma": 0.5,
            "temperature": 3.0,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        for beta, gamma, expected in ((1.0, 0.0, 2.0), (0.0, 1.0, 1.0), (1.0, 3.0, 5.0)):
            expect_close(
                fn(student, teacher, beta, gamma, 1.0),
                expected,
                "opposite rows cost 1 − (−1) = 2 times beta; the columns of one row are constant and cost 1 times gamma",
                "相反的两行代价是1 − (−1) = 2，乘以beta；只有一行时各列为常数，代价是1，乘以gamma",
            )

    @check(en="Zero for the teacher's own probabilities", zh="与教师相同时为零")
    def is_zero_for_equal_logits(self, fn):
        logits = normal(4, 3, seed=3)
        expect_close(
            fn(logits + torch.tensor([[5.0], [-3.0], [0.0], [1.0]]), logits, 1.0, 1.0, 2.0),
            0.0,
            "a student equal to its teacher up to a shift of each row has correlation 1 everywhere and costs 0",
            "与教师逐行只差一个平移的学生，处处相关系数为1，损失应为0",
        )
        for teacher, en, zh in (
            (_RARE, "a class that is rare in every row", "某个类别在每一行都很少见"),
            (1e-4 * logits.double(), "rows that are nearly even", "各行几乎均匀"),
        ):
            expect_close(
                fn(teacher.clone(), teacher),
                0.0,
                f"{en}: a student equal to its teacher still has correlation 1 everywhere; a small number added to the product "
                "of the norms is not small beside small norms, so guard against 0 alone",
                f"{zh}：与教师相同的学生，相关系数处处仍为1；给范数之积加上的“小常数”，在范数本身很小时并不小，只需防止除以0",
                tolerance=1e-3,
            )

    @check(en="Forgives how sure the student is", zh="不计较学生有多确定")
    def forgives_offset_and_scale(self, fn):
        teacher = torch.tensor([[5.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
        expect_close(
            fn(teacher * 0.01, teacher, 1.0, 0.0, 1.0),
            0.0,
            "with two classes every row that favours the same class has correlation 1, however weakly: centre the "
            "probabilities, and divide by their norms",
            "只有两个类别时，偏好同一类别的行相关系数就是1，不管多弱：请先中心化，再除以范数",
            tolerance=1e-2,
        )

    @check(en="Rows and columns, against torch.corrcoef", zh="各行与各列，对照torch.corrcoef")
    def correlates_rows_and_columns(self, fn):
        given = self.example()
        for temperature in (0.5, 1.0, 3.0):
            q, p = _probabilities(given["student_logits"], given["teacher_logits"], temperature)
            for beta, gamma, (x, y), en, zh in (
                (1.0, 0.0, (q, p), "beta weighs the mean over rows", "beta的项是各行的平均"),
                (0.0, 1.0, (q.T, p.T), "gamma weighs the mean over columns", "gamma的项是各列的平均"),
            ):
                expect_close(
                    fn(given["student_logits"], given["teacher_logits"], beta, gamma, temperature),
                    temperature**2 * (1 - _corrcoef(x, y)).mean(),
                    f"at T = {temperature:g}, beta = {beta:g}, gamma = {gamma:g}: {en} of 1 − correlation of the "
                    "probabilities, times T²",
                    f"T = {temperature:g}、beta = {beta:g}、gamma = {gamma:g}时：{zh}，每项为1 − 概率的相关系数，再乘T²",
                )

    @check(en="The gradient, too", zh="梯度也正确")
    def has_the_gradient_of_the_correlations(self, fn):
        given = self.example()
        student, teacher = given["student_logits"], given["teacher_logits"]

        def by_corrcoef(leaf):
            q, p = _probabilities(leaf, teacher, 3.0)
            return 9.0 * (1.5 * (1 - _corrcoef(q, p)).mean() + 0.5 * (1 - _corrcoef(q.T, p.T)).mean())

        expect_close(
            gradient(lambda leaf: fn(**given | {"student_logits": leaf}), student),
            gradient(by_corrcoef, student),
            "the gradient is not that of the correlations; is a mean or a norm detached?",
            "梯度与相关系数的梯度不符；是不是有均值或范数被detach了？",
            tolerance=1e-3,
        )

    @check(
        en="Constant rows and columns count as 0, with a finite gradient",
        zh="常数行列的相关系数按0计，梯度有限",
    )
    def copes_with_constant_rows(self, fn):
        even, other = torch.zeros(2, 4), normal(2, 4, seed=5)
        for student, teacher, en, zh in (
            (even, other, "an undecided student", "完全不确定的学生"),
            (other, even, "an undecided teacher", "完全不确定的教师"),
            (even, even, "an undecided student and teacher", "学生和教师都完全不确定"),
        ):
            expect_close(
                fn(student, teacher, 1.0, 0.0, 1.0),
                1.0,
                f"{en} has constant rows: their correlation counts as 0, so each costs 1",
                f"{zh}对应的行是常数：相关系数按0计，每行代价为1",
                tolerance=1e-2,
            )
            found = gradient(lambda leaf, t=teacher: fn(leaf, t), student)
            expect(
                bool(found.isfinite().all()),
                f"{en} gives a gradient that is not finite; guard the norm before you divide by it",
                f"{zh}使梯度不是有限数；请在除以范数之前先处理零范数",
            )
        expect_close(
            fn(normal(1, 3, seed=6), normal(1, 3, seed=7), 0.0, 1.0, 2.0),
            4.0,
            "in a batch of one row every column is constant: T² · gamma · 1 = 4",
            "只有一行时每一列都是常数：T² · gamma · 1 = 4",
            tolerance=1e-2,
        )

    @check(en="beta and gamma weigh their own parts", zh="beta与gamma各管各的部分")
    def is_linear_in_its_weights(self, fn):
        given = self.example()
        rows, columns = (fn(**given | {"beta": b, "gamma": g}) for b, g in ((1.0, 0.0), (0.0, 1.0)))
        expect_close(
            fn(**given | {"beta": 2.0, "gamma": 0.5}),
            2.0 * rows + 0.5 * columns,
            "beta = 2 and gamma = 0.5 should give 2 · rows + 0.5 · columns",
            "beta = 2、gamma = 0.5时，损失应为2 · 行项 + 0.5 · 列项",
        )

    @check(en="Defaults: beta = gamma = T = 1", zh="默认值：beta = gamma = T = 1")
    def has_the_defaults_of_the_contract(self, fn):
        given = self.example()
        for name in ("beta", "gamma", "temperature"):
            expect_close(
                fn(**without(given, name)),
                fn(**given | {name: 1.0}),
                f"{name} should be 1 where it is not given",
                f"不给{name}时应取1",
            )

    def probes(self):
        given = self.example()
        return {
            "example": given,
            "T = 1": given | {"temperature": 1.0},
            "defaults": without(given, "beta", "gamma", "temperature"),
        }

    def edges(self):
        return {
            "even student": {"student_logits": torch.zeros(2, 4), "teacher_logits": normal(2, 4, seed=5)},
            "one row": {"student_logits": normal(1, 3, seed=6), "teacher_logits": normal(1, 3, seed=7)},
            "rare": {"student_logits": _RARE, "teacher_logits": _RARE},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        for name in (*self.edges(), "extremes"):  # where a gradient need be no more than finite
            if isinstance(edge[name], list):
                value, found = edge[name]
                edge[name] = [value, found is not None and bool(found.isfinite().all())]
        return ordinary, edge


def _probabilities(student_logits, teacher_logits, temperature):
    return (student_logits / temperature).softmax(-1), (teacher_logits.detach() / temperature).softmax(-1)


def _corrcoef(x, y):
    """The correlation of each row of x with the same row of y, by torch's own function."""
    return torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(x, y, strict=True)])


def _centred(x, dim):
    return x - x.mean(dim, keepdim=True)


def _pearson(x, y, dim):
    return torch.cosine_similarity(_centred(x, dim), _centred(y, dim), dim=dim)


@DISTLoss.wrong(
    en="This is the cosine, without centring. Probabilities are positive, so the cosine of any two rows is high, and an "
    "offset is not forgiven.",
    zh="这是没有中心化的余弦相似度。概率都是正数，任意两行的余弦都偏高，平移也没有被忽略。",
)
def forgets_to_centre(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - torch.cosine_similarity(q, p, dim=dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="The logits are correlated, not the probabilities: classes far down in the list weigh as much as the likely ones.",
    zh="相关的是logits而不是概率：排在最后的类别与最可能的类别分量一样重。",
)
def correlates_logits(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    s, t = student_logits / temperature, teacher_logits.detach() / temperature
    inter, intra = ((1 - _pearson(s, t, dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="Log-probabilities are correlated: the least likely classes, with the largest negative numbers, decide.",
    zh="相关的是对数概率：最不可能的类别（绝对值最大的负数）起了决定作用。",
)
def correlates_log_probabilities(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    s, t = (z.log_softmax(-1) for z in (student_logits / temperature, teacher_logits.detach() / temperature))
    inter, intra = ((1 - _pearson(s, t, dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="beta and gamma are swapped: beta belongs to the rows (inter), gamma to the columns (intra).",
    zh="beta与gamma互换了：beta属于行（类间），gamma属于列（类内）。",
)
def swaps_the_weights(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - _pearson(q, p, dim)).mean() for dim in (1, 0))
    return temperature**2 * (gamma * inter + beta * intra)


@DISTLoss.wrong(
    en="T² is missing: the gradient shrinks as the temperature grows, and a hard loss beside it wins.",
    zh="漏了T²：温度系数越大梯度越小，旁边的硬标签损失就占了上风。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - _pearson(q, p, dim)).mean() for dim in (1, 0))
    return beta * inter + gamma * intra


@DISTLoss.wrong(
    en="The temperature is not used inside: the probabilities are those at T = 1.",
    zh="温度系数没有用在里面：概率仍是T = 1下的。",
)
def softens_nothing(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, 1.0)
    inter, intra = ((1 - _pearson(q, p, dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="Only the rows are compared. The columns, how one class is spread over the batch, are the other half of DIST.",
    zh="只比较了各行。各列（一个类别在这批样本上的分布）是DIST的另一半。",
)
def forgets_the_columns(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    return temperature**2 * beta * (1 - _pearson(q, p, 1)).mean()


@DISTLoss.wrong(
    en="The correlation itself is minimised: the best student would be the teacher's opposite. The loss is 1 − ρ.",
    zh="最小化的是相关系数本身：最好的学生会变成教师的反面。损失应是1 − ρ。",
)
def minimises_the_correlation(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    return temperature**2 * (beta * _pearson(q, p, 1).mean() + gamma * _pearson(q, p, 0).mean())


@DISTLoss.wrong(
    en="1 − ρ² forgives the sign: a student that ranks the classes the other way round pays nothing.",
    zh="1 − ρ²不计较符号：把类别排序完全颠倒的学生也不用付出代价。",
)
def forgives_the_sign(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - _pearson(q, p, dim) ** 2).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="The sums over rows and columns are not averaged: the loss grows with batch and classes.",
    zh="对各行各列求和而没有平均：损失会随批大小和类别数增长。",
)
def sums_the_correlations(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - _pearson(q, p, dim)).sum() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="The covariance is divided by n, the standard deviations by n − 1 (torch's default): even equal rows have a "
    "correlation of (n − 1)/n.",
    zh="协方差除以了n，标准差却除以n − 1（torch的默认值）：连完全相同的两行，相关系数也只有(n − 1)/n。",
)
def mixes_two_kinds_of_variance(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)

    def pearson(dim):
        x, y = _centred(q, dim), _centred(p, dim)
        spreads = [z.norm(dim=dim) / max(z.shape[dim] - 1, 1) ** 0.5 for z in (x, y)]
        return (x * y).mean(dim) / (spreads[0] * spreads[1] + 1e-8)

    return temperature**2 * (beta * (1 - pearson(1)).mean() + gamma * (1 - pearson(0)).mean())


@DISTLoss.wrong(
    en="A constant row gives 0/0: the loss, or its gradient, is NaN. Guard the norm before the division.",
    zh="常数行会出现0/0：损失或它的梯度变成NaN。请在除法之前处理零范数。",
)
def divides_by_a_norm_of_zero(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, temperature)

    def pearson(dim):
        x, y = _centred(q, dim), _centred(p, dim)
        return (x * y).sum(dim) / (x.square().sum(dim).sqrt() * y.square().sum(dim).sqrt())

    return temperature**2 * (beta * (1 - pearson(1)).mean() + gamma * (1 - pearson(0)).mean())


@DISTLoss.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = ((z / temperature).softmax(-1) for z in (student_logits, teacher_logits))
    inter, intra = ((1 - _pearson(q, p, dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


@DISTLoss.wrong(
    en="The temperature is taken and never used, neither inside nor as T² in front.",
    zh="接收了温度系数却没有用：里面没有除，前面也没有乘T²。",
)
def ignores_the_temperature(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = _probabilities(student_logits, teacher_logits, 1.0)
    return beta * (1 - _pearson(q, p, 1)).mean() + gamma * (1 - _pearson(q, p, 0)).mean()


@DISTLoss.wrong(
    en="A small number is added to the product of the norms. It isn't small beside small ones: a class that is rare in every row has a norm of 1e-7, and counts as uncorrelated even with itself.",
    zh="给范数之积加了一个“小常数”。范数本身很小时它并不小：每一行都很少见的类别，范数只有1e-7，与自己也成了不相关。",
    reference="hunto/DIST_KD, losses/dist_kd.py",
)
def adds_a_small_number_to_the_norms(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    def pearson(x, y, dim):
        x, y = _centred(x, dim), _centred(y, dim)
        return (x * y).sum(dim) / (x.norm(dim=dim) * y.norm(dim=dim) + 1e-8)

    q, p = _probabilities(student_logits, teacher_logits, temperature)
    inter, intra = ((1 - pearson(q, p, dim)).mean() for dim in (1, 0))
    return temperature**2 * (beta * inter + gamma * intra)


EXERCISE = DISTLoss()
