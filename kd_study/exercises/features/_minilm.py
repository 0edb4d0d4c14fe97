"""The checks of minilm_relation, and the parts that its wrong answers are put together from."""

import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect_close, gradient, normal, without
from kd_study.exercises.loss import NothingCounts

TENSORS = ("student_values", "teacher_values")
_SAME_WIDTH = {"teacher_values": normal(2, 4, 4, seed=7, scale=1.0)}


class ValueRelationExercise(NothingCounts):
    """All of the exercise but its texts and its wrong answers."""

    student_arguments = ("student_values",)
    teacher_arguments = ("teacher_values",)

    def example(self):
        return example()

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        teacher = torch.zeros(1, 2, 4)
        teacher[0, 0, 0] = 2.0
        expect_close(
            fn(torch.zeros(1, 2, 6), teacher, 1),
            0.16389,
            "the teacher's scores are [2 · 2 / √4, 0] = [2, 0] and [0, 0], the student's rows are uniform: (0.328 + 0) / 2",
            "教师的得分是[2 · 2 / √4, 0] = [2, 0]和[0, 0]，学生的各行均匀：(0.328 + 0) / 2",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.zeros(1, 2, 6), teacher, 2),
            0.11946,
            "with two heads d is 2: the first head's scores are [4 / √2, 0] and [0, 0], the second's all 0: (0.478 + 0 + 0 + 0) / 4",
            "两个头时d是2：第一个头的得分是[4 / √2, 0]和[0, 0]，第二个头全为0：(0.478 + 0 + 0 + 0) / 4",
            tolerance=1e-3,
        )

    @check(en="KL of the teacher's rows to the student's", zh="教师各行到学生各行的KL")
    def is_the_kl_of_every_row(self, fn):
        for heads in (1, 2):
            given = without(example(), "mask") | {"heads": heads}
            expect_close(
                fn(**given),
                sentence_by_sentence(**given),
                f"without a mask and with {heads} head(s): KL(teacher ‖ student) of each query's row, mean over 2 · 4 · {heads} rows",
                f"没有掩码、{heads}个头时：每个query一行的KL(教师 ‖ 学生)，对2 · 4 · {heads}行取平均",
                tolerance=1e-3,
            )
            expect_close(
                fn(given["teacher_values"], given["teacher_values"], heads),
                0.0,
                "a student equal to its teacher should cost 0",
                "与教师相同的学生损失应为0",
                tolerance=1e-2,
            )
        expect_close(
            fn(torch.tensor([[[1.0], [8.0]]]), torch.tensor([[[30.0], [1.0]]]), 1),
            31.5005,
            "the teacher's scores [900, 30] and [30, 1] pick the first key, for which the student's [1, 8] and [8, 64] have the log "
            "probabilities −7.001 and −56: (7.001 + 56) / 2; is something clipped?",
            "教师的得分[900, 30]和[30, 1]都选第一个key，学生的得分[1, 8]和[8, 64]给它的对数概率是−7.001和−56：(7.001 + 56) / 2；"
            "是不是在哪里截断了？",
            tolerance=1e-3,
        )

    @check(en="Heads are cut one after the other", zh="各个头依次切分")
    def cuts_heads_one_after_the_other(self, fn):
        teacher = normal(2, 3, 6, seed=3, scale=1.0)
        turn = torch.block_diag(*(torch.linalg.qr(normal(3, 3, seed=seed)).Q for seed in (4, 5)))
        expect_close(
            fn(teacher @ turn, teacher, 2),
            0.0,
            "turning features 0–2 among themselves and 3–5 among themselves changes no inner product within either of two heads",
            "特征0–2内部旋转、3–5内部旋转，不会改变两个头各自的内积",
            tolerance=1e-2,
        )
        wider = torch.cat([F.pad(part, (0, 3)) * 2**0.25 for part in teacher.chunk(2, -1)], -1)
        expect_close(
            fn(wider, teacher, 2),
            0.0,
            "a head of 3 features padded with 3 zeros has the same inner products; over its own √6 instead of √3 it needs values larger "
            "by the fourth root of 2, as given here",
            "3个特征的头补上3个零，内积不变；它除以的是自己的√6而不是√3，所以数值要大2的四次方根倍，这里正是如此",
            tolerance=1e-2,
        )

    @check(en="Padding is neither key nor query", zh="填充既不作key也不作query")
    def leaves_the_padding_out(self, fn):
        given = example()
        expect_close(
            fn(**given),
            sentence_by_sentence(**given),
            "each sentence should count as if its padding were cut off, and the mean runs over heads and the 5 kept queries at once",
            "每个句子都应像把填充剪掉一样计算，并对各个头和5个计入的query一次性取平均",
            tolerance=1e-3,
        )
        longer = {
            name: torch.cat([given[name], normal(2, 3, 4 + 2 * i, seed=6)], 1)
            for i, name in enumerate(TENSORS)
        }
        expect_close(
            fn(**given | longer | {"mask": F.pad(given["mask"], (0, 3))}),
            fn(**given),
            "three more columns of padding should change nothing",
            "再加三列填充，结果不应变化",
            tolerance=1e-3,
        )

    @check(en="A hole in the sentence, a sentence of padding, no mask", zh="句中有空、整句填充、没有掩码")
    def takes_masks_of_every_shape(self, fn):
        given = example()
        holes = torch.tensor([[False, True, False, True], [False, False, False, False]])
        expect_close(
            fn(**given | {"mask": holes}),
            fn(**{k: v[:1, [1, 3]] if k in TENSORS else v for k, v in without(given, "mask").items()}),
            "only the tokens 1 and 3 of the first sentence count: they alone should give the same",
            "只有第一句的第1、3个token计入：单独取出它们应得到同样的结果",
            tolerance=1e-3,
        )
        for everything in (torch.ones(2, 4), torch.ones(2, 4, dtype=torch.bool)):
            expect_close(
                fn(**given | {"mask": everything}),
                fn(**without(given, "mask")),
                "a mask of nothing but ones should be the same as no mask",
                "全是1的掩码应与没有掩码一样",
            )
        for dtype in (torch.int64, torch.uint8, torch.float32, torch.float64):
            expect_close(
                fn(**given | {"mask": given["mask"].to(dtype)}),
                fn(**given),
                f"the same mask as {dtype} should give the same loss",
                f"同一个掩码换成{dtype}，损失应不变",
            )

    @check(en="Padding may be NaN or infinite", zh="填充处可以是NaN或无穷")
    def ignores_what_stands_at_the_padding(self, fn):
        given = example()
        clean = gradient(lambda leaf: fn(**given | {"student_values": leaf}), given["student_values"])
        for value in (float("nan"), float("inf"), -float("inf"), 1e30):
            dirty = with_padding(given, value)
            expect_close(
                fn(**dirty),
                fn(**given),
                f"{value} at a masked token reaches the loss; put 0 there with where, before the product",
                f"被掩码的token上的{value}进入了损失；请在相乘之前用where把那里置0",
            )
            found = gradient(
                lambda leaf, d=dirty: fn(**d | {"student_values": leaf}), dirty["student_values"]
            )
            expect_close(
                found,
                clean,
                f"{value} at a masked token reaches the gradient, even if the loss looks right: masking the scores is too late, the "
                "product's backward has met it",
                f"被掩码的token上的{value}进入了梯度，尽管损失看上去没错：掩码得分为时已晚，乘积的反向已经碰到它了",
            )

    @check(en="The gradient", zh="梯度")
    def has_the_gradient_of_the_relations(self, fn):
        given = example()
        expect_close(
            gradient(lambda leaf: fn(**given | {"student_values": leaf}), given["student_values"]),
            gradient(
                lambda leaf: sentence_by_sentence(**given | {"student_values": leaf}), given["student_values"]
            ),
            "the gradient is not that of the KL over V Vᵀ, through both factors; is one of them detached?",
            "梯度与V Vᵀ上KL的梯度不符，两个因子都应有梯度；是不是detach了其中一个？",
            tolerance=1e-2,
        )

    def probes(self):
        given = example()
        whole = without(given, "mask")
        one_head = whole | {"heads": 1}  # where d is not the number of heads
        return {"masked": given, "whole": whole, "one head": one_head, "same width": given | _SAME_WIDTH}

    def edges(self):
        return super().edges() | {"NaN": with_padding(example(), float("nan"))}

    def nothing(self):
        nothing = example() | {"mask": torch.zeros(2, 4, dtype=torch.bool)}
        return {"nothing": nothing, "nothing, NaN": with_padding(nothing, float("nan"))}


def example() -> dict:
    """Two sentences of four tokens, of which three and two count."""
    return {
        "student_values": normal(2, 4, 4, seed=1, scale=1.0),
        "teacher_values": normal(2, 4, 6, seed=2, scale=1.0),
        "heads": 2,
        "mask": torch.tensor([[True, True, True, False], [True, True, False, False]]),
    }


def with_padding(arguments: dict, value: float) -> dict:
    """The arguments with `value` at every token that is masked out, on both sides."""
    hidden = ~arguments["mask"].bool()[..., None]
    return arguments | {name: arguments[name].masked_fill(hidden, value) for name in TENSORS}


def kept(values, mask):
    """Bool (N, L): the tokens that count."""
    return torch.ones(values.shape[:2], dtype=torch.bool) if mask is None else mask.bool()


def split(values, heads):
    """(N, L, D) → (N, heads, L, D / heads)."""
    return values.unflatten(-1, (heads, -1)).transpose(1, 2)


def scores(values, heads, keep, root=None):
    """(N, heads, L, L) scaled inner products; what isn't kept is 0 as a vector and no key; `root` replaces √head size."""
    parts = split(torch.where(keep[..., None], values, 0), heads)
    root = parts.shape[-1] ** 0.5 if root is None else root
    return (parts @ parts.mT / root).masked_fill(~keep[:, None, None], torch.finfo(values.dtype).min)


def kl(student_scores, teacher_scores):
    """KL(teacher ‖ student) of each query, (N, heads, L)."""
    log_p, log_q = teacher_scores.detach().log_softmax(-1), student_scores.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def mean_of_kept(each, keep):
    """Mean over heads and kept queries of (N, heads, L); 0 where nothing is kept."""
    chosen = each.transpose(1, 2)[keep]
    return chosen.sum() / max(chosen.numel(), 1)


def relation_kl(student_values, teacher_values, heads, mask, root=None):
    """The loss by the functions above."""
    keep = kept(student_values, mask)
    return mean_of_kept(
        kl(scores(student_values, heads, keep, root), scores(teacher_values, heads, keep, root)), keep
    )


def sentence_by_sentence(student_values, teacher_values, heads, mask=None):
    """The loss in loops over sentences and heads, padding cut off: what the checks expect."""
    each = []
    for s, t, keep in zip(student_values, teacher_values.detach(), kept(student_values, mask), strict=True):
        for part_s, part_t in zip(s[keep].chunk(heads, -1), t[keep].chunk(heads, -1), strict=True):
            log_q, log_p = ((x @ x.T / x.shape[-1] ** 0.5).log_softmax(-1) for x in (part_s, part_t))
            each.append(F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1))
    return torch.cat(each).mean()
