"""What the losses between two softened distributions have in common, with T² in front or without."""

import torch

from kd_study.exercises.base import check, check_default, expect_close, normal, without
from kd_study.exercises.loss import LossExercise


class SoftLossExercise(LossExercise):
    """A loss of (student_logits, teacher_logits, temperature=1.0), a mean over rows."""

    def example(self):
        return {
            "student_logits": normal(3, 4, seed=1),
            "teacher_logits": normal(3, 4, seed=2),
            "temperature": 3.0,
        }

    @check(en="A mean over rows, not over classes", zh="对行取平均，而不是对类别")
    def is_a_mean_over_rows_only(self, fn):
        student, teacher = normal(3, 4, seed=5), normal(3, 4, seed=6)
        one = fn(student, teacher)
        expect_close(
            fn(student.repeat(2, 1), teacher.repeat(2, 1)),
            one,
            "the same batch twice over should cost the same",
            "同一批样本重复两遍，损失应当不变",
        )
        expect_close(
            torch.stack([fn(s[None], t[None]) for s, t in zip(student, teacher, strict=True)]).mean(),
            one,
            "the loss of a batch should be the mean of its rows' losses",
            "一批样本的损失应为各行损失的平均",
        )
        empty_class = torch.full((3, 4), -60.0)
        expect_close(
            fn(torch.cat([student, empty_class], 1), torch.cat([teacher, empty_class], 1)),
            one,
            "four more classes without any probability should change nothing; is something divided by the number of classes?",
            "增加四个概率为零的类别不应改变损失；是不是多除了类别数？",
        )

    @check(en="Sure and wrong costs in proportion", zh="又确定又错误，代价按比例增长")
    def charges_a_sure_mistake_in_full(self, fn):
        for size in (1e2, 1e4):
            sure = torch.tensor([[size, -size]])
            expect_close(
                fn(sure, -sure),
                2 * size,
                "a student sure of the class that its teacher is sure to be wrong pays the gap of its logits; a small "
                "number added inside the logarithm, or a clamp, hides it",
                "学生确信的类别恰是教师确信为错的类别时，损失应等于学生logits之差；在对数里加小常数或做截断会把它掩盖掉",
            )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    def probes(self):
        example = self.example()
        return {
            "T = 3": example,
            "T = 1": example | {"temperature": 1.0},
            "default": without(example, "temperature"),
        }

    def edges(self):
        return {
            "one row": {name: value[:1] for name, value in without(self.example(), "temperature").items()}
        }
