"""What the losses on relations between the points of a batch have in common (Park et al. 2019)."""

import torch

from kd_study.exercises.base import Text, check, check_blind_to_scale, expect_close, normal
from kd_study.exercises.loss import LossExercise


class RelationExercise(LossExercise):
    """A loss of (student, teacher), two sets of N points whose widths may differ."""

    student_arguments = ("student",)
    teacher_arguments = ("teacher",)
    hint_of_invariance = Text("", "")  # ends the sentence on what rotating, shifting and scaling should do

    @check(en="Blind to rotation, shift and scale of either side", zh="与任一边的旋转、平移、尺度无关")
    def is_blind_to_where_the_picture_lies(self, fn):
        student, teacher = normal(5, 3, seed=3), normal(5, 3, seed=4)
        turn = torch.linalg.qr(normal(3, 3, seed=5)).Q
        expected = fn(student, teacher)
        for name, zh, move in (
            ("turning", "旋转", lambda x: x @ turn),
            ("shifting", "平移", lambda x: x + torch.tensor([3.0, -2.0, 1.0])),
            ("scaling", "缩放", lambda x: 20.0 * x),
            ("shrinking", "缩小", lambda x: 0.05 * x),
        ):
            for arguments in ((move(student), teacher), (student, move(teacher))):
                expect_close(
                    fn(*arguments),
                    expected,
                    f"{name} all of one side's points should change nothing{self.hint_of_invariance.en}",
                    f"把一边的所有点整体{zh}，损失不应改变{self.hint_of_invariance.zh}",
                    tolerance=1e-3,
                )
            expect_close(
                fn(move(teacher), teacher),
                0.0,
                f"a student that is the teacher after {name} should cost 0",
                f"学生等于教师整体{zh}之后的结果时，损失应为0",
                tolerance=1e-2,
            )

    is_blind_to_scale = check_blind_to_scale("student", "teacher")


def line(*places):
    """Points on a line, (N, 1)."""
    return torch.tensor(places, dtype=torch.float32)[:, None]
