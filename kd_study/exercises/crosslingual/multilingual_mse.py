import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text, check, expect_close, gradient, normal
from kd_study.exercises.loss import LossExercise


def whiteboard(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return (F.mse_loss(student_source, goal) + F.mse_loss(student_target, goal)) / 2


class MultilingualMSE(LossExercise):
    student_arguments = ("student_source", "student_target")
    teacher_arguments = ("teacher_source",)
    against_overflow = Text("are there exponentials, or a division?", "是不是用了指数或除法？")

    def example(self):
        return {
            "student_source": normal(4, 3, seed=1),
            "student_target": normal(4, 3, seed=2),
            "teacher_source": normal(4, 3, seed=3),
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 1.0]])),
            0.75,
            "the source is off by 0 and 1, the translation by 1 and 1: (0.5 + 1) / 2 = 0.75",
            "原文的偏差是0和1，译文是1和1：(0.5 + 1) / 2 = 0.75",
        )

    @check(en="Both texts count, with equal weight", zh="原文与译文都计入，权重相同")
    def weighs_both_texts_alike(self, fn):
        teacher = normal(3, 4, seed=4)
        for source, target, en, zh in (
            (2.0, 0.0, "the source", "原文"),
            (0.0, 2.0, "the translation", "译文"),
        ):
            expect_close(
                fn(teacher + source, teacher + target, teacher),
                2.0,
                f"only {en} is off, by 2 in every entry: half of 4 is 2",
                f"只有{zh}有偏差，每个分量差2：4的一半是2",
            )

    @check(en="A mean over rows and dimensions", zh="对行和维度都取平均")
    def is_a_mean_over_rows_and_dimensions(self, fn):
        for shape in ((1, 1), (1, 5), (6, 1), (4, 3)):
            expect_close(
                fn(torch.full(shape, 3.0), torch.full(shape, -3.0), torch.zeros(shape)),
                9.0,
                f"with the shape {shape} every entry is off by 3: the mean of the squares is 9, whatever the shape",
                f"形状为{shape}，每个分量都差3：无论什么形状，平方的平均都是9",
            )

    @check(en="The goal is the teacher's vector for both", zh="两者的目标都是教师的向量")
    def aims_both_at_the_teacher(self, fn):
        teacher = normal(3, 4, seed=5)
        expect_close(
            fn(teacher.clone(), teacher.clone(), teacher),
            0.0,
            "a student that gives both texts the teacher's vector should cost 0",
            "学生给两种文本的向量都等于教师的向量时，损失应为0",
        )
        expect_close(
            fn(teacher + 1.0, teacher + 1.0, teacher),
            1.0,
            "the student's two vectors are equal, but both are off the teacher's by 1; agreeing with oneself isn't enough",
            "学生的两个向量相同，但都与教师差1；与自己一致还不够",
        )
        expect_close(
            fn(teacher + 1.0, teacher - 1.0, teacher),
            1.0,
            "one vector lies 1 above the teacher's, the other 1 below: each costs 1, they don't cancel out",
            "一个向量比教师高1，另一个低1：各自的损失都是1，不会互相抵消",
        )

    @check(en="Lengths count", zh="长度也计入")
    def is_no_cosine(self, fn):
        teacher = normal(3, 4, seed=6, scale=5e3)
        expect_close(
            fn(3 * teacher, 3 * teacher, teacher),
            4 * teacher.square().mean(),
            "a student that points the right way with three times the length should cost the mean of (2 t)²",
            "方向正确但长度是三倍的学生，损失应是(2 t)²的平均",
        )

    @check(en="The gradient into both vectors", zh="流向两个向量的梯度")
    def has_the_gradient_of_both(self, fn):
        given = self.example()
        for name in self.student_arguments:
            expect_close(
                gradient(lambda leaf, name=name: fn(**given | {name: leaf}), given[name]),
                (given[name] - given["teacher_source"]) / 12,
                f"the gradient with respect to {name} should be ({name} − teacher_source) / (N D)",
                f"对{name}的梯度应是({name} − teacher_source) / (N D)",
            )

    def probes(self):
        one = {name: value[:1] for name, value in self.example().items()}
        return {"four rows": self.example(), "one row": one}


@MultilingualMSE.wrong(
    en="Only the translation is pulled to the teacher. In English the student may drift away from the space that the head "
    "was trained in.",
    zh="只把译文拉向教师。学生在英语上可能偏离分类头训练时所在的空间。",
    reference="UKPLab/sentence-transformers PR#2641",
)
def leaves_the_source_out(student_source, student_target, teacher_source):
    return F.mse_loss(student_target, teacher_source.detach())


@MultilingualMSE.wrong(
    en="Only the source text is taught: the student becomes a copy of an English teacher and learns no other language.",
    zh="只教了原文：学生成了英语教师的翻版，没有学到任何其他语言。",
)
def leaves_the_translation_out(student_source, student_target, teacher_source):
    return F.mse_loss(student_source, teacher_source.detach())


@MultilingualMSE.wrong(
    en="The two errors are added, not averaged: the loss is twice what the contract says, and so is its gradient.",
    zh="两项误差相加而没有取平均：损失和梯度都是约定的两倍。",
)
def adds_without_averaging(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return F.mse_loss(student_source, goal) + F.mse_loss(student_target, goal)


@MultilingualMSE.wrong(
    en="The translation is pulled to the student's own vector of the source: its goal moves, and the source is pulled back. "
    "Both have to reach the teacher's vector.",
    zh="译文的目标成了学生自己给原文的向量：目标在动，原文也会被往回拉。两者都应靠近教师的向量。",
)
def pulls_the_translation_to_the_students_source(student_source, student_target, teacher_source):
    return (
        F.mse_loss(student_source, teacher_source.detach()) + F.mse_loss(student_target, student_source)
    ) / 2


@MultilingualMSE.wrong(
    en="Source and translation only have to meet each other. A student that maps everything onto one vector does, and the "
    "teacher isn't heard.",
    zh="只要求原文与译文互相靠拢。把一切都映射到同一个向量的学生也能做到，教师完全没有起作用。",
)
def forgets_the_teacher(student_source, student_target, teacher_source):
    return F.mse_loss(student_target, student_source)


@MultilingualMSE.wrong(
    en="The student's two vectors are averaged before they are compared: errors in opposite directions cancel out.",
    zh="先把学生的两个向量平均再比较：方向相反的误差会互相抵消。",
)
def compares_the_mean_vector(student_source, student_target, teacher_source):
    return F.mse_loss((student_source + student_target) / 2, teacher_source.detach())


@MultilingualMSE.wrong(
    en="This is 1 − cosine: lengths are free. It may serve where the teacher's vectors are normalised; the contract is MSE.",
    zh="这是1 − 余弦：长度不受约束。教师向量已归一化时或许可用；但这里要的是MSE。",
)
def takes_the_cosine(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return (
        1
        - (
            F.cosine_similarity(student_source, goal).mean()
            + F.cosine_similarity(student_target, goal).mean()
        )
        / 2
    )


@MultilingualMSE.wrong(
    en="All vectors are normalised first: the teacher's lengths are lost, and the loss shrinks to the order of 1/D.",
    zh="先把所有向量归一化：教师向量的长度信息丢失，损失也缩小到1/D的量级。",
    reference="UKPLab/sentence-transformers#1164",
)
def normalises_first(student_source, student_target, teacher_source):
    source, target, goal = (
        F.normalize(x, dim=-1) for x in (student_source, student_target, teacher_source.detach())
    )
    return (F.mse_loss(source, goal) + F.mse_loss(target, goal)) / 2


@MultilingualMSE.wrong(
    en="The squares are summed over the dimensions: this is the squared distance, D times the MSE.",
    zh="对维度求了和：这是平方距离，是MSE的D倍。",
)
def sums_over_dimensions(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return ((student_source - goal).square() + (student_target - goal).square()).sum(-1).mean() / 2


@MultilingualMSE.wrong(
    en="Everything is summed: the loss, and with it the best learning rate, grows with the batch and the width.",
    zh="全部求和：损失（以及合适的学习率）会随批大小和向量维度变化。",
)
def sums_everything(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return ((student_source - goal).square() + (student_target - goal).square()).sum() / 2


@MultilingualMSE.wrong(
    en="These are absolute differences. Squares weigh a large miss more, and their gradient fades near the goal.",
    zh="这是绝对误差。平方对大偏差的惩罚更重，而且越接近目标梯度越小。",
)
def takes_absolute_differences(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return (F.l1_loss(student_source, goal) + F.l1_loss(student_target, goal)) / 2


@MultilingualMSE.wrong(
    en="The student's source vector is detached: its error is in the loss, but only the translations are learnt from.",
    zh="学生的原文向量被detach了：它的误差计入了损失，但学生只能从译文中学习。",
)
def detaches_the_students_source(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    return (F.mse_loss(student_source.detach(), goal) + F.mse_loss(student_target, goal)) / 2


@MultilingualMSE.wrong(
    en="A third term pulls source and translation together. They already share a goal; the contract has two terms.",
    zh="多了第三项，让原文与译文互相靠拢。它们已有共同的目标；这里只有两项。",
)
def adds_a_third_term(student_source, student_target, teacher_source):
    goal = teacher_source.detach()
    pairs = ((student_source, goal), (student_target, goal), (student_source, student_target))
    return sum(F.mse_loss(*pair) for pair in pairs) / 3


@MultilingualMSE.wrong(
    en="The teacher is not detached: its vectors get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的向量会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_source, student_target, teacher_source):
    return (F.mse_loss(student_source, teacher_source) + F.mse_loss(student_target, teacher_source)) / 2


EXERCISE = MultilingualMSE()
