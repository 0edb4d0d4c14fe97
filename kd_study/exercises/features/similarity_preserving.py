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


def whiteboard(student, teacher):
    def similarity(x):
        return F.normalize(x @ x.T, dim=1, eps=1e-30)

    return (similarity(student) - similarity(teacher.detach())).pow(2).mean()


class SimilarityPreserving(LossExercise):
    student_arguments = ("student",)
    teacher_arguments = ("teacher",)
    against_overflow = Text("guard the norm that you divide by", "请保护作除数的范数")

    def example(self):
        return {"student": normal(4, 3, seed=1), "teacher": normal(4, 2, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.eye(2)),
            0.199228,
            "the student's Gram matrix is [[1, 1], [1, 2]], with rows (0.707, 0.707) and (0.447, 0.894); the teacher's is the "
            "identity: (0.586 + 0.211) / 4",
            "学生的Gram矩阵是[[1, 1], [1, 2]]，归一化的行是(0.707, 0.707)和(0.447, 0.894)；教师的是单位阵：(0.586 + 0.211) / 4",
            tolerance=1e-3,
        )

    @check(en="Rows of the matrix are normalised, not the vectors", zh="归一化的是矩阵的行，不是向量")
    def normalises_rows_of_the_matrix(self, fn):
        student = torch.tensor([[1.0, 0.0], [3.0, 0.0]])  # Gram matrix [[1, 3], [3, 9]], rows (1, 3) / √10
        expect_close(
            fn(student, torch.eye(2)),
            (4 - 2 * (1 + 3) / 10**0.5) / 4,
            "two vectors in one direction, one three times as long, have the rows (0.316, 0.949) twice: the longer one stands out; "
            "normalised vectors would give (1, 1)",
            "两个同方向的向量，一个是另一个的三倍长：两行都是(0.316, 0.949)，长的更突出；若先归一化向量，得到的会是(1, 1)",
            tolerance=1e-3,
        )
        teacher = normal(3, 2, seed=3)
        expect(
            bool(fn(_with_first_row_scaled(teacher, 5.0), teacher) > 1e-3),
            "a student with one vector five times as long as the teacher's should cost something",
            "学生有一个向量是教师的五倍长时，损失应大于0",
        )

    is_blind_to_scale = check_blind_to_scale("student", "teacher")

    @check(en="Blind to rotation, common scale and width", zh="与旋转、整体尺度、宽度无关")
    def is_blind_to_rotation_scale_and_width(self, fn):
        student, teacher = normal(5, 3, seed=4), normal(5, 3, seed=5)
        turn = torch.linalg.qr(normal(3, 3, seed=6)).Q
        expected = fn(student, teacher)
        for name, zh, move in (
            ("turning", "旋转", lambda x: x @ turn),
            ("scaling", "放大", lambda x: -20.0 * x),
            ("shrinking", "缩小", lambda x: 0.05 * x),
            ("padding with empty features", "补上全零的特征", lambda x: F.pad(x, (0, 4))),
        ):
            for arguments in ((move(student), teacher), (student, move(teacher))):
                expect_close(
                    fn(*arguments),
                    expected,
                    f"{name} all vectors of one side should change nothing",
                    f"把一边的所有向量{zh}，损失不应改变",
                    tolerance=1e-3,
                )
            expect_close(
                fn(move(teacher), teacher),
                0.0,
                f"a student that is the teacher after {name} should cost 0",
                f"学生等于教师{zh}之后的结果时，损失应为0",
                tolerance=1e-2,
            )

    @check(en="Divided by N²", zh="除以N²")
    def divides_by_the_number_of_entries(self, fn):
        for rows in (1, 2, 6):
            same, apart = torch.ones(rows, 1), torch.eye(rows)
            expect_close(
                fn(same, apart),
                (2 - 2 / rows**0.5) / rows,
                f"{rows} equal vectors have rows of 1/√{rows}, {rows} vectors at right angles the identity: each row costs "
                f"2 − 2/√{rows}, {rows} rows, divided by N² = {rows**2}",
                f"{rows}个相同的向量，每行元素都是1/√{rows}；{rows}个两两垂直的向量给出单位阵：每行2 − 2/√{rows}，共{rows}行，除以N² = {rows**2}",
                tolerance=1e-3,
            )
            gradient(lambda leaf, t=apart: fn(leaf, t), same)  # a graph, for one row as well

    @check(en="The gradient", zh="梯度")
    def has_the_gradient_of_the_similarities(self, fn):
        given = self.example()
        goal = given["teacher"] @ given["teacher"].T

        def by_cosine(leaf):
            return (2 - 2 * F.cosine_similarity(leaf @ leaf.T, goal)).sum() / 16

        expect_close(
            gradient(lambda leaf: fn(leaf, given["teacher"]), given["student"]),
            gradient(by_cosine, given["student"]),
            "two rows of length 1 differ by 2 − 2 cos, and the gradient is not its; is a norm or one factor of F Fᵀ detached?",
            "两个单位长度的行相差2 − 2 cos，梯度却与之不符；是不是把范数或F Fᵀ中的一个因子detach了？",
            tolerance=1e-2,
        )

    @check(en="Rows of zeros are safe", zh="全零的行不出问题")
    def is_safe_at_zero(self, fn):
        some, zero = normal(3, 2, seed=7), _with_first_row_scaled(normal(3, 2, seed=8), 0.0)
        for student, teacher, en, zh in (
            (zero, some, "of the student", "学生"),
            (some, zero, "of the teacher", "教师"),
            (zero, zero, "of both", "双方"),
        ):
            loss = fn(student, teacher)
            found = gradient(lambda leaf, t=teacher: fn(leaf, t), student)
            for value, what, zh_what in ((loss, "the loss", "损失"), (found, "the gradient", "梯度")):
                expect(
                    bool(value.isfinite().all()),
                    f"with a zero vector {en}, {what} is not finite: its row of G is all zeros; guard the norm",
                    f"{zh}有全零向量时，{zh_what}不是有限数：G中对应的行全为零；请保护除以范数的除法",
                )
        some = _with_first_row_scaled(some, 0.0)
        expect_close(  # the difference leaves open what two rows of zeros cost
            fn(zero, some) - fn(some, some),
            fn(zero[1:], some[1:]) * 4 / 9,
            "a zero vector still counts in N² = 9: the other two rows weigh 4/9 of what they cost by themselves",
            "全零的向量仍要计入N² = 9：另外两行只占它们单独计算时损失的4/9",
            tolerance=1e-3,
        )

    def probes(self):
        return {
            "example": self.example(),
            "same width": {"student": normal(4, 3, seed=9), "teacher": normal(4, 3, seed=10)},
        }

    def edges(self):
        zero = _with_first_row_scaled(normal(3, 2, seed=8), 0.0)
        return {"zero row": {"student": zero, "teacher": normal(3, 2, seed=7)}}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["small scale"] = is_blind_to_a_small_scale(self, function, "student", "teacher")
        return ordinary, edge


def _with_first_row_scaled(x, factor):
    return torch.cat([factor * x[:1], x[1:]])


def _gram(x):
    return x @ x.T


def _rows(x):
    return F.normalize(_gram(x), dim=1)


@SimilarityPreserving.wrong(
    en="The rows are not normalised: the scale of the features, to the fourth power, is most of the loss.",
    zh="没有对行归一化：损失主要反映特征尺度的四次方。",
)
def forgets_to_normalise(student, teacher):
    return F.mse_loss(_gram(student), _gram(teacher.detach()))


@SimilarityPreserving.wrong(
    en="The feature vectors are normalised instead of the rows of their Gram matrix: these are cosines, and the lengths of the "
    "vectors are forgotten.",
    zh="归一化的是特征向量，而不是Gram矩阵的行：得到的是余弦，向量的长度丢失了。",
)
def normalises_the_vectors(student, teacher):
    s, t = (F.normalize(x, dim=1) for x in (student, teacher.detach()))
    return F.mse_loss(_gram(s), _gram(t))


@SimilarityPreserving.wrong(
    en="The vectors are normalised as well as the rows. Only the rows of G are: an example with a long vector stands out.",
    zh="向量和行都归一化了。只应归一化G的行：向量长的样本本来就该更突出。",
)
def normalises_vectors_and_rows(student, teacher):
    s, t = (F.normalize(x, dim=1) for x in (student, teacher.detach()))
    return F.mse_loss(_rows(s), _rows(t))


@SimilarityPreserving.wrong(
    en="The whole matrix is divided by one norm: a few examples with long vectors rule the loss. Each row gets its own.",
    zh="整个矩阵只除以一个范数：少数向量很长的样本主宰了损失。每一行应有自己的范数。",
)
def normalises_the_whole_matrix(student, teacher):
    s, t = (_gram(x) / _gram(x).norm().clamp(min=1e-12) for x in (student, teacher.detach()))
    return F.mse_loss(s, t)


@SimilarityPreserving.wrong(
    en="The rows are divided by the sum of their absolute values. Length 1 means the root of the sum of squares.",
    zh="行除以的是绝对值之和。长度为1指的是平方和的平方根为1。",
)
def divides_by_the_sum(student, teacher):
    s, t = (F.normalize(_gram(x), p=1, dim=1) for x in (student, teacher.detach()))
    return F.mse_loss(s, t)


@SimilarityPreserving.wrong(
    en="A softmax takes the place of the division: it depends on the scale of the features.",
    zh="用softmax代替了除以范数：它依赖特征的尺度。",
)
def takes_a_softmax(student, teacher):
    return F.mse_loss(_gram(student).softmax(1), _gram(teacher.detach()).softmax(1))


@SimilarityPreserving.wrong(
    en="This is Fᵀ F, how features go together, not how examples do: D × D, so that widths must agree and features correspond.",
    zh="这是Fᵀ F，说的是特征之间的关系，而不是样本之间的：形状是D × D，宽度必须相同，特征还得一一对应。",
)
def relates_features(student, teacher):
    return F.mse_loss(_rows(student.T), _rows(teacher.detach().T))


@SimilarityPreserving.wrong(
    en="The features are centred first. That is on the way to CKA; here a shift of all the vectors matters.",
    zh="先对特征做了中心化。那是走向CKA的一步；这里向量的整体平移是有影响的。",
)
def centres_the_features(student, teacher):
    s, t = (x - x.mean(0) for x in (student, teacher.detach()))
    return F.mse_loss(_rows(s), _rows(t))


@SimilarityPreserving.wrong(
    en="The similarity of each example to itself is left out. The diagonal belongs to the norm of a row and to the loss.",
    zh="去掉了样本与自己的相似度。对角线既属于行的范数，也属于损失。",
)
def leaves_the_diagonal_out(student, teacher):
    s, t = (_gram(x) * (1 - torch.eye(len(x), dtype=x.dtype)) for x in (student, teacher.detach()))
    return F.mse_loss(F.normalize(s, dim=1), F.normalize(t, dim=1))


@SimilarityPreserving.wrong(
    en="The sum is divided by N, not by N²: a mean over rows.",
    zh="总和除以了N而不是N²：成了对行的平均。",
)
def averages_over_rows_only(student, teacher):
    return (_rows(student) - _rows(teacher.detach())).square().sum(1).mean()


@SimilarityPreserving.wrong(
    en="The squares are not divided by N²: the loss grows with the batch.",
    zh="平方和没有除以N²：损失随批大小增长。",
)
def sums_the_squares(student, teacher):
    return (_rows(student) - _rows(teacher.detach())).square().sum()


@SimilarityPreserving.wrong(
    en="The Frobenius norm is not squared: its gradient doesn't fade near the goal.",
    zh="Frobenius范数没有平方：接近目标时梯度不会变小。",
)
def takes_the_norm_itself(student, teacher):
    return (_rows(student) - _rows(teacher.detach())).norm() / len(student) ** 2


@SimilarityPreserving.wrong(
    en="These are absolute differences; the squared ones are asked for.",
    zh="这里用的是绝对差；要的是平方差。",
)
def takes_absolute_differences(student, teacher):
    return F.l1_loss(_rows(student), _rows(teacher.detach()))


@SimilarityPreserving.wrong(
    en="A row of zeros is divided by its norm of 0: one dead example makes the loss NaN. F.normalize guards it.",
    zh="全零的行除以了为0的范数：一个“死掉”的样本就会让损失变成NaN。F.normalize会处理好这一点。",
)
def divides_by_a_norm_of_zero(student, teacher):
    s, t = (_gram(x) / _gram(x).norm(dim=1, keepdim=True) for x in (student, teacher.detach()))
    return F.mse_loss(s, t)


@SimilarityPreserving.wrong(
    en="It is the student that is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student, teacher):
    return F.mse_loss(_rows(student.detach()), _rows(teacher))


@SimilarityPreserving.wrong(
    en="The teacher is not detached: it gets a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student, teacher):
    return F.mse_loss(_rows(student), _rows(teacher))


@SimilarityPreserving.wrong(
    en="A small number is added to what is divided by. It isn't small beside a small one: where the activations are tiny, the scale shows again. Guard against 0 alone, as F.normalize does.",
    zh="给除数加了一个“小常数”。除数本身很小时它并不小：激活值很小时，尺度又显出来了。只需防止除以0，正如F.normalize那样。",
)
def adds_a_small_number_to_the_length(student, teacher):
    s, t = (_gram(x) / (_gram(x).norm(dim=1, keepdim=True) + 1e-6) for x in (student, teacher.detach()))
    return (s - t).square().mean()


EXERCISE = SimilarityPreserving()
