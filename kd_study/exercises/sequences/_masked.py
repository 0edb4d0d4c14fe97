"""What every loss over the tokens of a mask must do, whatever a single token costs."""

import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect, expect_close, gradient, normal
from kd_study.exercises.loss import NothingCounts
from kd_study.exercises.sequences._shared import with_padding


class MaskedLoss(NothingCounts):
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
        classes = example["student_logits"].shape[-1]
        longer = {
            "student_logits": torch.cat([example["student_logits"], normal(2, 5, classes, seed=3)], 1),
            "teacher_logits": torch.cat([example["teacher_logits"], normal(2, 5, classes, seed=4)], 1),
            "mask": F.pad(example["mask"], (0, 5)),
        }
        for more in (5, 2):  # two of five: a slice, as a shift by one makes it, isn't contiguous
            cut = {name: value[:, : value.shape[1] - 5 + more] for name, value in longer.items()}
            expect_close(
                fn(**example | cut),
                fn(**example),
                f"{more} more columns of padding should change nothing",
                f"再加{more}列填充，结果不应变化",
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
        return super().edges() | {
            "NaN": with_padding(example, float("nan")),
            "int": example | {"mask": example["mask"].long()},
        }

    def nothing(self):
        example = self.example()
        nothing = example | {"mask": torch.zeros_like(example["mask"])}
        return {"nothing": nothing, "nothing, NaN": with_padding(nothing, float("nan"))}
