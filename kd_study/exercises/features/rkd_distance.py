import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Text,
    check,
    expect,
    expect_close,
    gradient,
    is_blind_to_a_small_scale,
    normal,
    outcome,
)
from kd_study.exercises.features._shared import RelationExercise, line


def whiteboard(student, teacher):
    def distances(x):
        apart = ~torch.eye(len(x), dtype=torch.bool)
        found = torch.cdist(x, x)[apart]
        return found / found.mean()

    return F.smooth_l1_loss(distances(student), distances(teacher.detach()))


class RKDDistance(RelationExercise):
    against_overflow = Text(
        "equal points have the distance 0: guard the root", "重合的点距离为0：请保护开平方"
    )
    dtypes = (torch.float64,)

    def example(self):
        return {"student": normal(5, 4, seed=1), "teacher": normal(5, 3, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(line(0, 1, 3), line(0, 1, 2)),
            0.0208333,
            "in means the student's distances are 0.5, 1, 1.5 and the teacher's 0.75, 0.75, 1.5: (0.03125 + 0.03125 + 0) / 3",
            "除以平均之后，学生的距离是0.5、1、1.5，教师是0.75、0.75、1.5：(0.03125 + 0.03125 + 0) / 3",
            tolerance=1e-3,
        )
        square = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]])  # distances 5, 5, 8, by 6
        expect_close(
            fn(square, line(0, 1, 2)),
            ((5 / 6 - 0.75) ** 2 * 2 + (8 / 6 - 1.5) ** 2) / 6,
            "the points (0, 0), (3, 4) and (0, 8) have the Euclidean distances 5, 5 and 8, with the mean 6",
            "点(0, 0)、(3, 4)、(0, 8)的欧氏距离是5、5、8，平均是6",
            tolerance=1e-3,
        )

    @check(en="Huber: squared up to 1, linear beyond", zh="Huber：1以内是平方，之外是线性")
    def is_linear_for_large_differences(self, fn):
        student, teacher = _FAR.values()
        expect_close(
            fn(student, teacher),
            _written_out(student, teacher),
            "where one side's pair is near and the other's far, the normalised distances differ by almost 3: Huber is |d| − 0.5 "
            "there, about 2.5",
            "一边的点对很近而另一边很远时，归一化距离相差接近3：此时Huber是|d| − 0.5，约2.5",
            tolerance=1e-3,
        )

    @check(en="Both means over pairs of different points", zh="两个平均都只取不同的点对")
    def averages_over_pairs_of_different_points(self, fn):
        for points in (3, 6):
            student, teacher = normal(points, 2, seed=6), normal(points, 3, seed=7)
            expect_close(
                fn(student, teacher),
                _written_out(student, teacher),
                f"{points} points make {points * (points - 1)} ordered pairs i ≠ j; both means run over those, without the "
                "diagonal's zeros",
                f"{points}个点有{points * (points - 1)}个i ≠ j的有序对；两个平均都对它们来取，不含对角线上的0",
                tolerance=1e-3,
            )
        expect_close(
            fn(normal(2, 2, seed=8), normal(2, 3, seed=9)),
            0.0,
            "two points have one distance, which is its own mean on both sides: 1 − 1 = 0",
            "两个点只有一个距离，它就等于自己的平均，两边都是1：1 − 1 = 0",
            tolerance=1e-2,
        )

    @check(en="Equal points count, with a finite gradient", zh="重合的点照样计入，梯度有限")
    def copes_with_equal_points(self, fn):
        student, teacher = line(0, 0, 1), line(0, 1, 4)
        for one, other, en, zh in (
            (student, teacher, "the student", "学生"),
            (teacher, student, "the teacher", "教师"),
        ):
            expect_close(
                fn(one, other),
                0.046875,
                f"{en} has two equal points: distances 0, 1, 1 with the mean 2/3 (the 0 counts) against 0.375, 1.5, 1.125: "
                "2 · (0.375² / 2) / 3",
                f"{zh}有两个重合的点：距离0、1、1，平均是2/3（0也计入），对照0.375、1.5、1.125：2 · (0.375² / 2) / 3",
                tolerance=1e-2,
            )
            found = gradient(lambda leaf, t=other: fn(leaf, t), one)
            expect(
                bool(found.isfinite().all()),
                f"two equal points of {en} give a gradient that is not finite: the slope of √ at 0 is infinite; guard it, or let "
                "torch's own norm do it",
                f"{zh}有两个重合的点时，梯度不是有限数：√在0处的斜率是无穷大；请加保护，或交给torch自带的范数",
            )

    @check(en="The gradient goes through the mean, too", zh="梯度也要经过平均值")
    def has_the_gradient_of_the_normalised_distances(self, fn):
        student, teacher = normal(4, 3, seed=10), normal(4, 2, seed=11)
        expect_close(
            gradient(lambda leaf: fn(leaf, teacher), student),
            gradient(lambda leaf: _written_out(leaf, teacher), student),
            "the gradient is not that of the Huber loss on the normalised distances; is the mean distance detached? The loss doesn't "
            "change with the scale, so neither may the gradient point that way",
            "梯度与归一化距离上Huber损失的梯度不符；是不是把平均距离detach了？损失与尺度无关，梯度也就不该指向那个方向",
            tolerance=1e-2,
        )

    @check(en="bfloat16 in, bfloat16 out", zh="输入bfloat16，输出也是bfloat16")
    def keeps_bfloat16(self, fn):
        came = outcome(lambda: fn(normal(4, 3).bfloat16(), normal(4, 3, seed=1).bfloat16()).dtype)
        expect(
            came is torch.bfloat16
            or isinstance(came, str),  # an error: torch.cdist knows no bfloat16 on a CPU
            f"bfloat16 goes in and {came} comes out; the loss has the dtype of its input",
            f"输入是bfloat16，输出却是{came}；损失应保持输入的dtype",
        )

    def probes(self):
        return {
            "example": self.example(),
            "far": _FAR,
        }

    def edges(self):
        return {"equal points": {"student": line(0, 0, 1), "teacher": line(0, 1, 4)}}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["small scale"] = is_blind_to_a_small_scale(self, function, "student", "teacher")
        return ordinary, edge


_FAR = {"student": line(1, 0, 0.01, 0.02, 0.03, 0.04), "teacher": line(0, 0.01, 0.02, 0.03, 0.04, 1)}


def _distances(x):
    """Of the pairs i < j."""
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    return torch.linalg.vector_norm(x[i] - x[j], dim=-1)


def _scaled(x):
    return _distances(x) / _distances(x).mean().clamp(min=1e-12)


def _written_out(student, teacher):
    """The loss, with Huber in pieces."""
    difference = (_scaled(student) - _scaled(teacher)).abs()
    return torch.where(difference <= 1, difference**2 / 2, difference - 0.5).mean()


def _full(x):
    """All N² distances, those of a point to itself included."""
    i, j = torch.triu_indices(len(x), len(x), offset=1)
    upper = x.new_zeros(len(x), len(x)).index_put((i, j), _distances(x))
    return upper + upper.T


@RKDDistance.wrong(
    en="The distances are not divided by their mean: the student is asked for the teacher's scale as well.",
    zh="距离没有除以平均：等于还要求学生照搬教师的尺度。",
)
def forgets_to_normalise(student, teacher):
    return F.huber_loss(_distances(student), _distances(teacher.detach()))


@RKDDistance.wrong(
    en="The Huber loss is averaged over all N² entries, with the N zeros of the diagonal among them: it is too small by "
    "(N − 1)/N. The widely copied code does so.",
    zh="Huber损失对全部N²个元素取了平均，其中有对角线上的N个0：结果小了(N − 1)/N倍。流传很广的代码就是这样写的。",
    reference="autogluon/autogluon PR#1983, after lenscloth/RKD",
)
def averages_the_diagonal_in(student, teacher):
    pairs = len(student) * (len(student) - 1)
    s, t = (d / (d.sum() / pairs) for d in (_full(student), _full(teacher.detach())))
    return F.huber_loss(s, t)


@RKDDistance.wrong(
    en="The mean distance is taken over all N² entries: the diagonal's zeros make it too small, and every normalised distance "
    "too large by N/(N − 1).",
    zh="平均距离对全部N²个元素取：对角线上的0让它偏小，归一化距离全都大了N/(N − 1)倍。",
)
def divides_by_a_mean_with_the_diagonal(student, teacher):
    s, t = (_distances(x) / _full(x).mean() for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDDistance.wrong(
    en="Both means run over all N² entries, the distances of points to themselves included. Leave the diagonal out.",
    zh="两个平均都对全部N²个元素取，把点到自己的距离也算了进去。请去掉对角线。",
)
def keeps_the_diagonal_everywhere(student, teacher):
    s, t = (_full(x) / _full(x).mean() for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDDistance.wrong(
    en="The mean is taken over the distances above 0 only: two equal points, which are the nearest pair there is, don't count.",
    zh="平均只对大于0的距离来取：两个重合的点本是最近的一对，却没有计入。",
    reference="lenscloth/RKD, metric/loss.py",
)
def leaves_equal_points_out_of_the_mean(student, teacher):
    s, t = (_distances(x) / _distances(x)[_distances(x) > 0].mean() for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDDistance.wrong(
    en="The root is taken of an exact 0 where two points are equal: its slope is infinite, and one duplicate in a batch makes the "
    "weights NaN.",
    zh="两点重合时对恰好为0的数开了平方根：斜率是无穷大，一批里只要有一个重复样本，权重就会变成NaN。",
)
def takes_the_root_of_zero(student, teacher):
    i, j = torch.triu_indices(len(student), len(student), offset=1)
    s, t = ((x[i] - x[j]).square().sum(-1).sqrt() for x in (student, teacher.detach()))
    return F.huber_loss(s / s.mean(), t / t.mean())


@RKDDistance.wrong(
    en="The roots of the diagonal's zeros are taken and thrown away afterwards. The value is right and the gradient NaN: backward "
    "multiplies their infinite slope by 0.",
    zh="先对对角线上的0开平方，之后才丢掉。数值没错，梯度却是NaN：反向传播会用0去乘它们无穷大的斜率。",
)
def lets_the_diagonal_spoil_the_gradient(student, teacher):
    i, j = torch.triu_indices(len(student), len(student), offset=1)
    s, t = ((x[:, None] - x[None]).square().sum(-1).sqrt()[i, j] for x in (student, teacher.detach()))
    return F.huber_loss(s / s.mean(), t / t.mean())


@RKDDistance.wrong(
    en="The diagonal is set to 0 in place after the root, whose backward needs the very output that was overwritten: backward "
    "raises. Choose the pairs by index instead; cloning first helps, too.",
    zh="开平方之后原地把对角线置0，而开平方的反向正要用到被覆盖的输出：反向传播会报错。请按下标选取点对；先clone也行。",
    reference="autogluon/autogluon PR#1983",
)
def overwrites_the_diagonal_in_place(student, teacher):
    def distances(x):
        squares = (x[:, None] - x[None]).square().sum(-1).clamp(min=1e-12)
        lengths = squares.sqrt()
        lengths[range(len(x)), range(len(x))] = 0.0
        i, j = torch.triu_indices(len(x), len(x), offset=1)
        return lengths[i, j]

    s, t = distances(student), distances(teacher.detach())
    return F.huber_loss(s / s.mean(), t / t.mean())


@RKDDistance.wrong(
    en="The distances are squared: far pairs weigh much more, and the mean is that of the squares.",
    zh="用了距离的平方：远的点对分量大得多，除以的也是平方的平均。",
)
def squares_the_distances(student, teacher):
    s, t = (_distances(x).square() for x in (student, teacher.detach()))
    return F.huber_loss(s / s.mean(), t / t.mean())


@RKDDistance.wrong(
    en="Both sides are divided by the teacher's mean: the student's scale matters again. Each side has its own.",
    zh="两边都除以了教师的平均距离：学生的尺度又变得有影响了。两边应各用各的平均。",
)
def divides_both_by_the_teachers_mean(student, teacher):
    mean = _distances(teacher.detach()).mean()
    return F.huber_loss(_distances(student) / mean, _distances(teacher.detach()) / mean)


@RKDDistance.wrong(
    en="The student's mean distance is detached. The value is right; the gradient takes the scale for a constant and pulls all "
    "points together or apart for nothing.",
    zh="学生的平均距离被detach了。数值没错，但梯度把尺度当成常数，会白白地把所有点拉近或推远。",
)
def holds_the_mean_constant(student, teacher):
    s, t = (_distances(x) / _distances(x).mean().detach() for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDDistance.wrong(
    en="This is the mean squared difference: a few far pairs rule the batch. Huber is linear beyond 1, and half the square below.",
    zh="这是均方误差：少数很远的点对主宰整批。Huber在1以外是线性的，在1以内是平方的一半。",
)
def squares_the_differences(student, teacher):
    return F.mse_loss(_scaled(student), _scaled(teacher.detach()))


@RKDDistance.wrong(
    en="Half the squared difference is Huber's inside only: beyond a difference of 1 it has to go on in a straight line.",
    zh="平方的一半只是Huber的内段：差超过1之后应当改为直线。",
)
def forgets_the_straight_part(student, teacher):
    return F.mse_loss(_scaled(student), _scaled(teacher.detach())) / 2


@RKDDistance.wrong(
    en="The Huber losses are added up over the pairs: the loss grows with the square of the batch.",
    zh="对点对求和而没有平均：损失随批大小的平方增长。",
)
def sums_over_pairs(student, teacher):
    return 2 * F.huber_loss(_scaled(student), _scaled(teacher.detach()), reduction="sum")


@RKDDistance.wrong(
    en="The points are put on the unit sphere first: their lengths are forgotten, and a shift changes everything.",
    zh="先把各点放到了单位球面上：向量的长度丢失了，平移也会改变结果。",
)
def puts_the_points_on_a_sphere(student, teacher):
    s, t = (F.normalize(x, dim=-1) for x in (student, teacher.detach()))
    return F.huber_loss(_scaled(s), _scaled(t))


@RKDDistance.wrong(
    en="It is the student that is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student, teacher):
    return F.huber_loss(_scaled(student.detach()), _scaled(teacher))


@RKDDistance.wrong(
    en="The teacher is not detached: it gets a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student, teacher):
    return F.huber_loss(_scaled(student), _scaled(teacher))


@RKDDistance.wrong(
    en="A small number is added to what is divided by. It isn't small beside a small one: where the activations are tiny, the scale shows again. Guard against 0 alone, as F.normalize does.",
    zh="给除数加了一个“小常数”。除数本身很小时它并不小：激活值很小时，尺度又显出来了。只需防止除以0，正如F.normalize那样。",
)
def adds_a_small_number_to_the_mean(student, teacher):
    s, t = (_distances(x) / (_distances(x).mean() + 1e-6) for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


EXERCISE = RKDDistance()
