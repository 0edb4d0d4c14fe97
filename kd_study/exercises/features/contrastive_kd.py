import math

import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    check,
    check_blind_to_scale,
    expect,
    expect_close,
    gradient,
    normal,
    shown,
    without,
)
from kd_study.exercises.loss import LossExercise


def whiteboard(student, teacher, temperature=0.07):
    s, t = F.normalize(student, dim=-1), F.normalize(teacher.detach(), dim=-1)
    return F.cross_entropy(s @ t.T / temperature, torch.arange(len(s)))


class ContrastiveKD(LossExercise):
    student_arguments = ("student",)
    teacher_arguments = ("teacher",)

    def example(self):
        return {"student": normal(4, 3, seed=1), "teacher": normal(4, 3, seed=2), "temperature": 0.5}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.eye(2), torch.eye(2), 1.0),
            0.313262,
            "both rows have the logits 1 (its own) and 0: log(1 + e⁻¹) = 0.313",
            "两行的logits都是1（自己的）和0：log(1 + e⁻¹) = 0.313",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.eye(2), torch.eye(2).flip(0), 1.0),
            1.313262,
            "each row looks like the other's teacher: log(1 + e) = 1.313",
            "每一行都像对方的教师：log(1 + e) = 1.313",
            tolerance=1e-3,
        )

    is_blind_to_scale = check_blind_to_scale("student", "teacher")

    @check(en="The student picks among the teachers", zh="由学生在教师之中挑选")
    def picks_among_the_teachers(self, fn):
        student = torch.tensor([[1.0, 1.0], [0.0, 0.0]]).T
        expect_close(
            fn(student, torch.eye(2), 1.0),
            (0.313262 + 1.313262) / 2,
            "both students look like teacher 1: row by row the losses are log(1 + e⁻¹) and log(1 + e), 0.813 on average; the other "
            "direction, teachers that pick a student, would give log 2",
            "两个学生都像教师1：逐行的损失是log(1 + e⁻¹)和log(1 + e)，平均0.813；反方向（教师挑学生）则会得到log 2",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.eye(2), student, 1.0),
            math.log(2),
            "where both teachers are equal no student can tell them apart: log 2",
            "两个教师相同时，哪个学生都分不清：log 2",
            tolerance=1e-3,
        )

    @check(en="Cosines: no length matters", zh="余弦：与长度无关")
    def is_blind_to_lengths(self, fn):
        student, teacher = normal(4, 3, seed=3), normal(4, 3, seed=4)
        lengths = torch.tensor([[0.1], [1.0], [20.0], [300.0]])
        expected = fn(student, teacher, 0.5)
        for arguments in ((lengths * student, teacher), (student, lengths * teacher)):
            expect_close(
                fn(*arguments, 0.5),
                expected,
                "the length of any vector should change nothing: bring every row of both sides to length 1",
                "任何一个向量的长度都不应影响损失：请把两边的每一行缩放到长度1",
                tolerance=1e-3,
            )
        turn = torch.linalg.qr(normal(3, 3, seed=5)).Q
        expect_close(
            fn(student @ turn, teacher @ turn, 0.5),
            expected,
            "turning both sides together should change nothing",
            "把两边一起旋转，损失不应改变",
            tolerance=1e-3,
        )

    @check(en="From log N to 0", zh="从log N到0")
    def goes_from_chance_to_certainty(self, fn):
        for rows in (1, 2, 40):
            expect_close(
                fn(torch.ones(rows, rows), torch.eye(rows), 0.3),
                math.log(rows),
                f"a student that looks like all {rows} teachers alike should pay log {rows}: the right one counts in the "
                "denominator, and the loss is a mean over rows",
                f"与全部{rows}个教师同样像的学生，损失应是log {rows}：分母包括正确的那一个，并对行取平均",
                tolerance=1e-3,
            )
        expect_close(
            fn(torch.eye(8), torch.eye(8), 0.05),
            0.0,
            "a student equal to eight unlike teachers should pay next to nothing at a low temperature",
            "学生与八个彼此不同的教师分别相等时，低温下损失应接近0",
            tolerance=1e-2,
        )

    @check(en="The temperature divides the cosines", zh="余弦要除以温度系数")
    def divides_by_the_temperature(self, fn):
        for temperature in (0.2, 1.0, 3.0):
            expect_close(
                fn(torch.eye(2), torch.eye(2).flip(0), temperature),
                math.log(1 + math.exp(1 / temperature)),
                f"at τ = {temperature:g} the logits should be cosines over τ, and no factor τ or τ² stands before the loss",
                f"τ = {temperature:g}时，logits应是余弦除以τ，损失前面没有τ或τ²的因子",
                tolerance=1e-3,
            )
        given = self.example()
        expect_close(
            fn(**without(given, "temperature")),
            fn(**given | {"temperature": 0.07}),
            "without a temperature it should be 0.07",
            "不给温度系数时应取0.07",
        )

    @check(en="Finite at low temperatures", zh="低温下仍为有限数")
    def is_finite_at_low_temperatures(self, fn):
        loss = fn(torch.eye(2), torch.eye(2).flip(0), 0.005)
        expect_close(
            loss,
            200.0,
            "at τ = 0.005 the logits reach 200, and exp(200) is infinite in float32: stay in the log domain (cross_entropy, "
            "logsumexp)",
            "τ = 0.005时logits达到200，float32的exp(200)是无穷大：请始终在对数域计算（cross_entropy、logsumexp）",
            tolerance=1e-3,
        )
        found = gradient(lambda leaf: fn(leaf, torch.eye(2).flip(0), 0.005), torch.eye(2))
        expect(
            bool(found.isfinite().all()),
            f"at τ = 0.005 the gradient is not finite ({shown(found)})",
            f"τ = 0.005时梯度不是有限数（{shown(found)}）",
        )

    @check(en="The gradient", zh="梯度")
    def has_the_gradient_of_the_cross_entropy(self, fn):
        given = self.example()

        def by_rows(leaf):
            rows = [F.cosine_similarity(row[None], given["teacher"]) / 0.5 for row in leaf]
            return torch.stack([row.logsumexp(0) - row[i] for i, row in enumerate(rows)]).mean()

        expect_close(
            gradient(lambda leaf: fn(**given | {"student": leaf}), given["student"]),
            gradient(by_rows, given["student"]),
            "the gradient is not that of the cross-entropy over cosines; are the negatives, or the norms, detached?",
            "梯度与余弦上交叉熵的梯度不符；是不是把负样本或范数detach了？",
            tolerance=1e-2,
        )

    def probes(self):
        return {"example": self.example(), "default": without(self.example(), "temperature")}

    def edges(self):
        return {
            "low temperature": {
                "student": torch.eye(2),
                "teacher": torch.eye(2).flip(0),
                "temperature": 0.005,
            }
        }


def _cosines(student, teacher):
    return F.normalize(student, dim=1) @ F.normalize(teacher.detach(), dim=1).T


def _pick(similarities):
    return F.cross_entropy(similarities, torch.arange(len(similarities)))


@ContrastiveKD.wrong(
    en="The softmax runs over the students: each teacher picks a student. Here each student picks a teacher, along dimension 1.",
    zh="softmax沿学生那一维：成了每个教师挑学生。这里要的是每个学生挑教师，沿第1维。",
)
def lets_the_teachers_pick(student, teacher, temperature=0.07):
    return _pick(_cosines(student, teacher).T / temperature)


@ContrastiveKD.wrong(
    en="Both directions are averaged, as CLIP does. The contract asks for one: students pick among teachers.",
    zh="像CLIP那样把两个方向取了平均。这里只要一个方向：学生在教师之中挑选。",
)
def averages_both_directions(student, teacher, temperature=0.07):
    logits = _cosines(student, teacher) / temperature
    return (_pick(logits) + _pick(logits.T)) / 2


@ContrastiveKD.wrong(
    en="Nothing is normalised: these are inner products, which a student raises by growing longer vectors.",
    zh="没有归一化：算的是内积，学生只要把向量变长就能提高它。",
)
def forgets_to_normalise(student, teacher, temperature=0.07):
    return _pick(student @ teacher.detach().T / temperature)


@ContrastiveKD.wrong(
    en="Only the student is normalised: a teacher's row with a long vector attracts every student.",
    zh="只归一化了学生：向量长的教师行会吸引所有学生。",
)
def normalises_the_student_only(student, teacher, temperature=0.07):
    return _pick(F.normalize(student, dim=1) @ teacher.detach().T / temperature)


@ContrastiveKD.wrong(
    en="The normalisation runs over the batch (dimension 0): it is features that get length 1, not vectors.",
    zh="归一化沿着批（第0维）进行：长度变为1的是特征，而不是向量。",
)
def normalises_along_the_batch(student, teacher, temperature=0.07):
    return _pick(F.normalize(student, dim=0) @ F.normalize(teacher.detach(), dim=0).T / temperature)


@ContrastiveKD.wrong(
    en="The cosines are multiplied by the temperature: at 0.07 all logits are nearly equal and nothing is learned.",
    zh="余弦乘以了温度系数：0.07时所有logits几乎相等，什么也学不到。",
)
def multiplies_by_the_temperature(student, teacher, temperature=0.07):
    return _pick(_cosines(student, teacher) * temperature)


@ContrastiveKD.wrong(
    en="The temperature isn't used. Cosines lie between −1 and 1: a softmax over them is always soft, and the loss never gets low.",
    zh="没有用温度系数。余弦在−1与1之间，直接做softmax永远很平，损失降不下来。",
)
def forgets_the_temperature(student, teacher, temperature=0.07):
    return _pick(_cosines(student, teacher))


@ContrastiveKD.wrong(
    en="The loss is multiplied by τ², a habit from softened logits. Here τ only sets how sharp the choice is.",
    zh="损失乘以了τ²，这是软标签留下的习惯。这里τ只决定挑选有多尖锐。",
)
def multiplies_by_the_square(student, teacher, temperature=0.07):
    return temperature**2 * _pick(_cosines(student, teacher) / temperature)


@ContrastiveKD.wrong(
    en="The default temperature is not 0.07. At 1 the choice is much softer.",
    zh="默认温度系数不是0.07。取1时挑选要平缓得多。",
)
def has_another_default(student, teacher, temperature=1.0):
    return _pick(_cosines(student, teacher) / temperature)


@ContrastiveKD.wrong(
    en="The right teacher is left out of the denominator: the loss has no lower bound, and is no longer a cross-entropy.",
    zh="分母里去掉了正确的教师：损失没有下界，也不再是交叉熵。",
)
def leaves_the_right_one_out(student, teacher, temperature=0.07):
    logits = _cosines(student, teacher) / temperature
    others = logits.masked_fill(torch.eye(len(logits), dtype=torch.bool), -torch.inf)
    return (others.logsumexp(1) - logits.diagonal()).mean()


@ContrastiveKD.wrong(
    en="All labels are 0: every student has to pick the first teacher. In a matrix of N × N pairs the right column is the row's "
    "own number; zeros are right only where the positive is put first.",
    zh="标签全是0：所有学生都要去挑第一个教师。在N × N的配对矩阵里，正确的列就是行号；只有把正样本放在首位时标签才是0。",
    reference="YihengZhang-CV/SeCo-Sequence-Contrastive-Learning#3",
)
def labels_everything_zero(student, teacher, temperature=0.07):
    logits = _cosines(student, teacher) / temperature
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


@ContrastiveKD.wrong(
    en="The negatives are the other students. They say how the student spreads its own vectors; the teacher's other rows are asked "
    "for.",
    zh="负样本用的是其他学生向量。那只能把学生自己的向量撑开；这里的负样本应是教师的其他行。",
)
def compares_with_other_students(student, teacher, temperature=0.07):
    s = F.normalize(student, dim=1)
    apart = ~torch.eye(len(s), dtype=torch.bool)
    logits = torch.where(apart, s @ s.T, _cosines(student, teacher)) / temperature
    return _pick(logits)


@ContrastiveKD.wrong(
    en="Only the right pairs are pulled together, 1 − cos: without negatives nothing keeps the students' vectors apart.",
    zh="只把正确的配对拉近（1 − cos）：没有负样本，就没有什么能让学生的各个向量彼此分开。",
)
def pulls_without_negatives(student, teacher, temperature=0.07):
    return (1 - _cosines(student, teacher).diagonal()).mean() / temperature


@ContrastiveKD.wrong(
    en="Each pair is judged by itself with a sigmoid. InfoNCE is one choice among N, a softmax over the row.",
    zh="用sigmoid逐对判断。InfoNCE是在N个之中选一个，即对整行做softmax。",
)
def judges_each_pair_by_itself(student, teacher, temperature=0.07):
    logits = _cosines(student, teacher) / temperature
    return F.binary_cross_entropy_with_logits(logits, torch.eye(len(logits), dtype=logits.dtype))


@ContrastiveKD.wrong(
    en="The losses of the rows are added up: the loss grows with the batch.",
    zh="对行求和：损失随批大小增长。",
)
def sums_over_rows(student, teacher, temperature=0.07):
    return _pick(_cosines(student, teacher) / temperature) * len(student)


@ContrastiveKD.wrong(
    en="exp and log are taken apart: at low temperatures exp overflows, or a softmax is rounded to 0, and the loss is infinite or NaN. "
    "cross_entropy and logsumexp keep it finite.",
    zh="exp与log分开计算：低温下exp溢出，或softmax下溢为0，损失变成无穷大或NaN。cross_entropy与logsumexp不会这样。",
)
def overflows_at_low_temperatures(student, teacher, temperature=0.07):
    scores = (_cosines(student, teacher) / temperature).exp()
    return -(scores.diagonal() / scores.sum(1)).log().mean()


@ContrastiveKD.wrong(
    en="It is the student that is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student, teacher, temperature=0.07):
    return _pick(_cosines(student.detach(), teacher) / temperature)


@ContrastiveKD.wrong(
    en="The teacher is not detached: it gets a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student, teacher, temperature=0.07):
    return _pick(F.normalize(student, dim=1) @ F.normalize(teacher, dim=1).T / temperature)


EXERCISE = ContrastiveKD()
