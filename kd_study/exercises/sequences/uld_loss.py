import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text, check, expect, expect_close, gradient, normal, outcome, shown
from kd_study.exercises.loss import LossExercise


def whiteboard(student_logits, teacher_logits):
    q = F.softmax(student_logits, dim=-1).sort(dim=-1, descending=True).values
    p = F.softmax(teacher_logits.detach(), dim=-1).sort(dim=-1, descending=True).values
    width = max(q.shape[-1], p.shape[-1])
    q, p = (F.pad(x, (0, width - x.shape[-1])) for x in (q, p))
    return (q - p).abs().sum(-1).mean()


class ULDLoss(LossExercise):
    against_overflow = Text(
        "use softmax, which subtracts the largest logit first", "请用softmax，它会先减去最大的logit"
    )

    def example(self):
        return {"student_logits": normal(2, 3, 4, seed=1), "teacher_logits": normal(2, 3, 6, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        small, large = torch.tensor([[0.7, 0.3]]).log(), torch.tensor([[0.2, 0.5, 0.3]]).log()
        for student, teacher, larger in ((small, large, "teacher"), (large, small, "student")):
            expect_close(
                fn(student, teacher),
                0.4,
                f"with the {larger} having the larger vocabulary, (0.7, 0.3) and (0.2, 0.5, 0.3) should cost |0.7 − 0.5| + |0.3 − 0.3| + |0 − 0.2| = 0.4",
                f"{'教师' if larger == 'teacher' else '学生'}的词表较大时，(0.7, 0.3)与(0.2, 0.5, 0.3)的损失应为|0.7 − 0.5| + |0.3 − 0.3| + |0 − 0.2| = 0.4",
                tolerance=1e-3,
            )

    @check(en="The numbering of the vocabulary doesn't matter", zh="词表的编号无关紧要")
    def ignores_the_numbering(self, fn):
        example = self.example()
        student, teacher = example.values()
        for name, renumbered in (
            ("student", (student[..., [2, 0, 3, 1]], teacher)),
            ("teacher", (student, teacher[..., [5, 3, 1, 0, 2, 4]])),
        ):
            expect_close(
                fn(*renumbered),
                fn(student, teacher),
                f"renumbering the {name}'s vocabulary should change nothing: sort each position's probabilities",
                f"给{'学生' if name == 'student' else '教师'}的词表重新编号，结果不应变化：请对每个位置的概率排序",
            )
        expect_close(
            fn(student[..., [3, 1, 0, 2]], student),
            0.0,
            "a student that has its teacher's probabilities in another order should cost 0",
            "学生的概率与教师相同、只是次序不同时，损失应为0",
        )

    @check(en="Missing classes have probability 0", zh="缺少的类别概率为0")
    def pads_with_probabilities_of_zero(self, fn):
        student, teacher = normal(2, 3, 4, seed=3), normal(2, 3, 4, seed=4)
        for wide, name in (
            ((F.pad(student, (0, 3), value=-60.0), teacher), "student"),
            ((student, F.pad(teacher, (0, 3), value=-60.0)), "teacher"),
        ):
            expect_close(
                fn(*wide),
                fn(student, teacher),
                f"three more classes without any probability for the {name} should change nothing: pad the sorted probabilities at their end, not the logits",
                f"{'学生' if name == 'student' else '教师'}多出三个概率为零的类别，结果不应变化：请在排好序的概率末尾补零，而不是补logits",
            )
        surplus = torch.tensor([[0.4, 0.3, 0.2, 0.1]]).log()
        expect_close(
            fn(torch.tensor([[0.6, 0.4]]).log(), surplus),
            0.6,
            "what the larger vocabulary has beyond the smaller counts too: 0.2 + 0.1 + 0.2 + 0.1 = 0.6",
            "较大词表多出来的部分也要计入：0.2 + 0.1 + 0.2 + 0.1 = 0.6",
            tolerance=1e-3,
        )

    @check(en="From 0 to 2: a sum over the vocabulary", zh="取值0到2：对词表求和")
    def is_a_sum_over_the_vocabulary(self, fn):
        sure = torch.tensor([[60.0] + [0.0] * 7])
        expect_close(
            fn(sure, torch.zeros(1, 8)),
            1.75,
            "a sure student and a teacher even over 8 classes differ by 7/8 at the largest and 1/8 at each of the 7 others: 1.75, not an eighth of it, nor half",
            "学生笃定、教师在8个类别上均匀：最大处相差7/8，其余7处各差1/8，合计1.75，而不是它的八分之一或一半",
        )
        expect_close(
            fn(F.pad(sure, (0, 8)), torch.zeros(1, 16)),
            1.875,
            "with 16 classes it should be 1.875; the loss doesn't shrink with the vocabulary",
            "16个类别时应为1.875；损失不随词表变大而缩小",
        )

    @check(en="Surely wrong and surely right look the same", zh="笃定地错与笃定地对，看上去一样")
    def does_not_know_which_token_is_meant(self, fn):
        expect_close(
            fn(torch.tensor([[0.0, 9.0, 0.0]]), torch.tensor([[9.0, 0.0, 0.0]])),
            0.0,
            "sorted probabilities of the two are equal, so the loss should be 0: it compares how sure they are, not of what",
            "两者排序后的概率相同，损失应为0：它比较的是有多确定，而不是确定的是什么",
        )

    @check(en="A mean over all positions", zh="对所有位置取平均")
    def is_a_mean_over_positions(self, fn):
        student, teacher = self.example().values()
        costs = [fn(student[n, place][None], teacher[n, place][None]) for n in range(2) for place in range(3)]
        expect_close(
            fn(student, teacher),
            torch.stack(costs).mean(),
            "for (2, 3, C) the loss should be the mean of the six positions, each sorted by itself",
            "形状为(2, 3, C)时，损失应是六个位置各自排序后的损失的平均",
        )
        came = outcome(lambda: fn(student.flatten(0, 1), teacher.flatten(0, 1)))
        expect(
            isinstance(came, torch.Tensor),
            f"the same positions as (6, C) should work too, but gave {shown(came)}",
            f"把同样的位置写成(6, C)也应能用，实际得到{shown(came)}",
        )
        expect_close(
            came,
            fn(student, teacher),
            "the same positions as (6, C) should give the same loss",
            "把同样的位置写成(6, C)，损失应不变",
        )

    @check(en="The gradient goes back through the sorting", zh="梯度穿过排序传回")
    def has_the_gradient_of_the_ranks(self, fn):
        example = self.example()
        for teacher in (example["teacher_logits"], normal(2, 3, 3, seed=5)):
            q, order = example["student_logits"].softmax(-1).sort(-1, descending=True)
            p = F.pad(teacher.softmax(-1).sort(-1, descending=True).values, (0, 4))[..., :4]
            sign = torch.zeros_like(q).scatter(-1, order, (q - p).sign())
            q = example["student_logits"].softmax(-1)
            expect_close(
                gradient(lambda leaf, given=teacher: fn(leaf, given), example["student_logits"]),
                q * (sign - (sign * q).sum(-1, keepdim=True)) / 6,
                "each student's probability should be pulled towards the teacher's of the same rank: q (s − Σ s q) / positions, with s the sign of their difference",
                "学生的每个概率应被拉向教师同一名次的概率：q (s − Σ s q) / 位置数，s是两者之差的符号",
            )

    def probes(self):
        example = self.example()
        return {
            "teacher's larger": example,
            "student's larger": example | {"teacher_logits": normal(2, 3, 3, seed=5)},
            "equal": example | {"teacher_logits": normal(2, 3, 4, seed=6)},
        }


def _sorted(logits):
    return logits.softmax(-1).sort(-1, descending=True).values


def _padded(student, teacher):
    """Both with zeros behind, up to the larger one's width."""
    size = max(student.shape[-1], teacher.shape[-1])
    return (F.pad(x, (0, size - x.shape[-1])) for x in (student, teacher))


def _cut(student, teacher):
    """Both cut to the smaller one's width."""
    size = min(student.shape[-1], teacher.shape[-1])
    return student[..., :size], teacher[..., :size]


@ULDLoss.wrong(
    en="The probabilities aren't sorted: class 7 of one vocabulary is compared with class 7 of the other, which is another word.",
    zh="概率没有排序：拿一个词表的类别7去和另一个词表的类别7比较，而那是另一个词。",
    reference="huggingface/trl#2215",
)
def compares_class_by_class(student_logits, teacher_logits):
    q, p = _padded(student_logits.softmax(-1), teacher_logits.detach().softmax(-1))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The larger vocabulary is cut to the smaller after sorting: what is beyond counts for nothing. Pad the smaller with zeros.",
    zh="排序后把较大的词表截到较小的长度：多出来的部分就不算了。应当给较小的一方补零。",
)
def cuts_the_sorted_probabilities(student_logits, teacher_logits):
    q, p = _cut(_sorted(student_logits), _sorted(teacher_logits.detach()))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The logits are cut to the smaller vocabulary before the softmax: classes are thrown away by number, and the rest sums to 1 again.",
    zh="softmax之前就把logits截到了较小的词表：按编号丢掉了一些类别，剩下的又重新归一化了。",
    reference="huggingface/trl PR#6252",
)
def cuts_the_logits(student_logits, teacher_logits):
    student, teacher = _cut(student_logits, teacher_logits.detach())
    return (_sorted(student) - _sorted(teacher)).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The logits are padded with zeros, not the probabilities: a logit of 0 is a class with probability.",
    zh="补零补在了logits上，而不是概率上：值为0的logit是一个有概率的类别。",
)
def pads_the_logits(student_logits, teacher_logits):
    student, teacher = _padded(student_logits, teacher_logits.detach())
    return (_sorted(student) - _sorted(teacher)).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The logits themselves are sorted and compared: they are known up to a shift only. Compare probabilities.",
    zh="直接对logits排序并比较：logits只确定到相差一个常数。应当比较概率。",
)
def sorts_the_logits(student_logits, teacher_logits):
    q, p = _padded(
        student_logits.sort(-1, descending=True).values,
        teacher_logits.detach().sort(-1, descending=True).values,
    )
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The zeros are paired with the largest probabilities: the order is ascending and they are added behind, or descending and they are added in front. They belong to the smallest.",
    zh="补的零与最大的概率配对了：升序排却补在末尾，或降序排却补在前面。零应与最小的概率配对。",
)
def sorts_in_ascending_order(student_logits, teacher_logits):
    q, p = _padded(
        student_logits.softmax(-1).sort(-1).values, teacher_logits.detach().softmax(-1).sort(-1).values
    )
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The mean is taken over the vocabulary as well, as F.l1_loss does: the loss is C times too small, and at C = 150,000 it is nothing.",
    zh="连词表也平均了，F.l1_loss就是这样：损失小了C倍，C = 150,000时几乎为零。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_the_vocabulary(student_logits, teacher_logits):
    return F.l1_loss(*_padded(_sorted(student_logits), _sorted(teacher_logits.detach())))


@ULDLoss.wrong(
    en="The sum over all positions is divided by the first dimension only: the loss grows with the length of the sequence.",
    zh="对所有位置的总和只除以了第一维的大小：损失会随序列长度增长。",
    reference="neuralmagic/sparseml PR#592",
)
def divides_by_the_batch_only(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits), _sorted(teacher_logits.detach()))
    return (q - p).abs().sum() / len(student_logits)


@ULDLoss.wrong(
    en="The differences are squared: small ones all but vanish. The transport cost is the absolute difference.",
    zh="对差值取了平方：小的差异几乎消失。传输代价是差的绝对值。",
)
def squares_the_differences(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits), _sorted(teacher_logits.detach()))
    return (q - p).square().sum(-1).mean()


@ULDLoss.wrong(
    en="This is half the L1 distance, the total variation; the loss is the whole, from 0 to 2.",
    zh="这是L1距离的一半，即全变差；要的是整个L1距离，取值0到2。",
)
def takes_the_total_variation(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits), _sorted(teacher_logits.detach()))
    return (q - p).abs().sum(-1).mean() / 2


@ULDLoss.wrong(
    en="Cumulative sums are compared: that is the Wasserstein distance when ranks are places on a line. In ULD moving costs the same whatever the distance.",
    zh="比较的是累积和：那是把名次当成直线上的位置时的Wasserstein距离。而在ULD里，搬运的代价与距离无关。",
)
def compares_cumulative_sums(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits), _sorted(teacher_logits.detach()))
    return (q.cumsum(-1) - p.cumsum(-1)).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="All positions are sorted together, instead of each by itself: one position's sureness is held against another's.",
    zh="把所有位置的概率放在一起排序，而不是逐个位置排序：一个位置的确定程度被拿去和另一个位置比。",
)
def sorts_all_positions_together(student_logits, teacher_logits):
    q, p = _padded(student_logits.softmax(-1), teacher_logits.detach().softmax(-1))
    q, p = (x.flatten().sort(descending=True).values for x in (q, p))
    return (q - p).abs().sum() / student_logits[..., 0].numel()


@ULDLoss.wrong(
    en="Only the teacher is sorted: its largest probability is handed to the student's class 0, whatever that is.",
    zh="只排了教师：它最大的概率被派给了学生的类别0，而不管那是什么。",
)
def sorts_the_teacher_only(student_logits, teacher_logits):
    q, p = _padded(student_logits.softmax(-1), _sorted(teacher_logits.detach()))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="exp of a large logit overflows: ∞ / ∞ is NaN. Use softmax, which subtracts the largest logit first.",
    zh="对很大的logit取exp会溢出：∞ / ∞是NaN。请用softmax，它会先减去最大的logit。",
)
def exponentiates_bare_logits(student_logits, teacher_logits):
    q, p = (
        logits.exp() / logits.exp().sum(-1, keepdim=True)
        for logits in (student_logits, teacher_logits.detach())
    )
    q, p = _padded(*(x.sort(-1, descending=True).values for x in (q, p)))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The teacher is not detached: a gradient flows into its logits.",
    zh="教师没有detach：梯度会流入它的logits。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits), _sorted(teacher_logits))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The student is detached: the number is right, but no gradient reaches the student.",
    zh="被detach的是学生：数值没错，但梯度到不了学生。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def detaches_the_student(student_logits, teacher_logits):
    q, p = _padded(_sorted(student_logits.detach()), _sorted(teacher_logits.detach()))
    return (q - p).abs().sum(-1).mean()


@ULDLoss.wrong(
    en="The loss comes out in float32 whatever goes in: .float() widens, and nobody narrows again.",
    zh="无论输入是什么dtype，损失都是float32：.float()转宽了，却没有转回去。",
)
def returns_float32(student_logits, teacher_logits):
    student, teacher = _padded(_sorted(student_logits.float()), _sorted(teacher_logits.detach().float()))
    return (student - teacher).abs().sum(-1).mean()


EXERCISE = ULDLoss()
