import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text, check, check_default, expect_close, gradient, normal, without
from kd_study.exercises.loss import NothingCounts
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    teacher = teacher_source_logits.detach()
    sure = F.softmax(teacher, dim=-1).amax(-1) >= min_confidence
    log_p = F.log_softmax(teacher[sure] / temperature, dim=-1)
    log_q = F.log_softmax(student_target_logits[sure] / temperature, dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return temperature**2 * total / max(len(log_q), 1)


class TransferSoftLabels(NothingCounts):
    nothing_counts = Text("a batch in which no teacher is sure enough", "没有一行足够确定的一批")
    student_arguments = ("student_target_logits",)
    teacher_arguments = ("teacher_source_logits",)

    def example(self):
        return {
            "teacher_source_logits": torch.tensor([[2.0, -1, 0], [0.5, 0, 0.2], [-1, 0.5, 3], [1, -2, 1.2]]),
            "student_target_logits": normal(4, 3, seed=1),
            "temperature": 2.0,
            "min_confidence": 0.7,  # rows 0 and 2 at T = 1; none but row 2 would at T = 2
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(
                torch.tensor([[2.0, 0.0], [0.0, 0.0]]),
                torch.tensor([[0.0, 0.0], [3.0, 0.0]]),
                min_confidence=0.8,
            ),
            0.3278,
            "only the first row's teacher is sure enough (0.881); its KL is 0.328, and it is the mean over one row",
            "只有第一行的教师足够确定（0.881）；它的KL是0.328，对一行取平均还是它",
            tolerance=1e-3,
        )

    @check(en="Without a threshold: distillation_kl", zh="不设阈值时就是distillation_kl")
    def is_the_kl_of_all_rows_without_a_threshold(self, fn):
        given = self.example() | {"min_confidence": 0.0}
        for temperature in (1.0, 4.0):
            rows = _rows(given | {"temperature": temperature})
            expect_close(
                fn(**given | {"temperature": temperature}),
                rows.mean(),
                f"with min_confidence = 0 and T = {temperature:g} all rows count: T² · KL(teacher ‖ student), mean over rows. The "
                "teacher is the first argument",
                f"min_confidence = 0、T = {temperature:g}时所有行都计入：T² · KL(教师 ‖ 学生)，对行取平均。注意第一个参数是教师",
            )
        expect_close(
            fn(torch.tensor([[0.0, 200.0]]), torch.tensor([[200.0, 0.0]])),
            200.0,
            "a student sure of what its teacher is sure to be wrong pays the gap of the logits, 200; a small number inside the "
            "logarithm, or a clamp, hides it",
            "学生确信的恰是教师确信为错的，损失应等于logits之差200；在对数里加小常数或做截断会把它掩盖掉",
        )

    @check(en="A mean over the rows that count", zh="对计入的行取平均")
    def is_a_mean_over_confident_rows(self, fn):
        given = self.example()
        rows = _rows(given)
        for confidence, kept in ((0.43, [0, 2, 3]), (0.84, [0, 2]), (0.85, [2])):
            expect_close(
                fn(**given | {"min_confidence": confidence}),
                rows[kept].mean(),
                f"the teacher's top probabilities at T = 1 are 0.844, 0.426, 0.909 and 0.538; with {confidence:g} the rows {kept} "
                f"count, and the mean is over these {len(kept)}, not over all 4",
                f"教师在T = 1下的最大概率是0.844、0.426、0.909、0.538；阈值为{confidence:g}时计入第{kept}行，"
                f"应对这{len(kept)}行取平均，而不是对全部4行",
            )

    @check(en="Confidence is read at T = 1", zh="把握程度在T = 1下读取")
    def reads_confidence_at_temperature_one(self, fn):
        given = self.example()
        for temperature in (0.5, 2.0, 10.0):
            now = given | {"temperature": temperature}
            expect_close(
                fn(**now),
                _rows(now)[[0, 2]].mean(),
                f"at T = {temperature:g} the same two rows should count as at T = 1: the temperature softens the labels, not the "
                "choice",
                f"T = {temperature:g}时计入的行应与T = 1时相同：温度系数软化的是标签，不影响选择",
            )

    @check(en="Reached means ≥", zh="“达到”即≥")
    def counts_a_row_that_just_reaches_it(self, fn):
        teacher, student = torch.zeros(2, 4), normal(2, 4, seed=2)
        for classes, confidence in ((2, 0.5), (4, 0.25)):
            given = {
                "teacher_source_logits": teacher[:, :classes],
                "student_target_logits": student[:, :classes],
                "temperature": 1.0,
                "min_confidence": confidence,
            }
            expect_close(
                fn(**given),
                _rows(given).mean(),
                f"{classes} equal logits have a top probability of exactly {confidence}: it reaches {confidence} and counts",
                f"{classes}个相等的logits，最大概率恰为{confidence}：达到了{confidence}，应当计入",
            )
            expect_close(
                fn(**given | {"min_confidence": confidence + 1e-4}),
                0.0,
                f"a top probability of {confidence} doesn't reach {confidence + 1e-4}: no row counts",
                f"最大概率为{confidence}，没有达到{confidence + 1e-4}：没有任何一行计入",
            )

    @check(en="The teacher's confidence, not the student's", zh="看教师的把握，而不是学生的")
    def asks_the_teacher(self, fn):
        teacher = torch.tensor([[4.0, 0.0], [0.5, 0.0]])
        expect_close(
            fn(teacher, torch.tensor([[0.0, 0.0], [9.0, 0.0]]), 1.0, 0.9),
            kl_of_tokens(torch.zeros(1, 2), teacher[:1]).mean(),
            "the teacher is sure of row 0, the student of row 1: row 0 counts",
            "教师对第0行有把握，学生对第1行有把握：应计入第0行",
        )
        expect_close(
            fn(-teacher, torch.zeros(2, 2), 1.0, 0.9),
            kl_of_tokens(torch.zeros(1, 2), -teacher[:1]).mean(),
            "the top probability may be that of any class",
            "最大概率可以是任何一个类别的",
        )

    @check(en="The gradient into the rows that count", zh="流向计入行的梯度")
    def has_the_gradient_of_confident_rows(self, fn):
        given = self.example()
        student, teacher = given["student_target_logits"], given["teacher_source_logits"]
        q, p = (student / 2).softmax(-1), (teacher / 2).softmax(-1)
        expect_close(
            gradient(lambda leaf: fn(**given | {"student_target_logits": leaf}), student),
            2 * (q - p) * torch.tensor([[1.0], [0.0], [1.0], [0.0]]) / 2,
            "at T = 2 with 2 rows that count the gradient should be T (q − p) / 2 in these and 0 in the others",
            "T = 2、计入2行时，梯度在这两行应为T (q − p) / 2，在其余行为0",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)
    has_no_threshold_by_default = check_default("min_confidence", 0.0)

    def probes(self):
        example = self.example()
        return {
            "0.7": example,
            "T = 1": example | {"temperature": 1.0, "min_confidence": 0.84},
            "all": example | {"min_confidence": 0.0},
            "defaults": without(example, "temperature", "min_confidence"),
        }

    def edges(self):
        example = self.example()
        even = example | {"teacher_source_logits": torch.zeros(4, 2), "min_confidence": 0.5}
        even["student_target_logits"] = normal(4, 2, seed=3)
        return super().edges() | {"just reached": even}

    def nothing(self):
        return {"none": self.example() | {"min_confidence": 0.99}}


def _rows(given: dict) -> torch.Tensor:
    """What each row costs, T² included."""
    temperature = given["temperature"]
    return temperature**2 * kl_of_tokens(
        given["student_target_logits"], given["teacher_source_logits"], temperature
    )


def _mean(rows):
    return rows.sum() / max(len(rows), 1)


def _confident(logits, min_confidence):
    return logits.detach().softmax(-1).amax(-1) >= min_confidence


def _transfer(teacher, student, temperature, kept):
    return temperature**2 * _mean(kl_of_tokens(student[kept], teacher[kept], temperature))


@TransferSoftLabels.wrong(
    en="The threshold isn't used: rows about which the teacher is unsure are taught as well.",
    zh="没有用到阈值：教师没有把握的行也教给了学生。",
)
def ignores_the_threshold(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = slice(None)
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="Student and teacher are swapped; here the teacher is the first argument. The student's own guesses serve as the goal.",
    zh="学生与教师弄反了；这里第一个参数是教师。结果学生自己的猜测成了目标。",
)
def swaps_teacher_and_student(
    teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0
):
    kept = _confident(teacher_source_logits, min_confidence)
    log_p, log_q = (
        F.log_softmax(x[kept] / temperature, -1)
        for x in (teacher_source_logits.detach(), student_target_logits)
    )
    return temperature**2 * _mean((log_q.exp() * (log_q - log_p)).sum(-1))


@TransferSoftLabels.wrong(
    en="The sum over the rows that count is divided by all N: the more rows are left out, the smaller the gradient.",
    zh="计入行之和除以了全部的N：排除的行越多，梯度越小。",
)
def divides_by_all_rows(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    rows = kl_of_tokens(student_target_logits, teacher_source_logits, temperature)
    return temperature**2 * (rows * kept).mean()


@TransferSoftLabels.wrong(
    en="The confidence is read at T: the higher the temperature, the fewer rows count, though the teacher is as sure as before.",
    zh="把握程度是在T下读取的：温度系数越高，计入的行越少，尽管教师的把握并没有变。",
)
def reads_confidence_at_the_temperature(
    teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0
):
    kept = _confident(teacher_source_logits / temperature, min_confidence)
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="The rows are chosen by the student's confidence: it then learns where it believes to know already.",
    zh="按学生的把握来选行：它只在自以为已经会的地方学习。",
)
def asks_the_student(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(student_target_logits, min_confidence)
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="The choice is upside down: the rows of which the teacher is unsure are taught.",
    zh="选反了：教的是教师没有把握的行。",
)
def keeps_the_unsure_rows(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = ~_confident(teacher_source_logits, min_confidence)
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="The largest logit is compared with the threshold. A confidence is a probability; logits know no scale.",
    zh="拿最大的logit去和阈值比。把握程度是概率；logits没有固定的尺度。",
)
def compares_logits(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = teacher_source_logits.amax(-1) >= min_confidence
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept) / temperature**2


@TransferSoftLabels.wrong(
    en="The teacher's arg max becomes a hard label: what it knows about the other intents is thrown away.",
    zh="把教师的arg max当成硬标签：它对其他意图的了解都丢掉了。",
)
def transfers_hard_labels(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    labels = teacher_source_logits.argmax(-1)
    return _mean(F.cross_entropy(student_target_logits[kept], labels[kept], reduction="none"))


@TransferSoftLabels.wrong(
    en="Every row is weighted by the teacher's confidence instead of being in or out; the threshold has no effect.",
    zh="用教师的把握给每一行加权，而不是计入或排除；阈值不起作用。",
)
def weighs_by_confidence(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    weights = teacher_source_logits.detach().softmax(-1).amax(-1)
    rows = kl_of_tokens(student_target_logits, teacher_source_logits, temperature)
    return temperature**2 * (weights * rows).sum() / weights.sum()


@TransferSoftLabels.wrong(
    en="A cross-entropy with the soft labels has KL's gradient, but a student equal to its teacher still pays the teacher's "
    "entropy. The contract asks for `distillation_kl`.",
    zh="与软标签的交叉熵梯度同KL，但与教师相等的学生仍要付出教师的熵。这里要的是`distillation_kl`。",
    reference="airaria/TextBrewer#90",
)
def uses_a_cross_entropy(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    p = (teacher_source_logits.detach()[kept] / temperature).softmax(-1)
    rows = F.cross_entropy(student_target_logits[kept] / temperature, p, reduction="none")
    return temperature**2 * _mean(rows)


@TransferSoftLabels.wrong(
    en="> leaves out the row that just reaches the threshold; the contract says ≥.",
    zh="用>会排除恰好达到阈值的行；约定是≥。",
)
def asks_for_more_than_the_threshold(
    teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0
):
    kept = teacher_source_logits.detach().softmax(-1).amax(-1) > min_confidence
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="The mean of no rows is NaN: one batch of unsure rows, and the student is lost. Divide by at least 1.",
    zh="零行的平均是NaN：只要有一批全是没把握的行，学生就毁了。除数至少应为1。",
)
def averages_over_nothing(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    rows = kl_of_tokens(student_target_logits[kept], teacher_source_logits[kept], temperature)
    return temperature**2 * rows.mean()


@TransferSoftLabels.wrong(
    en="If no row is left a new 0 comes back, without a graph: backward fails on that batch.",
    zh="一行不剩时返回了一个新建的、没有计算图的0：这一批的backward会报错。",
)
def returns_a_bare_zero(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    if not kept.any():
        return student_target_logits.new_zeros(())
    return _transfer(teacher_source_logits, student_target_logits, temperature, kept)


@TransferSoftLabels.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(teacher_source_logits, student_target_logits, temperature=1.0, min_confidence=0.0):
    kept = _confident(teacher_source_logits, min_confidence)
    log_p, log_q = (
        F.log_softmax(x[kept] / temperature, -1) for x in (teacher_source_logits, student_target_logits)
    )
    return temperature**2 * _mean((log_p.exp() * (log_p - log_q)).sum(-1))


EXERCISE = TransferSoftLabels()
