import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text, check, check_default, expect_close, gradient, normal, without
from kd_study.exercises.loss import NothingCounts
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(student_logits, teacher_logits, targets, temperature=1.0):
    teacher = teacher_logits.detach()
    with torch.no_grad():
        own, its = (F.cross_entropy(z, targets, reduction="none") for z in (student_logits, teacher))
    better = its < own
    log_q = F.log_softmax(student_logits[better] / temperature, dim=-1)
    log_p = F.log_softmax(teacher[better] / temperature, dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return temperature**2 * total / max(len(log_q), 1)


class SelectiveKD(NothingCounts):
    nothing_counts = Text(
        "a batch on which the student is nowhere worse than its teacher", "学生处处不比教师差的一批"
    )

    def example(self):
        return {
            "student_logits": torch.tensor([[0.0, 1, 0.5], [3, 0, -1], [1, 1, -1], [0.5, -0.5, 2]]),
            "teacher_logits": torch.tensor([[2.0, 0, 1], [1, 0.5, -1], [-1, 2, 0], [1, 1.5, 0]]),
            "targets": torch.tensor([0, 0, 1, 2]),  # the teacher is better on the rows 0 and 2
            "temperature": 2.0,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(
                torch.tensor([[0.0, 0.0], [3.0, 0.0]]),
                torch.tensor([[2.0, 0.0], [1.0, 0.0]]),
                torch.tensor([0, 0]),
            ),
            0.3278,
            "row 0: the teacher pays 0.127, the student 0.693, so it counts, with a KL of 0.328; row 1: 0.313 against 0.049, so it "
            "doesn't; the mean is over one row",
            "第0行：教师付0.127，学生付0.693，计入，KL是0.328；第1行：0.313对0.049，不计入；对一行取平均",
            tolerance=1e-3,
        )

    @check(en="A mean over the rows where the teacher is better", zh="对教师更好的行取平均")
    def is_a_mean_over_rows_where_the_teacher_is_better(self, fn):
        given = self.example()
        for temperature in (1.0, 3.0):
            now = given | {"temperature": temperature}
            expect_close(
                fn(**now),
                _rows(now)[[0, 2]].mean(),
                f"at T = {temperature:g} the rows 0 and 2 should count: T² · KL(teacher ‖ student), mean over these two, not over "
                "all four",
                f"T = {temperature:g}时应计入第0行和第2行：T² · KL(教师 ‖ 学生)，对这两行取平均，而不是对全部四行",
            )
        everything = given | {"targets": torch.tensor([0, 1, 1, 1])}
        expect_close(
            fn(**everything),
            _rows(everything).mean(),
            "with targets on which the teacher is better everywhere it should be distillation_kl of all rows",
            "换成教师处处更好的标签时，应等于所有行的distillation_kl",
        )

    @check(en="Better on the label, not more confident", zh="看标签上的表现，而不是谁更有把握")
    def asks_who_is_better_on_the_label(self, fn):
        student = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 3.0]])
        teacher = torch.tensor([[-1.0, 9.0, 0.0], [1.0, 0.0, 1.5]])
        expect_close(
            fn(student, teacher, torch.tensor([0, 0])),
            _rows({"student_logits": student, "teacher_logits": teacher, "temperature": 1.0})[1],
            "row 0: the teacher is very sure of a wrong class, so it doesn't count; row 1: both choose a wrong class, but the teacher "
            "gives the label more, so it counts",
            "第0行：教师对错误类别十分确信，不计入；第1行：两者都选错，但教师给正确类别的概率更大，计入",
        )
        far = {
            "student_logits": torch.tensor([[0.0, 0.0, 300.0], [0.0, 0.0, 0.0]]),
            "teacher_logits": torch.tensor([[0.0, 200.0, 0.0], [0.05, 0.0, 0.0]]),
            "temperature": 1.0,
        }
        expect_close(
            fn(**far, targets=torch.tensor([0, 0])),
            _rows(far).mean(),
            "row 0: the teacher pays 200 for the label and the student 300, so it counts, with a KL of 300, though both give it a "
            "probability of 0 in float32: stay with logarithms and add nothing inside them; row 1: the teacher is better by 0.03, "
            "which is enough",
            "第0行：教师为标签付200，学生付300，计入，KL是300；两者给标签的概率在float32下都是0，所以要始终用对数，也不要在对数里加小常数；"
            "第1行：教师只比学生好0.03，也算更好，计入",
        )

    @check(en="The choice is made at T = 1", zh="选行在T = 1下进行")
    def chooses_at_temperature_one(self, fn):
        for temperature in (1.0, 5.0):
            now = _turned_round() | {"temperature": temperature}
            expect_close(
                fn(**now),
                _rows(now)[1],
                f"at T = 1 the teacher pays 2.31 for the first label and the student 2.21: only row 1 counts, at T = {temperature:g} "
                "as well, where the softened numbers (1.06 and 1.54 at T = 5) say otherwise",
                f"T = 1下第一个标签教师付2.31、学生付2.21：只计入第1行；T = {temperature:g}时也一样，"
                "尽管软化后的数（T = 5时为1.06和1.54）说法相反",
            )

    @check(en="Equally good is not better", zh="一样好不算更好")
    def leaves_out_rows_that_are_equally_good(self, fn):
        student = torch.tensor([[0.0, 5.0, -200.0], [0.0, 0.0, 0.0]])
        teacher = torch.tensor([[0.0, -200.0, 5.0], [2.0, 0.0, 0.0]])
        expect_close(
            fn(student, teacher, torch.tensor([0, 0])),
            _rows({"student_logits": student, "teacher_logits": teacher, "temperature": 1.0})[1],
            "on row 0 both pay the same for the label, though they differ: it doesn't count, neither in the sum nor in the number",
            "第0行上两者为标签付出的相同，尽管分布不同：不计入，既不进总和，也不进行数",
        )

    @check(en="The gradient into the rows that count", zh="流向计入行的梯度")
    def has_the_gradient_of_the_rows_that_count(self, fn):
        given = self.example()
        q, p = ((given[name] / 2).softmax(-1) for name in ("student_logits", "teacher_logits"))
        expect_close(
            gradient(lambda leaf: fn(**given | {"student_logits": leaf}), given["student_logits"]),
            2 * (q - p) * torch.tensor([[1.0], [0.0], [1.0], [0.0]]) / 2,
            "at T = 2 with 2 rows that count the gradient should be T (q − p) / 2 in these and 0 in the others",
            "T = 2、计入2行时，梯度在这两行应为T (q − p) / 2，在其余行为0",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    def probes(self):
        example = self.example()
        wider = {
            "student_logits": normal(8, 4, seed=1),
            "teacher_logits": normal(8, 4, seed=2),
            "targets": torch.tensor([0, 1, 2, 3, 0, 1, 2, 3]),
            "temperature": 4.0,
        }
        return {
            "T = 2": example,
            "default": without(example, "temperature"),
            "T = 4": wider,
            "T = 5": _turned_round() | {"temperature": 5.0},
            "T = 8": wider | {"temperature": 8.0, "targets": wider["targets"].flip(0)},
        }

    def edges(self):
        even = torch.tensor([[0.0, 5, -200], [0, 0, 0]]), torch.tensor([[0.0, -200, 5], [2, 0, 0]])
        label = {"targets": torch.tensor([0, 0]), "temperature": 1.0}
        return super().edges() | {"equal": {"student_logits": even[0], "teacher_logits": even[1]} | label}

    def nothing(self):
        example = self.example()
        return {
            "better everywhere": example | {"student_logits": 20.0 * F.one_hot(example["targets"], 3)},
            "equal to its teacher": example | {"student_logits": example["teacher_logits"]},
        }


def _rows(given: dict) -> torch.Tensor:
    """What each row costs, T² included."""
    temperature = given["temperature"]
    return temperature**2 * kl_of_tokens(given["student_logits"], given["teacher_logits"], temperature)


def _mean(rows):
    return rows.sum() / max(len(rows), 1)


def _costs(student_logits, teacher_logits, targets):
    """What student and teacher pay for the labels."""
    return tuple(
        F.cross_entropy(logits.detach(), targets, reduction="none")
        for logits in (student_logits, teacher_logits)
    )


def _turned_round():
    """Arguments whose first row looks better for the teacher where both are softened, and is worse at T = 1."""
    return {
        "student_logits": torch.tensor([[0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]),
        "teacher_logits": torch.tensor([[0.0, 2.2, -9.0, -9.0], [1.0, 0.0, 0.0, 0.0]]),
        "targets": torch.tensor([0, 0]),
    }


def _selected(student, teacher, temperature, rows):
    return temperature**2 * _mean(kl_of_tokens(student[rows], teacher[rows], temperature))


@SelectiveKD.wrong(
    en="No row is left out: this is `distillation_kl`, and the student goes on copying teachers that it has overtaken.",
    zh="一行也没有排除：这就是`distillation_kl`，学生还在照抄已被自己超过的教师。",
)
def selects_nothing(student_logits, teacher_logits, targets, temperature=1.0):
    return _selected(student_logits, teacher_logits, temperature, slice(None))


@SelectiveKD.wrong(
    en="The comparison is turned round: the student learns where it already is the better one.",
    zh="比较反了：学生在自己已经更好的地方向教师学习。",
)
def learns_where_the_student_is_better(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    return _selected(student_logits, teacher_logits, temperature, student < teacher)


@SelectiveKD.wrong(
    en="The sum over the rows that count is divided by all N: the loss fades as the student catches up. The contract is the mean over "
    "the rows that count.",
    zh="计入行之和除以了全部的N：学生越接近，损失越淡。这里约定对计入的行取平均。",
)
def divides_by_all_rows(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    rows = kl_of_tokens(student_logits, teacher_logits, temperature)
    return temperature**2 * (rows * (teacher < student)).mean()


@SelectiveKD.wrong(
    en="Both are compared at T: softened numbers can turn the order round. The student is used at T = 1, so compare there.",
    zh="两者是在T下比较的：软化后的大小关系可能颠倒。学生在T = 1下使用，就应在T = 1下比较。",
)
def compares_at_the_temperature(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits / temperature, teacher_logits / temperature, targets)
    return _selected(student_logits, teacher_logits, temperature, teacher < student)


@SelectiveKD.wrong(
    en="The rows where the teacher is *right* count, whether or not the student is better still.",
    zh="计入的是教师*答对*的行，而不管学生是不是更好。",
)
def selects_where_the_teacher_is_right(student_logits, teacher_logits, targets, temperature=1.0):
    return _selected(student_logits, teacher_logits, temperature, teacher_logits.argmax(-1) == targets)


@SelectiveKD.wrong(
    en="The more confident one is taken for the better one: a teacher that is sure of a wrong class teaches it.",
    zh="把更有把握的当成了更好的：对错误类别很确信的教师会把错误教给学生。",
)
def compares_confidence(student_logits, teacher_logits, targets, temperature=1.0):
    surer = teacher_logits.softmax(-1).amax(-1) > student_logits.softmax(-1).amax(-1)
    return _selected(student_logits, teacher_logits, temperature, surer)


@SelectiveKD.wrong(
    en="The logits of the label are compared. Logits have no common scale: only after the softmax do they say who is better.",
    zh="比较的是标签那一类的logit。logits没有共同的尺度：做完softmax才看得出谁更好。",
)
def compares_logits_of_the_label(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = (x.gather(1, targets[:, None])[:, 0] for x in (student_logits, teacher_logits))
    return _selected(student_logits, teacher_logits, temperature, teacher > student)


@SelectiveKD.wrong(
    en="The decision is made once for the whole batch, by the mean cross-entropy. The contract decides row by row.",
    zh="用平均交叉熵对整批只判断一次。这里约定逐行判断。",
    reference="Tan et al. 2019 (which decides by language)",
)
def decides_for_the_whole_batch(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    rows = (teacher.mean() < student.mean()).expand(len(targets))
    return _selected(student_logits, teacher_logits, temperature, rows)


@SelectiveKD.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    return _selected(student_logits, teacher_logits, temperature, teacher < student) / temperature**2


@SelectiveKD.wrong(
    en="KL(student ‖ teacher), the reverse direction: the student may ignore what the teacher spreads over the other classes.",
    zh="用了KL(学生 ‖ 教师)，方向反了：教师分给其他类别的概率，学生可以视而不见。",
)
def swaps_the_direction(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    rows = teacher < student
    log_p = F.log_softmax(teacher_logits.detach()[rows] / temperature, -1)
    log_q = F.log_softmax(student_logits[rows] / temperature, -1)
    return temperature**2 * _mean((log_q.exp() * (log_q - log_p)).sum(-1))


@SelectiveKD.wrong(
    en="Rows that aren't distilled get the label's cross-entropy instead. A sensible recipe, but another loss: here they don't count.",
    zh="不蒸馏的行改用了硬标签的交叉熵。这个做法有道理，但是另一个损失：这里它们不计入。",
)
def teaches_labels_elsewhere(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    soft = temperature**2 * kl_of_tokens(student_logits, teacher_logits, temperature)
    hard = F.cross_entropy(student_logits, targets, reduction="none")
    return torch.where(teacher < student, soft, hard).mean()


@SelectiveKD.wrong(
    en="≤ lets rows in on which both are equally good: nothing is to be gained there. The contract says strictly lower.",
    zh="用≤会把两者一样好的行也算进来：那里没有什么可学。约定是严格小于。",
)
def lets_equal_rows_in(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    return _selected(student_logits, teacher_logits, temperature, teacher <= student)


@SelectiveKD.wrong(
    en="The mean of no rows is NaN: the day the student has overtaken its teacher on a whole batch, training is lost.",
    zh="零行的平均是NaN：学生在某一批上全面超过教师的那一刻，训练就毁了。",
)
def averages_over_nothing(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    rows = teacher < student
    return temperature**2 * kl_of_tokens(student_logits[rows], teacher_logits[rows], temperature).mean()


@SelectiveKD.wrong(
    en="If no row is left a new 0 comes back, without a graph: backward fails on that batch.",
    zh="一行不剩时返回了一个新建的、没有计算图的0：这一批的backward会报错。",
)
def returns_a_bare_zero(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    rows = teacher < student
    if not rows.any():
        return student_logits.new_zeros(())
    return _selected(student_logits, teacher_logits, temperature, rows)


@SelectiveKD.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, targets, temperature=1.0):
    student, teacher = _costs(student_logits, teacher_logits, targets)
    log_p, log_q = (
        F.log_softmax(x[teacher < student] / temperature, -1) for x in (teacher_logits, student_logits)
    )
    return temperature**2 * _mean((log_p.exp() * (log_p - log_q)).sum(-1))


EXERCISE = SelectiveKD()
