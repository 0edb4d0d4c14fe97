"""What every loss over the tokens of a mask must do, whatever a single token costs."""

import torch
import torch.nn.functional as F

from kd_study.exercises.base import LossExercise, check, expect, expect_close, gradient, shown
from kd_study.exercises.sequences._shared import with_padding


class MaskedLoss(LossExercise):
    """A loss of (N, L, C) logits and an (N, L) mask, which `example()` gives as bool, with some of it false."""

    @check(en="One mean over all kept tokens", zh="对所有计入的token一次性取平均")
    def is_one_mean_over_kept_tokens(self, fn):
        example = self.example()
        costs = [
            fn(**{name: self._token(value, n, place) for name, value in example.items()})
            for n, place in example["mask"].nonzero().tolist()
        ]
        expect_close(
            fn(**example),
            torch.stack(costs).mean(),
            "the loss should be the mean of what each kept token costs when given alone, over all sentences in one: not the "
            "mean of the sentences' means, nor the sum divided by all N · L places or by N",
            "损失应是每个计入的token单独给出时的损失的平均，所有句子一起平均：不是逐句平均再平均，也不是除以全部N · L个位置或除以N",
        )

    @staticmethod
    def _token(value, n, place):
        return value[n, place][None, None] if isinstance(value, torch.Tensor) else value

    @check(en="The length of the padding doesn't matter", zh="填充的长度不影响结果")
    def ignores_the_length_of_the_padding(self, fn):
        example = self.example()
        longer = {
            name: F.pad(example[name], (0, 0, 0, 5), value=3.0)
            for name in ("student_logits", "teacher_logits")
        }
        expect_close(
            fn(**example | longer | {"mask": F.pad(example["mask"], (0, 5))}),
            fn(**example),
            "five more columns of padding should change nothing",
            "再加五列填充，结果不应变化",
        )

    @check(en="Padding may be NaN or infinite", zh="填充处可以是NaN或无穷")
    def ignores_what_stands_at_the_padding(self, fn):
        example = self.example()
        clean = gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"])
        for value in (float("nan"), float("inf"), -float("inf"), 1e30):
            dirty = with_padding(example, value)
            expect_close(
                fn(**dirty),
                fn(**example),
                f"{value} at a masked place reaches the loss; NaN · 0 is NaN, so select the kept tokens first",
                f"被掩码的位置上的{value}进入了损失；NaN · 0仍是NaN，请先选出计入的token",
            )
            expect_close(
                gradient(
                    lambda leaf, dirty=dirty: fn(**dirty | {"student_logits": leaf}), dirty["student_logits"]
                ),
                clean,
                f"{value} at a masked place reaches the gradient, even if the loss looks right: where() and nan_to_num mend the value only; select the kept tokens first",
                f"被掩码的位置上的{value}进入了梯度，尽管损失看上去没错：where()与nan_to_num只修得了数值；请先选出计入的token",
            )

    @check(en="0 with a graph where nothing counts", zh="没有token计入时为0，且有计算图")
    def is_zero_where_nothing_counts(self, fn):
        for value in (1.0, float("nan")):
            arguments = with_padding(self._nothing(), value)
            leaf = arguments["student_logits"].requires_grad_()
            loss = fn(**arguments)
            expect_close(
                loss, 0.0, "a batch of nothing but padding should cost 0", "全是填充的一批，损失应为0"
            )
            expect(
                loss.requires_grad,
                "a batch of nothing but padding should still have a graph, or backward fails on it",
                "全是填充的一批也应带有计算图，否则backward会报错",
            )
            loss.backward()
            expect(
                leaf.grad is None or not bool(leaf.grad.any()),
                f"a batch of nothing but padding should bring no gradient, but brought {shown(leaf.grad)}",
                f"全是填充的一批不应带来梯度，实际为{shown(leaf.grad)}",
            )

    @check(en="A mask of any dtype", zh="mask可以是任何dtype")
    def takes_a_mask_of_any_dtype(self, fn):
        example = self.example()
        for dtype in (torch.int64, torch.int32, torch.uint8, torch.float32, torch.float64, torch.bfloat16):
            came = fn(**example | {"mask": example["mask"].to(dtype)})
            expect_close(
                came,
                fn(**example),
                f"the same mask as {dtype} should give the same loss; an integer index picks rows by number",
                f"同一个mask换成{dtype}，损失应不变；用整数张量做下标会被当成行号",
            )
            logits = example["student_logits"].dtype
            expect(
                came.dtype == logits,
                f"with a mask of {dtype} the loss is {came.dtype}; it has the dtype of the logits, {logits}",
                f"mask为{dtype}时，损失成了{came.dtype}；它的dtype应与logits相同，即{logits}",
            )

    def edges(self):
        example = self.example()
        return {
            "NaN": with_padding(example, float("nan")),
            "nothing": self._nothing(),
            "int": example | {"mask": example["mask"].long()},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["graph of nothing"] = self._graph(function, self._nothing())
        return ordinary, edge

    def _nothing(self) -> dict:
        example = self.example()
        return example | {"mask": torch.zeros_like(example["mask"])}

    def _graph(self, function, arguments):
        arguments, _ = self._with_leaves(arguments, self.student_arguments)
        try:
            return function(**arguments).requires_grad
        except Exception as error:
            return type(error).__name__
