import torch
import torch.nn.functional as F

from kd_study.exercises.base import Exercise, check, expect, expect_close, expect_float, normal, outcome


def whiteboard(student_logits, teacher_logits):
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()


class Agreement(Exercise):
    def validate(self, result, arguments):
        expect_float(result)
        expect(
            0 <= result <= 1,
            f"a share lies between 0 and 1, but {result:g} came back",
            f"比例应在0和1之间，返回的却是{result:g}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(
                torch.tensor([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]]),
                torch.tensor([[5.0, 4.0], [1.0, 0.0], [9.0, 0.0]]),
            ),
            2 / 3,
            "the rows 1 and 3 agree, row 2 doesn't: two of three",
            "第1行和第3行一致，第2行不一致：三分之二",
        )

    @check(en="All, none, one", zh="全部一致、全不一致、只有一行")
    def goes_from_none_to_all(self, fn):
        logits = _favouring([0, 1, 2, 0, 1, 2])
        expect_close(
            fn(logits, logits.clone()), 1.0, "a student agrees with its copy", "学生与自己的副本完全一致"
        )
        expect_close(
            fn(logits, _favouring([1, 2, 0, 2, 0, 1])),
            0.0,
            "no row names the same class here",
            "这里没有一行首选相同",
        )
        expect_close(
            fn(_favouring([2]), _favouring([2], strength=0.1)),
            1.0,
            "one row that agrees is all of it",
            "只有一行且一致，就是全部",
        )

    @check(en="Only the first choice counts", zh="只看首选类别")
    def looks_at_the_first_choice_only(self, fn):
        student, teacher = _favouring([0, 1, 2, 0]), _favouring([0, 1, 0, 2])
        for name, changed in (
            ("shifted", student + torch.tensor([[50.0], [1e4], [-7.0], [0.0]])),
            ("scaled", student * 0.01),
            ("noisy below the first choice", student + 0.2 * normal(4, 3, seed=1).tanh()),
        ):
            expect_close(
                fn(changed, teacher),
                0.5,
                f"rows that are {name} keep their first choice: the first two agree, the others don't",
                "各行平移、缩放或在首选之下加扰动都不改变首选：前两行一致，后两行不一致",
            )

    @check(en="The same from both sides", zh="两边互换结果不变")
    def treats_both_alike(self, fn):
        student, teacher = normal(9, 4, seed=2), normal(9, 4, seed=3)
        expect_close(
            fn(student, teacher),
            fn(teacher, student),
            "student and teacher may be swapped: agreement has no direction",
            "学生与教师互换，一致率不变",
        )

    @check(en="A mean over rows", zh="对行取平均")
    def is_a_mean_over_rows(self, fn):
        student, teacher = normal(5, 3, seed=4), normal(5, 3, seed=5)
        rows = [fn(s[None], t[None]) for s, t in zip(student, teacher, strict=True)]
        expect_close(
            fn(student, teacher),
            sum(rows) / 5,
            "the batch's agreement should be the mean of its rows', each 0 or 1",
            "整批的一致率应为各行（每行为0或1）的平均",
        )
        expect_close(
            fn(student.repeat(3, 1), teacher.repeat(3, 1)),
            fn(student, teacher),
            "the same rows three times over have the same share",
            "同样的行重复三遍，比例应当不变",
        )

    def probes(self):
        return {
            "a": {"student_logits": normal(7, 4, seed=6), "teacher_logits": normal(7, 4, seed=7)},
            "b": {"student_logits": _favouring([0, 1, 2, 0]), "teacher_logits": _favouring([1, 1, 2, 2])},
            "c": {
                "student_logits": normal(6, 3, seed=8),
                "teacher_logits": normal(6, 3, seed=8) + normal(6, 3, seed=9),
            },
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["a plain number"] = outcome(
            lambda: isinstance(function(normal(2, 3), normal(2, 3)), int | float)
        )
        return ordinary, edge


def _favouring(classes, strength=1.0):
    """Rows of three logits, each with one favourite."""
    return strength * F.one_hot(torch.tensor(classes), 3).float()


@Agreement.wrong(
    en="The arg max runs over the batch (dim=0): which row is highest in a class, not which class is highest in a row.",
    zh="arg max取在批维（dim=0）上：比的是某个类别里哪一行最高，而不是某一行里哪个类别最高。",
)
def takes_the_arg_max_over_the_batch(student_logits, teacher_logits):
    return (student_logits.argmax(0) == teacher_logits.argmax(0)).float().mean().item()


@Agreement.wrong(
    en="The logits are compared, not the choices: two models that always choose alike hardly ever have equal numbers.",
    zh="比较的是logits而不是选择：两个模型即使选择处处相同，数值也几乎不会相等。",
)
def compares_the_numbers(student_logits, teacher_logits):
    return torch.isclose(student_logits, teacher_logits).float().mean().item()


@Agreement.wrong(
    en="The largest values are compared, not where they stand: max gives both, and you need the indices.",
    zh="比较的是最大值本身，而不是它的位置：max两者都返回，需要的是下标。",
)
def compares_the_largest_values(student_logits, teacher_logits):
    return torch.isclose(student_logits.amax(-1), teacher_logits.amax(-1)).float().mean().item()


@Agreement.wrong(
    en="This is the share of *dis*agreement.",
    zh="这是*不*一致的比例。",
)
def measures_disagreement(student_logits, teacher_logits):
    return (student_logits.argmax(-1) != teacher_logits.argmax(-1)).float().mean().item()


@Agreement.wrong(
    en="The rows that agree are counted, not averaged: a share lies between 0 and 1.",
    zh="只数了一致的行数，没有取平均：比例应在0和1之间。",
)
def counts_rows(student_logits, teacher_logits):
    return float((student_logits.argmax(-1) == teacher_logits.argmax(-1)).sum())


@Agreement.wrong(
    en="The result is in percent; the contract asks for a share between 0 and 1.",
    zh="结果是百分数；这里要的是0到1之间的比例。",
)
def gives_percent(student_logits, teacher_logits):
    return 100 * (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()


@Agreement.wrong(
    en="The count is divided by all entries, N · C, instead of by the N rows.",
    zh="除以了全部元素个数N · C，而不是N行。",
)
def divides_by_all_entries(student_logits, teacher_logits):
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).sum().item() / student_logits.numel()


@Agreement.wrong(
    en="The whole ranking has to be the same here. Agreement looks at the first choice only.",
    zh="这里要求整个排序都相同。一致率只看首选类别。",
)
def asks_for_the_whole_ranking(student_logits, teacher_logits):
    return (student_logits.argsort(-1) == teacher_logits.argsort(-1)).all(-1).float().mean().item()


@Agreement.wrong(
    en="A row counts as soon as the teacher's choice is among the student's two best: that is top-2 agreement.",
    zh="只要教师的首选在学生的前两名里就算一致：这是top-2一致率。",
)
def looks_at_the_two_best(student_logits, teacher_logits):
    best = student_logits.topk(2, dim=-1).indices
    return (best == teacher_logits.argmax(-1, keepdim=True)).any(-1).float().mean().item()


@Agreement.wrong(
    en="This is the probability that the student gives to the teacher's choice: it depends on how sure the student is.",
    zh="这是学生给教师首选类别的平均概率：它取决于学生有多确定。",
)
def averages_the_probability(student_logits, teacher_logits):
    choice = teacher_logits.argmax(-1, keepdim=True)
    return student_logits.softmax(-1).gather(-1, choice).mean().item()


@Agreement.wrong(
    en="The result is a tensor of no dimension: call .item() on it, or a table and json will stumble over it.",
    zh="返回的是零维张量：请调用.item()，否则制表和json都会出问题。",
)
def returns_a_tensor(student_logits, teacher_logits):
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean()


@Agreement.wrong(
    en="The mean is missing: whether each row agrees is a whole tensor, which .item() can't turn into one number.",
    zh="漏了取平均：每一行是否一致是一个张量，.item()没法把它变成一个数。",
)
def leaves_out_the_mean(student_logits, teacher_logits):
    return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().item()


EXERCISE = Agreement()
