import torch
import torch.nn.functional as F

from kd_study.exercises.base import Exercise, check, expect, expect_close, normal, outcome, shown, without
from kd_study.exercises.loss import expect_scalar_loss
from kd_study.exercises.sequences._shared import (
    back_propagated_one_by_one,
    costs_of_tokens,
    kl_of_tokens,
    observed_losses,
    reaches_the_teacher,
    values_and_gradient,
    with_padding,
)


def whiteboard(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    tokens = mask.bool().sum().clamp(min=1)  # of the whole batch, not of each part
    losses = []
    parts = (x.chunk(micro_batches) for x in (student_logits, teacher_logits, mask.bool()))
    for s, t, kept in zip(*parts, strict=True):
        log_q = F.log_softmax(s[kept] / temperature, dim=-1)
        log_p = F.log_softmax(t[kept].detach() / temperature, dim=-1)
        total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
        losses.append(temperature**2 * total / tokens)
    return losses


class AccumulatedKD(Exercise):
    def validate(self, result, arguments):
        expect(
            isinstance(result, list | tuple),
            f"the function should return a list of losses, but returned {type(result).__name__}",
            f"函数应返回损失的列表，但返回了{type(result).__name__}",
        )
        for loss in result:
            expect_scalar_loss(loss)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, teacher = torch.zeros(2, 3, 2), torch.zeros(2, 3, 2)
        teacher[0, :, 0], teacher[1, :, 0] = 2.0, 4.0
        mask = torch.tensor([[True, True, True], [True, False, False]])
        losses = fn(student, teacher, mask, 2)
        expect(
            len(losses) == 2,
            f"two pieces, two losses, not {len(losses)}",
            f"两份应有两个损失，而不是{len(losses)}个",
        )
        expect_close(
            torch.stack(list(losses)),
            torch.tensor([0.24583, 0.15077]),
            "three tokens of 0.328 and one of 0.603, each divided by 4, the kept tokens of the whole batch",
            "三个0.328的token与一个0.603的token，都应除以4，即整批计入的token数",
            tolerance=1e-3,
        )

    @check(en="The sum is the loss of the whole batch", zh="总和等于整批的损失")
    def adds_up_to_the_whole(self, fn):
        one_token = torch.zeros(5, 4, dtype=torch.bool)
        one_token[3, 1] = True
        for micro_batches, mask in ((1, None), (2, None), (3, None), (5, None), (2, one_token)):
            example = self.example() if mask is None else self.example() | {"mask": mask}
            whole = costs_of_tokens(example).sum() / example["mask"].sum()
            losses = fn(**example | {"micro_batches": micro_batches})
            expect_close(
                torch.stack(list(losses)).sum(),
                whole,
                f"cut into {micro_batches}, the losses should add up to the one mean over all kept tokens",
                f"切成{micro_batches}份时，各损失之和应等于对所有计入的token一次性取的平均",
            )

    @check(en="Cut along N as torch.chunk does", zh="像torch.chunk那样沿N切开")
    def cuts_as_chunk_does(self, fn):
        example = self.example()
        for micro_batches in (2, 3, 4, 8):
            losses = fn(**example | {"micro_batches": micro_batches})
            expected = [
                piece.sum() / example["mask"].sum() for piece in costs_of_tokens(example).chunk(micro_batches)
            ]
            expect(
                len(losses) == len(expected),
                f"5 rows cut into {micro_batches} by torch.chunk are {len(expected)} pieces, but {len(losses)} losses came",
                f"torch.chunk把5行切成{micro_batches}份时得到{len(expected)}份，却返回了{len(losses)}个损失",
            )
            expect_close(
                torch.stack(list(losses)),
                torch.stack(expected),
                f"cut into {micro_batches}, each loss should hold the rows of its piece of torch.chunk, in order",
                f"切成{micro_batches}份时，每个损失应依次对应torch.chunk得到的那几行",
            )

    @check(en="Each can be back-propagated by itself", zh="每个损失都可单独反向传播")
    def lets_each_be_back_propagated_by_itself(self, fn):
        example = self.example()
        for backwards in (False, True):
            leaf = example["student_logits"].clone().requires_grad_()
            losses = list(fn(**example | {"student_logits": leaf}))
            expect(
                all(loss.requires_grad for loss in losses),
                "a loss has no graph: no gradient can reach the student",
                "有损失不带计算图：梯度到不了学生",
            )
            for loss in reversed(losses) if backwards else losses:
                came = outcome(loss.backward)
                expect(
                    came is None,
                    f"backward of one loss after another raised {came}: they share a graph that the first has freed; cut the logits before computing",
                    f"依次对各损失调用backward时抛出了{came}：它们共用一张计算图，已被第一次释放；请先切开logits再计算",
                )
            q, p = (example[name].div(2).softmax(-1) for name in ("student_logits", "teacher_logits"))
            expect_close(
                leaf.grad,
                2 * (q - p) * example["mask"][..., None] / example["mask"].sum(),
                "the gradients should add up to those of the whole batch, T (q − p) / kept tokens",
                "梯度累加之后应与整批相同，即T (q − p) / 计入的token数",
            )

    @check(en="Pieces of padding only", zh="只有填充的一份")
    def copes_with_pieces_of_padding(self, fn):
        example = self.example()
        for rows, en, zh in (
            (slice(2, 4), "one piece", "其中一份"),
            (slice(None), "the whole batch", "整批"),
        ):
            mask = example["mask"].clone()
            mask[rows] = False
            losses = list(
                fn(**example | {"mask": mask, "student_logits": example["student_logits"].requires_grad_()})
            )
            expect(
                len(losses) == 3 and all(loss.requires_grad for loss in losses),
                f"where {en} is padding there should still be 3 losses with a graph each",
                f"{zh}全是填充时，仍应有3个损失，各带计算图",
            )
            expect_close(
                losses[1],
                0.0,
                f"where {en} is padding, its loss should be 0",
                f"{zh}全是填充时，它的损失应为0",
            )

    @check(en="Padding may be NaN, the mask of any dtype", zh="填充可以是NaN，掩码可以是任何dtype")
    def ignores_what_stands_at_the_padding(self, fn):
        example = self.example()
        clean = values_and_gradient(fn, example)
        for value in (float("nan"), float("inf")):
            expect_close(
                values_and_gradient(fn, with_padding(example, value)),
                clean,
                f"{value} at a masked place reaches the losses or the gradient; select the kept tokens before computing",
                f"被掩码的位置上的{value}进入了损失或梯度；请在计算之前就选出计入的token",
            )
        for dtype in (torch.int64, torch.float32, torch.bfloat16):
            expect_close(
                values_and_gradient(fn, example | {"mask": example["mask"].to(dtype)}),
                clean,
                f"the same mask as {dtype} should give the same losses",
                f"同一个mask换成{dtype}，损失应不变",
            )

    @check(en="No gradient into the teacher", zh="梯度不流入教师模型")
    def leaves_the_teacher_alone(self, fn):
        example = self.example()
        teacher = example["teacher_logits"].requires_grad_()
        losses = fn(**example | {"student_logits": example["student_logits"].requires_grad_()})
        (found,) = torch.autograd.grad(sum(losses), [teacher], allow_unused=True)
        expect(
            found is None or not bool(found.any()),
            "a gradient flows into the teacher's logits; detach them",
            "梯度流入了教师的logits；请先detach",
        )

    @check(en="Extremes, dtype, and a temperature of 1 by default", zh="极端取值、dtype与默认温度系数1")
    def keeps_to_the_common_rules(self, fn):
        example = self.example()
        expect_close(
            torch.stack(list(fn(**without(example, "temperature")))),
            torch.stack(list(fn(**example | {"temperature": 1.0}))),
            "without a temperature the losses should be those at T = 1",
            "不给温度系数时应等于T = 1时的损失",
        )
        extreme = example | {
            name: example[name].sign() * 1e4 for name in ("student_logits", "teacher_logits")
        }
        expect(
            bool(values_and_gradient(fn, extreme).isfinite().all()),
            "logits of ±1e4 give a loss or a gradient that is not finite; stay in the log domain (log_softmax)",
            "logits为±1e4时损失或梯度不是有限数；请始终在对数域计算（log_softmax）",
        )
        for dtype in (torch.float64, torch.bfloat16):
            cast = example | {name: example[name].to(dtype) for name in ("student_logits", "teacher_logits")}
            came = {loss.dtype for loss in fn(**cast)}
            expect(
                came == {dtype},
                f"{dtype} goes in and {shown(came)} comes out",
                f"输入是{dtype}，输出却是{shown(came)}",
            )

    def example(self):
        """Five rows of four places; of its rows 2 and 3 few count, so that tokens and rows weigh differently."""
        return {
            "student_logits": normal(5, 4, 3, seed=1),
            "teacher_logits": normal(5, 4, 3, seed=2),
            "mask": torch.tensor(
                [[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0]]
            ).bool(),
            "micro_batches": 3,
            "temperature": 2.0,
        }

    def behaviour(self, function):
        example = self.example()
        nothing = example | {"mask": torch.zeros(5, 4, dtype=torch.bool)}
        one_empty = example | {"mask": example["mask"] & torch.tensor([1, 1, 0, 0, 1]).bool()[:, None]}

        def seen(arguments):
            return outcome(lambda: observed_losses(function, arguments))

        ordinary = {
            "3": seen(example),
            "2": seen(example | {"micro_batches": 2}),
            "default": seen(without(example, "temperature")),
        }
        edge = {
            "4": seen(example | {"micro_batches": 4}),
            "NaN": seen(with_padding(example, float("nan"))),
            "nothing": seen(nothing),
            "an empty piece": seen(one_empty),
            "one by one": outcome(lambda: back_propagated_one_by_one(function, example)),
            "teacher": outcome(lambda: reaches_the_teacher(function, example)),
        }
        return ordinary, edge


def _pieces(student_logits, teacher_logits, mask, micro_batches, temperature) -> list:
    """(sum over the kept tokens with its T², their number, the rows) of each piece."""
    parts = (tensor.chunk(micro_batches) for tensor in (student_logits, teacher_logits, mask.bool()))
    return [
        (_sum(student, teacher, kept, temperature), kept.sum(), len(kept))
        for student, teacher, kept in zip(*parts, strict=True)
    ]


def _sum(student, teacher, kept, temperature):
    return (temperature**2 * kl_of_tokens(student[kept], teacher[kept], temperature).sum()).to(student.dtype)


@AccumulatedKD.wrong(
    en="Each piece divides by its own number of tokens and by the number of pieces: a mean of means. A token in a piece with "
    "much padding weighs more, and the step depends on how the batch was cut.",
    zh="每份除以自己的token数，再除以份数：这是“平均的平均”。填充多的那一份里，每个token的权重更大，结果取决于怎么切。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / kept.clamp(min=1) / len(pieces) for total, kept, _ in pieces]


@AccumulatedKD.wrong(
    en="Each piece is its own mean, and nobody divides by the number of pieces: the gradient, and with it the step, is about that many times too large.",
    zh="每份各自取平均，而没有除以份数：梯度（以及这一步）大约放大了份数那么多倍。",
    reference="huggingface/trl PR#6006",
)
def takes_each_pieces_own_mean(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / kept.clamp(min=1) for total, kept, _ in pieces]


@AccumulatedKD.wrong(
    en="The pieces' means are weighted by their rows. Rows differ in how many tokens count: weigh by tokens.",
    zh="各份的平均按行数加权。可每行计入的token数不同：应按token数加权。",
    reference="huggingface/trl#4719",
)
def weighs_by_rows(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / kept.clamp(min=1) * rows / len(mask) for total, kept, rows in pieces]


@AccumulatedKD.wrong(
    en="All N · L places are the divisor, padding included: the more padding, the smaller the losses.",
    zh="除以了全部N · L个位置，连填充也算在内：填充越多，损失越小。",
)
def divides_by_all_places(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / mask.numel() for total, _, _ in pieces]


@AccumulatedKD.wrong(
    en="The whole batch is computed and the result cut. The pieces share one graph: the second backward fails, and the memory that micro-batches should save is spent.",
    zh="先算完整批，再切开结果。各份共用一张计算图：第二次backward会报错，微批本该省下的内存也没省下。",
)
def computes_first_and_cuts_later(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    kept = mask.bool()
    student, teacher = (x.masked_fill(~kept[..., None], 0) for x in (student_logits, teacher_logits))
    each = temperature**2 * kl_of_tokens(student, teacher, temperature) * kept / kept.sum().clamp(min=1)
    return [piece.sum() for piece in each.chunk(micro_batches)]


@AccumulatedKD.wrong(
    en="The batch is cut along L, the places, instead of N, the rows.",
    zh="沿着L（位置）切开了，而不是沿着N（行）。",
)
def cuts_along_the_places(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    parts = (tensor.chunk(micro_batches, 1) for tensor in (student_logits, teacher_logits, mask.bool()))
    return [_sum(*part, temperature) / mask.sum().clamp(min=1) for part in zip(*parts, strict=True)]


@AccumulatedKD.wrong(
    en="split(micro_batches) makes pieces of that many rows. It is the number of pieces: chunk(micro_batches).",
    zh="split(micro_batches)切出的每份有那么多行。这里它是份数：应用chunk(micro_batches)。",
)
def takes_the_number_for_the_size(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    parts = (tensor.split(micro_batches) for tensor in (student_logits, teacher_logits, mask.bool()))
    return [_sum(*part, temperature) / mask.sum().clamp(min=1) for part in zip(*parts, strict=True)]


@AccumulatedKD.wrong(
    en="N // micro_batches rows a piece leaves the remainder out: the last rows are never learned.",
    zh="每份取N // micro_batches行，余数被丢下：最后几行永远学不到。",
)
def leaves_the_remainder_out(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    whole = len(mask) // micro_batches * micro_batches
    parts = (student_logits[:whole], teacher_logits[:whole], mask[:whole], micro_batches, temperature)
    return [total / mask.sum().clamp(min=1) for total, _, _ in _pieces(*parts)]


@AccumulatedKD.wrong(
    en="The losses are added up before they are returned. The list is asked for: each is back-propagated, and its memory freed, before the next piece is run.",
    zh="返回之前就把各损失加了起来。要的是列表：每份先反向传播、释放内存，再跑下一份。",
)
def returns_the_sum(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    return _sum(student_logits, teacher_logits, mask.bool(), temperature) / mask.sum().clamp(min=1)


@AccumulatedKD.wrong(
    en="The losses are numbers without a graph; nothing can be back-propagated from them.",
    zh="返回的是不带计算图的数，无法反向传播。",
)
def returns_numbers(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [(total / mask.sum().clamp(min=1)).item() for total, _, _ in pieces]


@AccumulatedKD.wrong(
    en="Pieces without a kept token are left out of the list: it no longer fits the micro-batches that the loop goes through.",
    zh="没有计入token的那一份被漏掉了：列表与循环中的微批对不上。",
)
def skips_pieces_of_padding(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / mask.sum() for total, kept, _ in pieces if kept]


@AccumulatedKD.wrong(
    en="With nothing but padding in the batch the divisor is 0, and all losses are NaN.",
    zh="整批全是填充时除数为0，所有损失都成了NaN。",
)
def divides_by_nothing(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / mask.sum() for total, _, _ in pieces]


@AccumulatedKD.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    pieces = _pieces(student_logits, teacher_logits, mask, micro_batches, temperature)
    return [total / temperature**2 / mask.sum().clamp(min=1) for total, _, _ in pieces]


@AccumulatedKD.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the kept tokens before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    parts = (tensor.chunk(micro_batches) for tensor in (student_logits, teacher_logits, mask))
    return [
        (temperature**2 * kl_of_tokens(student, teacher, temperature) * kept).sum() / mask.sum().clamp(min=1)
        for student, teacher, kept in zip(*parts, strict=True)
    ]


@AccumulatedKD.wrong(
    en="The batch is cut by tensor_split, which shares the rows out evenly; chunk makes equal pieces of ⌈N / micro_batches⌉ and a smaller last one, and it may make fewer.",
    zh="用tensor_split切分，它把各行尽量平均分；而chunk每块⌈N / micro_batches⌉行、最后一块可以更小，块数也可能更少。",
)
def cuts_with_tensor_split(student_logits, teacher_logits, mask, micro_batches, temperature=1.0):
    kept = mask.bool()
    parts = (x.tensor_split(micro_batches) for x in (student_logits, teacher_logits, kept))
    number = kept.sum().clamp(min=1)
    return [
        _sum(student, teacher, own, temperature) / number
        for student, teacher, own in zip(*parts, strict=True)
    ]


EXERCISE = AccumulatedKD()
