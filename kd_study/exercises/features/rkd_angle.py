import itertools

import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text, check, expect_close, gradient, normal
from kd_study.exercises.features._shared import RelationExercise, line


def whiteboard(student, teacher):
    def cosines(x):
        edges = F.normalize(x[None, :] - x[:, None], dim=-1, eps=1e-30)  # edges[j, i] leads from j to i
        found = edges @ edges.transpose(1, 2)
        i, j, k = torch.meshgrid(*[torch.arange(len(x))] * 3, indexing="ij")
        return found[(i != j) & (j != k) & (i != k)]

    return F.smooth_l1_loss(cosines(student), cosines(teacher.detach()))


class RKDAngle(RelationExercise):
    hint_of_invariance = Text(
        "; are the edges x_i − x_j brought to length 1?", "；边x_i − x_j的长度缩放为1了吗？"
    )
    against_overflow = Text("guard the lengths that you divide by", "请保护作除数的长度")

    def example(self):
        return {"student": normal(4, 4, seed=3), "teacher": normal(4, 3, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(_CORNER, _EQUILATERAL),
            0.0559644,
            "the student's cosines are 0, 0.707 and 0.707, the teacher's 0.5 each: (0.125 + 0.0214 + 0.0214) / 3",
            "学生的余弦是0、0.707、0.707，教师的都是0.5：(0.125 + 0.0214 + 0.0214) / 3",
            tolerance=1e-3,
        )
        expect_close(
            fn(_EQUILATERAL, _CORNER),
            0.0559644,
            "with student and teacher exchanged the differences have the same size, and a cosine of 0 counts like any other",
            "学生与教师互换之后，差的大小不变；余弦为0的三元组也照样计入",
            tolerance=1e-3,
        )

    @check(en="Huber: squared up to 1, linear beyond", zh="Huber：1以内是平方，之外是线性")
    def is_linear_for_large_differences(self, fn):
        expect_close(
            fn(line(0, 1, 3), line(1, 0, 3)),
            1.0,
            "on a line every cosine is 1 or −1; two of three differ by 2 here, and Huber(2) is 1.5: (1.5 + 1.5 + 0) / 3",
            "在一条直线上，余弦不是1就是−1；这里三个中有两个相差2，而Huber(2)是1.5：(1.5 + 1.5 + 0) / 3",
            tolerance=1e-3,
        )

    @check(en="A mean over triplets of distinct points", zh="对互不相同的三元组取平均")
    def averages_over_distinct_triplets(self, fn):
        for points in (3, 4, 6):
            student, teacher = normal(points, 3, seed=6), normal(points, 2, seed=8)
            expect_close(
                fn(student, teacher),
                _written_out(student, teacher),
                f"{points} points make {points} · {points - 1} · {points - 2} ordered triplets; the mean runs over those, each of the "
                "three points being the vertex in its turn",
                f"{points}个点有{points} · {points - 1} · {points - 2}个有序三元组；平均对它们来取，三个点轮流作顶点",
                tolerance=1e-3,
            )

    @check(en="The order of the points doesn't matter", zh="与点的顺序无关")
    def is_blind_to_the_order_of_points(self, fn):
        student, teacher = normal(5, 3, seed=9), normal(5, 2, seed=10)
        order = torch.tensor([3, 0, 4, 1, 2])
        expect_close(
            fn(student[order], teacher[order]),
            fn(student, teacher),
            "the batch in another order, the same on both sides, should cost the same: every point is a vertex",
            "两边以同样的方式打乱批内顺序，损失应不变：每个点都要当一次顶点",
            tolerance=1e-3,
        )

    @check(en="The gradient", zh="梯度")
    def has_the_gradient_of_the_cosines(self, fn):
        student, teacher = normal(4, 3, seed=11), normal(4, 2, seed=12)
        expect_close(
            gradient(lambda leaf: fn(leaf, teacher), student),
            gradient(lambda leaf: _written_out(leaf, teacher), student),
            "the gradient is not that of the Huber loss on the cosines; where it is NaN, edges of length 0 (a point to itself) were "
            "divided by their length",
            "梯度与余弦上Huber损失的梯度不符；如果是NaN，说明有长度为0的边（点到自己）除以了自己的长度",
            tolerance=1e-2,
        )

    def probes(self):
        return {
            "example": self.example(),
            "on a line": {"student": line(0, 1, 3, 4.5), "teacher": line(1, 0, 3, 2.5)},
        }


_CORNER = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
_EQUILATERAL = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 3**0.5]])


def _chosen(x, triplets):
    """The cosine of each triplet (i, j, k), with the vertex j."""
    i, j, k = torch.tensor(list(triplets)).T
    return F.cosine_similarity(x[i] - x[j], x[k] - x[j], dim=-1)


def _cosines(x):
    return _chosen(x, itertools.permutations(range(len(x)), 3))


def _written_out(student, teacher):
    """The loss, with Huber in pieces."""
    difference = (_cosines(student) - _cosines(teacher)).abs()
    return torch.where(difference <= 1, difference**2 / 2, difference - 0.5).mean()


def _all(x):
    """All N³ products of edges at length 1, those that are no angle included."""
    edges = F.normalize(x[None] - x[:, None], dim=-1)
    return edges @ edges.mT


@RKDAngle.wrong(
    en="The mean runs over all N³ entries. Those with two equal indices are no angle and differ by 0: the loss shrinks by "
    "(N − 1)(N − 2)/N², which depends on the batch.",
    zh="对全部N³个元素取了平均。有两个下标相同的不是夹角，差为0：损失缩小为(N − 1)(N − 2)/N²，而这取决于批大小。",
    reference="lenscloth/RKD, metric/loss.py",
)
def averages_over_all_entries(student, teacher):
    return F.huber_loss(_all(student), _all(teacher.detach()))


@RKDAngle.wrong(
    en="The angle between an edge and itself counts: its cosine is 1 on both sides, and its difference of 0 dilutes the mean. i and "
    "k must differ, too.",
    zh="把一条边与自己的夹角也算了进去：两边余弦都是1，差为0，冲淡了平均。i与k也必须不同。",
)
def counts_an_edge_with_itself(student, teacher):
    apart = ~torch.eye(len(student), dtype=torch.bool)
    both = apart[:, :, None] & apart[:, None]
    return F.huber_loss(_all(student)[both], _all(teacher.detach())[both])


@RKDAngle.wrong(
    en="Each set of three points is used once, with the middle one as the vertex. A triangle has three angles, and the result "
    "depends on the order of the batch.",
    zh="每三个点只用了一次，以中间那个为顶点。三角形有三个角，而且这样结果还会随批内顺序变化。",
)
def takes_one_angle_of_each_triangle(student, teacher):
    triplets = list(itertools.combinations(range(len(student)), 3))
    return F.huber_loss(_chosen(student, triplets), _chosen(teacher.detach(), triplets))


@RKDAngle.wrong(
    en="Only neighbours in the batch form a triplet. All N (N − 1) (N − 2) of them are asked for.",
    zh="只有批内相邻的点组成三元组。要的是全部N (N − 1) (N − 2)个。",
)
def takes_neighbours_in_the_batch(student, teacher):
    triplets = [(i, i + 1, i + 2) for i in range(len(student) - 2)]
    return F.huber_loss(_chosen(student, triplets), _chosen(teacher.detach(), triplets))


@RKDAngle.wrong(
    en="The edges are not brought to length 1: these are inner products, and the two points farthest away decide.",
    zh="边没有缩放到长度1：算的是内积，最远的两个点说了算。",
)
def forgets_to_normalise(student, teacher):
    def products(x):
        i, j, k = torch.tensor(list(itertools.permutations(range(len(x)), 3))).T
        return ((x[i] - x[j]) * (x[k] - x[j])).sum(-1)

    return F.huber_loss(products(student), products(teacher.detach()))


@RKDAngle.wrong(
    en="These are the cosines between the points themselves, seen from the origin. The angle at j needs the differences to x_j.",
    zh="这是从原点看各点之间的余弦。以j为顶点的角要用到与x_j之差。",
)
def measures_from_the_origin(student, teacher):
    i, j = torch.triu_indices(len(student), len(student), offset=1)
    s, t = (F.cosine_similarity(x[i], x[j], dim=-1) for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDAngle.wrong(
    en="The vertex is always the centre of the batch. Each point has to be the vertex in its turn.",
    zh="顶点始终是这批点的中心。应当让每个点轮流作顶点。",
)
def measures_from_the_centre(student, teacher):
    i, j = torch.triu_indices(len(student), len(student), offset=1)
    s, t = (x - x.mean(0) for x in (student, teacher.detach()))
    s, t = (F.cosine_similarity(x[i], x[j], dim=-1) for x in (s, t))
    return F.huber_loss(s, t)


@RKDAngle.wrong(
    en="The points are put on the unit sphere before the differences are taken: a shift now changes every angle. It is the edges "
    "that get length 1.",
    zh="先把各点放到单位球面上再求差：于是平移会改变所有的角。应当缩放到长度1的是边。",
)
def puts_the_points_on_a_sphere(student, teacher):
    s, t = (_cosines(F.normalize(x, dim=-1)) for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDAngle.wrong(
    en="The angles themselves are compared. The slope of arccos is infinite at ±1: points in a line give NaN or a jump. Compare "
    "the cosines.",
    zh="比较的是角度本身。arccos在±1处斜率无穷大：三点共线时会得到NaN或突变。请比较余弦。",
)
def compares_angles(student, teacher):
    s, t = (_cosines(x).clamp(-1 + 1e-6, 1 - 1e-6).acos() for x in (student, teacher.detach()))
    return F.huber_loss(s, t)


@RKDAngle.wrong(
    en="The sign of the cosine is dropped: points on the same side look like points on opposite sides.",
    zh="丢掉了余弦的正负号：同侧的两点与两侧的两点看上去一样。",
)
def forgives_the_sign(student, teacher):
    return F.huber_loss(_cosines(student).abs(), _cosines(teacher.detach()).abs())


@RKDAngle.wrong(
    en="A point's edge to itself has length 0 and was divided by it. Even where these entries are left out afterwards, backward "
    "multiplies their NaN by 0: the gradient is NaN. F.normalize guards the division.",
    zh="点到自己的边长度为0，却除以了这个长度。即使之后不取这些元素，反向传播也会用0去乘它们的NaN：梯度是NaN。F.normalize会保护这个除法。",
)
def divides_by_the_length_of_nothing(student, teacher):
    def cosines(x):
        edges = x[None] - x[:, None]
        edges = edges / edges.norm(dim=-1, keepdim=True)
        apart = ~torch.eye(len(x), dtype=torch.bool)
        return (edges @ edges.mT)[apart[:, :, None] & apart[:, None] & apart[None]]

    return F.huber_loss(cosines(student), cosines(teacher.detach()))


@RKDAngle.wrong(
    en="This is the mean squared difference. Huber is half the square up to 1 and a straight line beyond.",
    zh="这是均方误差。Huber在1以内是平方的一半，之外是直线。",
)
def squares_the_differences(student, teacher):
    return F.mse_loss(_cosines(student), _cosines(teacher.detach()))


@RKDAngle.wrong(
    en="Half the squared difference is Huber's inside only: cosines differ by up to 2, and beyond 1 it goes on in a straight line.",
    zh="平方的一半只是Huber的内段：余弦之差可达2，超过1之后应当改为直线。",
)
def forgets_the_straight_part(student, teacher):
    return F.mse_loss(_cosines(student), _cosines(teacher.detach())) / 2


@RKDAngle.wrong(
    en="The Huber losses are added up: the loss grows with the cube of the batch.",
    zh="只求和而没有平均：损失随批大小的立方增长。",
)
def sums_over_triplets(student, teacher):
    return F.huber_loss(_cosines(student), _cosines(teacher.detach()), reduction="sum")


@RKDAngle.wrong(
    en="It is the student that is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student, teacher):
    return F.huber_loss(_cosines(student.detach()), _cosines(teacher))


@RKDAngle.wrong(
    en="The teacher is not detached: it gets a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student, teacher):
    return F.huber_loss(_cosines(student), _cosines(teacher))


EXERCISE = RKDAngle()
