import torch
import torch.nn.functional as F
from torch import Tensor

from kd_study.exercises.base import Text, check, expect, expect_close, gradient, normal
from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loss import NothingCounts
from kd_study.exercises.sequences._shared import kl_of_tokens


def kl_of_labels(
    student_logits: Tensor, teacher_logits: Tensor, labels: Tensor, ignore_index: int = -100
) -> Tensor:
    """KL(teacher ‖ student) at the positions that predict a label that counts, mean over these labels.

    The logits at position i predict the label at i + 1; the first label has no prediction, the last logits no label.

    Args: two (N, L, C); labels (N, L), the tokens themselves, or ignore_index where none counts. Returns: a scalar, 0
    with a graph where none counts. Source: DeepOpt-com/WrinkleFree-Monorepo #13.
    """
    kept = labels[:, 1:] != ignore_index
    log_q = F.log_softmax(student_logits[:, :-1][kept], dim=-1)
    log_p = F.log_softmax(teacher_logits[:, :-1][kept].detach(), dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return total / kept.sum().clamp(min=1)


class DebugShiftedLogits(DebugExercise, NothingCounts):
    nothing_counts = Text("a batch in which no predicted token counts", "没有任何被预测的token计入的一批")

    @property
    def reference(self):
        return kl_of_labels

    def example(self):
        return {
            "student_logits": normal(2, 5, 4, seed=1),
            "teacher_logits": normal(2, 5, 4, seed=2),
            "labels": torch.tensor([[-100, -100, 3, 1, -100], [2, -100, 0, -100, 3]]),
        }

    @check(en="The logits before a token predict it", zh="预测某个token的是它前一个位置的logits")
    def compares_the_position_before_the_label(self, fn):
        for place in (1, 2, 3, 4):
            labels = torch.full((1, 5), -100)
            labels[0, place] = 3
            found = gradient(
                lambda leaf, labels=labels: fn(leaf, normal(1, 5, 4, seed=2), labels), normal(1, 5, 4, seed=1)
            )
            positions = found[0].abs().sum(-1).nonzero().flatten().tolist()
            expect(
                positions == [place - 1],
                f"where only token {place} counts, the logits at position {place - 1} should get a gradient, not those at {positions}",
                f"只有第{place}个token计入时，应是位置{place - 1}的logits得到梯度，而不是{positions}",
            )
            each = kl_of_tokens(normal(1, 5, 4, seed=1), normal(1, 5, 4, seed=2))
            expect_close(
                fn(normal(1, 5, 4, seed=1), normal(1, 5, 4, seed=2), labels),
                each[0, place - 1],
                f"where only token {place} counts, the loss should be the cost of position {place - 1}",
                f"只有第{place}个token计入时，损失应是位置{place - 1}的损失",
            )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, teacher = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
        teacher[0, 0, 0], teacher[0, 2, 0] = 2.0, 4.0  # cost 0.3278 and 0.6031
        expect_close(
            fn(student, teacher, torch.tensor([[0, 1, -100, 1]])),
            (0.32778 + 0.60307) / 2,
            "tokens 1 and 3 count; positions 0 and 2 cost 0.328 and 0.603, whose mean is 0.465",
            "计入的是第1、3个token；位置0和2的损失是0.328和0.603，平均0.465",
            tolerance=1e-3,
        )

    @check(en="The first token is predicted by nobody", zh="第一个token没有位置预测它")
    def leaves_the_first_label_out(self, fn):
        example = self.example()
        labels = example["labels"].clone()
        labels[:, 0] = 1
        expect_close(
            fn(**example | {"labels": labels}),
            fn(**example),
            "whether the first token counts should change nothing: no position predicts it, and the last one doesn't either",
            "第一个token计入与否不应改变结果：没有位置预测它，最后一个位置也不行",
        )

    @check(en="One mean over the labels that count", zh="对计入的token一次性取平均")
    def is_one_mean_over_the_batch(self, fn):
        example = self.example()
        kept = example["labels"][:, 1:] != -100
        each = kl_of_tokens(example["student_logits"], example["teacher_logits"])[:, :-1]
        expect_close(
            fn(**example),
            each[kept].sum() / 4,
            "four tokens count and are predicted, two in each row here; the sum of their costs should be divided by 4",
            "共有四个token计入且有位置预测；它们的损失之和应除以4",
        )
        uneven = example | {"labels": torch.tensor([[0, 1, 3, 1, -100], [2, -100, 0, -100, -100]])}
        kept = uneven["labels"][:, 1:] != -100
        expect_close(
            fn(**uneven),
            each[kept].sum() / 4,
            "three tokens of one row and one of the other should weigh the same each: not a mean of the rows' means",
            "一行三个token、另一行一个，每个的权重应相同：不是逐行平均再平均",
        )

    @check(en="Another ignore_index, −100 by default", zh="其他的ignore_index，默认−100")
    def takes_another_ignore_index(self, fn):
        example = self.example()
        for other in (-1, 4):  # 4, a token that pads, as many tokenizers have it
            labels = example["labels"].masked_fill(example["labels"] == -100, other)
            expect_close(
                fn(**example | {"labels": labels}, ignore_index=other),
                fn(**example),
                f"the same labels with {other} for −100 and ignore_index={other} should cost the same",
                f"把−100换成{other}，并令ignore_index={other}，损失应当不变",
            )

    @check(en="Other positions never matter", zh="其余位置从不影响结果")
    def ignores_the_other_positions(self, fn):
        example = self.example()
        clean = gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"])
        for value in (float("nan"), -float("inf")):
            dirty = _elsewhere(example, value)
            expect_close(
                fn(**dirty),
                fn(**example),
                f"{value} at a position that predicts nothing that counts reaches the loss",
                f"不预测任何计入token的位置上的{value}进入了损失",
            )
            expect_close(
                gradient(
                    lambda leaf, dirty=dirty: fn(**dirty | {"student_logits": leaf}), dirty["student_logits"]
                ),
                clean,
                f"{value} at a position that predicts nothing that counts reaches the gradient",
                f"不预测任何计入token的位置上的{value}进入了梯度",
            )

    def edges(self):
        example = self.example()
        return super().edges() | {
            "-1": example
            | {"labels": example["labels"].masked_fill(example["labels"] == -100, -1), "ignore_index": -1},
            "NaN": _elsewhere(example, float("nan")),
            "first": example | {"labels": torch.tensor([[1, -100, 3, 1, -100], [-100, -100, 0, -100, -100]])},
        }

    def nothing(self):
        example = self.example()
        first = torch.tensor([[1, -100, -100, -100, -100]] * 2)
        return {
            "nothing": example | {"labels": torch.full((2, 5), -100)},
            "nothing but the first": example | {"labels": first},
        }


def _elsewhere(example: dict, value: float) -> dict:
    """The example with this value at every position that predicts nothing that counts."""
    kept = F.pad(example["labels"][:, 1:] != -100, (0, 1))
    names = ("student_logits", "teacher_logits")
    return example | {name: example[name].masked_fill(~kept[..., None], value) for name in names}


def _mean(student, teacher, kept):
    """The mean KL at the kept positions."""
    return kl_of_tokens(student[kept], teacher[kept]).sum() / kept.sum().clamp(min=1)


@DebugShiftedLogits.wrong(
    en="The logits at the position of a token predict the next one: each comparison is one place too late. The start of the answer is never learned, what follows its end is.",
    zh="某个token所在位置的logits，预测的是下一个token：每次比较都晚了一位。回答的开头学不到，结尾之后的反而学了。",
    reference="DeepOpt-com/WrinkleFree-Monorepo#13",
)
def does_not_shift(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits, teacher_logits, labels != ignore_index)


@DebugShiftedLogits.wrong(
    en="Shifted the wrong way: the logits after a token are taken for its prediction, two places too late.",
    zh="错位的方向反了：把token之后那个位置的logits当成了对它的预测，晚了两位。",
)
def shifts_the_wrong_way(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits[:, 1:], teacher_logits[:, 1:], labels[:, :-1] != ignore_index)


@DebugShiftedLogits.wrong(
    en="Only the student's logits are shifted: it learns at each position what the teacher says one later. The loss is huge and never falls.",
    zh="只有学生的logits错了位：它在每个位置学的，是教师晚一位说的话。损失很大，而且不下降。",
    reference="DeepOpt-com/WrinkleFree-Monorepo#13",
)
def shifts_the_student_only(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits[:, :-1], teacher_logits[:, 1:], labels[:, 1:] != ignore_index)


@DebugShiftedLogits.wrong(
    en="The last position is dropped from the logits and from the labels: both have become shorter, and nothing is shifted.",
    zh="logits和labels都去掉了最后一位：两者都变短了，却没有错位。",
)
def shortens_without_shifting(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits[:, :-1], teacher_logits[:, :-1], labels[:, :-1] != ignore_index)


@DebugShiftedLogits.wrong(
    en="roll() goes round: the last position is taken for the prediction of the first token.",
    zh="roll()会绕回来：最后一个位置被当成了对第一个token的预测。",
)
def rolls_round(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits, teacher_logits, labels.roll(-1, 1) != ignore_index)


@DebugShiftedLogits.wrong(
    en="The shift is right, and ignore_index is forgotten: prompt and padding count as well.",
    zh="错位对了，却忘了ignore_index：提示词与填充也计入了。",
    reference="linkedin/Liger-Kernel PR#974",
)
def forgets_the_ignored(student_logits, teacher_logits, labels, ignore_index=-100):
    return kl_of_tokens(student_logits[:, :-1], teacher_logits[:, :-1]).mean()


@DebugShiftedLogits.wrong(
    en="−100 is written into the function: another ignore_index has no effect.",
    zh="函数里写死了−100：换一个ignore_index不起作用。",
    reference="linkedin/Liger-Kernel PR#974",
)
def writes_the_default_in(student_logits, teacher_logits, labels, ignore_index=-100):
    return _mean(student_logits[:, :-1], teacher_logits[:, :-1], labels[:, 1:] != -100)


@DebugShiftedLogits.wrong(
    en="A mean of the rows' means: a token in a short answer weighs more than one in a long answer.",
    zh="先逐行平均再取平均：短回答里的token比长回答里的更重。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, labels, ignore_index=-100):
    rows = zip(student_logits[:, :-1], teacher_logits[:, :-1], labels[:, 1:] != ignore_index, strict=True)
    return torch.stack([_mean(*row) for row in rows]).mean()


@DebugShiftedLogits.wrong(
    en="With nothing that counts the mean is 0 / 0, and the student becomes NaN.",
    zh="没有token计入时取平均是0 / 0，学生会变成NaN。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, labels, ignore_index=-100):
    kept = labels[:, 1:] != ignore_index
    return kl_of_tokens(student_logits[:, :-1][kept], teacher_logits[:, :-1][kept]).mean()


@DebugShiftedLogits.wrong(
    en="The divisor counts the labels before the shift: a first token that counts makes the loss smaller, though nobody predicts it.",
    zh="除数数的是错位之前的标签：第一个token若计入，损失就变小，尽管没有位置预测它。",
)
def counts_before_the_shift(student_logits, teacher_logits, labels, ignore_index=-100):
    kept = labels[:, 1:] != ignore_index
    total = kl_of_tokens(student_logits[:, :-1][kept], teacher_logits[:, :-1][kept]).sum()
    return total / (labels != ignore_index).sum().clamp(min=1)


EXERCISE = DebugShiftedLogits()
