import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Text,
    check,
    check_blind_to_scale,
    expect,
    expect_close,
    gradient,
    is_blind_to_a_small_scale,
    normal,
)
from kd_study.exercises.loss import LossExercise


def whiteboard(student_map, teacher_map):
    def attention(x):
        return F.normalize(x.pow(2).mean(1).flatten(1), dim=1, eps=1e-30)

    return (attention(student_map) - attention(teacher_map.detach())).pow(2).sum(1).mean()


class AttentionTransfer(LossExercise):
    student_arguments = ("student_map",)
    teacher_arguments = ("teacher_map",)
    against_overflow = Text("guard the norm that you divide by", "请保护作除数的范数")

    def example(self):
        return {"student_map": normal(3, 2, 2, 3, seed=1), "teacher_map": normal(3, 4, 2, 3, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        left, right, both = (_row(values) for values in ([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]))
        expect_close(
            fn(left, both),
            0.5858,
            "the maps are [1, 0] and [0.707, 0.707]: 0.293² + 0.707² = 2 − √2 = 0.586",
            "两张图是[1, 0]和[0.707, 0.707]：0.293² + 0.707² = 2 − √2 = 0.586",
            tolerance=1e-3,
        )
        expect_close(
            fn(left, right),
            2.0,
            "maps that look at opposite places are at a right angle: 1 + 1 = 2",
            "看向相反位置的两张图相互垂直：1 + 1 = 2",
        )

    @check(en="The mean over channels of the squares", zh="激活值的平方对通道取平均")
    def squares_before_it_averages(self, fn):
        student = torch.tensor([[[[3.0, 1.0]], [[-3.0, 1.0]]]])  # squares 9 and 1 at both channels
        expect_close(
            fn(student, _row([3.0, 1.0])),
            0.0,
            "channels 3 and −3 are an activation of 9, not of 0: square first, then average over the channels",
            "两个通道的3与−3代表激活9，而不是0：先平方，再对通道取平均",
        )
        expect_close(
            fn(torch.tensor([[[[3.0, 0.0]], [[0.0, 4.0]]]]), _row([1.0, 0.0])),
            1.0194,
            "the channels [3, 0] and [0, 4] give the map [4.5, 8] and, at length 1, [0.490, 0.872]",
            "通道[3, 0]和[0, 4]得到图[4.5, 8]，长度缩放为1后是[0.490, 0.872]",
            tolerance=1e-3,
        )

    @check(en="Blind to scale, to channels and their order", zh="与尺度、通道数及通道顺序无关")
    def is_blind_to_scale_and_channels(self, fn):
        student, teacher = normal(3, 4, 2, 3, seed=3), normal(3, 4, 2, 3, seed=4)
        expected = fn(student, teacher)
        scales = torch.tensor([0.01, -30.0, 100.0]).view(3, 1, 1, 1)
        for arguments, en, zh in (
            (
                (scales * student, teacher),
                "scaling each of the student's examples",
                "对学生的每个样本各自缩放",
            ),
            (
                (student, scales * teacher),
                "scaling each of the teacher's examples",
                "对教师的每个样本各自缩放",
            ),
            ((student[:, [2, 0, 3, 1]], teacher), "another order of the channels", "改变通道的顺序"),
            ((torch.cat([student, student], 1), teacher), "every channel twice", "每个通道重复一遍"),
            ((student.flip(2), teacher.flip(2)), "turning both maps upside down", "把两张图同时上下翻转"),
            ((student.mT, teacher.mT), "swapping height and width of both", "把两张图的高与宽互换"),
        ):
            expect_close(
                fn(*arguments),
                expected,
                f"{en} should change nothing; the length is taken over all places of one example",
                f"{zh}不应改变损失；长度应对单个样本的全部位置计算",
                tolerance=1e-3,
            )

    is_blind_to_any_scale = check_blind_to_scale("student_map", "teacher_map")

    @check(en="A sum over places, a mean over examples", zh="对位置求和，对样本取平均")
    def sums_over_places_and_averages_over_examples(self, fn):
        for height, width in ((1, 2), (2, 4), (3, 6)):
            maps = torch.zeros(2, 1, height, width)
            maps[0, :, 0, 0], maps[1, :, -1, -1] = 1.0, 1.0
            expect_close(
                fn(maps, maps.flip(0)),
                2.0,
                f"two examples of {height} × {width} places, each looking where its teacher doesn't, cost 2 each and 2 on "
                "average, whatever the size",
                f"两个{height} × {width}的样本都看向教师没看的地方：每个的损失是2，平均也是2，与大小无关",
            )
            expect_close(
                fn(maps, maps[[0, 0]]),
                1.0,
                "one example of two agrees with its teacher: the mean of 0 and 2 is 1",
                "两个样本中有一个与教师一致：0和2的平均是1",
            )

    @check(en="The gradient", zh="梯度")
    def has_the_gradient_of_the_distance(self, fn):
        given = self.example()
        goal = given["teacher_map"].square().mean(1).flatten(1)

        def by_cosine(leaf):
            return (2 - 2 * F.cosine_similarity(leaf.square().mean(1).flatten(1), goal)).mean()

        expect_close(
            gradient(lambda leaf: fn(leaf, given["teacher_map"]), given["student_map"]),
            gradient(by_cosine, given["student_map"]),
            "the distance of two vectors of length 1 is 2 − 2 cos, and the gradient is not its; is a norm detached?",
            "两个单位向量的平方距离是2 − 2 cos，梯度却与之不符；是不是有范数被detach了？",
            tolerance=1e-3,
        )

    @check(en="Maps of zeros are safe", zh="全零的图不出问题")
    def is_safe_at_zero(self, fn):
        some, zero = normal(2, 3, 2, 2, seed=5), normal(2, 3, 2, 2, seed=6)
        zero[1] = 0
        for student, teacher, en, zh in (
            (zero, some, "the student's", "学生"),
            (some, zero, "the teacher's", "教师"),
            (zero, zero, "both", "双方"),
        ):
            loss = fn(student, teacher)
            found = gradient(lambda leaf, t=teacher: fn(leaf, t), student)
            for value, what, zh_what in ((loss, "the loss", "损失"), (found, "the gradient", "梯度")):
                expect(
                    bool(value.isfinite().all()),
                    f"where {en} map is all zeros, {what} is not finite; guard the norm before you divide by it",
                    f"{zh}的图全为零时，{zh_what}不是有限数；请在除以范数之前先处理零",
                )
        goal = zero * some  # the difference leaves open what two maps of zeros cost
        expect_close(
            fn(zero, goal) - fn(goal, goal),
            fn(zero[:1], goal[:1]) / 2,
            "an example whose map is all zeros still counts in the mean over N = 2: the other example's loss weighs half",
            "图全为零的样本仍要计入对N = 2的平均：另一个样本的损失只占一半",
            tolerance=1e-3,
        )

    def edges(self):
        zero = normal(2, 3, 2, 2, seed=6)
        zero[1] = 0
        return {"zero map": {"student_map": zero, "teacher_map": normal(2, 3, 2, 2, seed=5)}}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["small scale"] = is_blind_to_a_small_scale(self, function, "student_map", "teacher_map")
        return ordinary, edge


def _row(values):
    """One example with one channel and one row of places."""
    return torch.tensor(values).view(1, 1, 1, -1)


def _energy(x):
    return x.square().mean(1).flatten(1)


def _loss(student, teacher):
    """From maps that are flat and normalised."""
    return (student - teacher.detach()).square().sum(1).mean()


@AttentionTransfer.wrong(
    en="The maps are not brought to length 1: what is compared is mostly the scale of the activations.",
    zh="没有把图缩放到长度1：比较的主要是激活值的尺度。",
)
def forgets_to_normalise(student_map, teacher_map):
    return _loss(_energy(student_map), _energy(teacher_map))


@AttentionTransfer.wrong(
    en="The squared differences are averaged over the places as well, as in the authors' code: that is the loss divided by "
    "H · W, and it is why their weight is 1000.",
    zh="平方差对位置也取了平均，与作者的代码一样：这等于把损失除以H · W，他们的权重取1000就是这个缘故。",
    reference="szagoruyko/attention-transfer#34",
)
def averages_over_places(student_map, teacher_map):
    s, t = F.normalize(_energy(student_map)), F.normalize(_energy(teacher_map.detach()))
    return F.mse_loss(s, t)


@AttentionTransfer.wrong(
    en="The distance is not squared: its gradient doesn't fade near the goal, and at the goal it may be NaN.",
    zh="距离没有平方：接近目标时梯度不会变小，恰好到达时还可能是NaN。",
)
def takes_the_distance_itself(student_map, teacher_map):
    s, t = F.normalize(_energy(student_map)), F.normalize(_energy(teacher_map.detach()))
    return (s - t).norm(dim=1).mean()


@AttentionTransfer.wrong(
    en="The distances are added up over the batch: the loss grows with its size.",
    zh="对整批求和：损失随批大小增长。",
)
def sums_over_the_batch(student_map, teacher_map):
    s, t = F.normalize(_energy(student_map)), F.normalize(_energy(teacher_map.detach()))
    return (s - t).square().sum()


@AttentionTransfer.wrong(
    en="The activations are averaged without a square: those of opposite sign cancel, and a place full of strong activations "
    "can look empty.",
    zh="没有平方就对通道取平均：正负激活相互抵消，激活强烈的位置看上去反而是空的。",
)
def averages_without_squares(student_map, teacher_map):
    s, t = (F.normalize(x.mean(1).flatten(1)) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="The mean is squared instead of the squares being averaged: 3 and −3 cancel before the square sees them.",
    zh="平方的是平均值，而不是对平方取平均：3与−3在平方之前就抵消了。",
)
def squares_the_mean(student_map, teacher_map):
    s, t = (F.normalize(x.mean(1).square().flatten(1)) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="These are mean absolute activations. The paper tried them as well; the square, asked for here, favours the places where "
    "a few channels are strong.",
    zh="这里用的是绝对值的平均。论文也试过；这里要的是平方，它更突出少数通道特别强的位置。",
)
def takes_absolute_activations(student_map, teacher_map):
    s, t = (F.normalize(x.abs().mean(1).flatten(1)) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="A root is taken over the channels: that is the norm of each place, not its squared mean, and its gradient at 0 is not "
    "safe.",
    zh="对通道又开了平方根：得到的是每个位置的范数，而不是平方的平均，在0处的梯度也不安全。",
)
def takes_the_norm_over_channels(student_map, teacher_map):
    s, t = (F.normalize(x.norm(dim=1).flatten(1)) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="The mean runs over the places and keeps the channels: that says which channels are active, not where; and channels of "
    "two networks don't correspond.",
    zh="对位置取了平均而保留了通道：得到的是哪些通道活跃，而不是看哪里；何况两个网络的通道并不对应。",
)
def averages_over_places_instead_of_channels(student_map, teacher_map):
    s, t = (F.normalize(x.square().flatten(2).mean(2)) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="One norm is taken over the whole batch: an example with large activations makes all the others small.",
    zh="对整批只算了一个范数：一个激活很大的样本会把其他样本都压小。",
)
def normalises_the_whole_batch(student_map, teacher_map):
    s, t = (_energy(x) / _energy(x).norm().clamp(min=1e-12) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="The map was not flattened, so `F.normalize` works along dimension 1, which is now the height: each column gets length "
    "1, not the map.",
    zh="没有展平，于是`F.normalize`沿着第1维（此时是高）归一化：长度为1的是每一列，而不是整张图。",
)
def forgets_to_flatten(student_map, teacher_map):
    s, t = (F.normalize(x.square().mean(1)) for x in (student_map, teacher_map))
    return (s - t.detach()).square().sum((1, 2)).mean()


@AttentionTransfer.wrong(
    en="The map is divided by its sum. It then looks like a distribution, but its length isn't 1: flat maps weigh less than "
    "pointed ones.",
    zh="图除以的是它的总和。看上去像一个分布，但长度不是1：平坦的图比尖锐的图分量更轻。",
)
def divides_by_the_sum(student_map, teacher_map):
    s, t = (F.normalize(_energy(x), p=1) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="A softmax takes the place of the division: it depends on the scale of the activations, and saturates where that is "
    "large.",
    zh="用softmax代替了除以范数：它依赖激活值的尺度，尺度一大就饱和。",
)
def takes_a_softmax(student_map, teacher_map):
    s, t = (_energy(x).softmax(1) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="A map of zeros is divided by its norm of 0: one dead example makes the loss NaN. F.normalize guards it.",
    zh="全零的图除以了为0的范数：一个“死掉”的样本就会让损失变成NaN。F.normalize会处理好这一点。",
)
def divides_by_a_norm_of_zero(student_map, teacher_map):
    s, t = (_energy(x) / _energy(x).norm(dim=1, keepdim=True) for x in (student_map, teacher_map))
    return _loss(s, t)


@AttentionTransfer.wrong(
    en="The student is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student_map, teacher_map):
    return _loss(F.normalize(_energy(student_map.detach())), F.normalize(_energy(teacher_map)))


@AttentionTransfer.wrong(
    en="The teacher is not detached: its layers get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的各层会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_map, teacher_map):
    return (F.normalize(_energy(student_map)) - F.normalize(_energy(teacher_map))).square().sum(1).mean()


@AttentionTransfer.wrong(
    en="A small number is added to what is divided by. It isn't small beside a small one: where the activations are tiny, the scale shows again. Guard against 0 alone, as F.normalize does.",
    zh="给除数加了一个“小常数”。除数本身很小时它并不小：激活值很小时，尺度又显出来了。只需防止除以0，正如F.normalize那样。",
)
def adds_a_small_number_to_the_length(student_map, teacher_map):
    s, t = (x / (x.norm(dim=1, keepdim=True) + 1e-6) for x in (_energy(student_map), _energy(teacher_map)))
    return _loss(s, t)


EXERCISE = AttentionTransfer()
