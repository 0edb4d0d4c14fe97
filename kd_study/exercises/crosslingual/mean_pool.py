import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
)


def whiteboard(hidden, mask):
    kept = mask.bool().unsqueeze(-1)
    return hidden.masked_fill(~kept, 0).sum(1) / kept.sum(1).clamp(min=1)


class MeanPool(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        hidden = arguments["hidden"].shape
        expect(
            result.shape == (hidden[0], hidden[2]),
            f"hidden states of shape {tuple(hidden)} should give {(hidden[0], hidden[2])}, one vector a sentence, but "
            f"{tuple(result.shape)} came back",
            f"形状为{tuple(hidden)}的隐藏状态应得到{(hidden[0], hidden[2])}，每句一个向量，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]]), torch.tensor([[1, 1, 0]])),
            torch.tensor([[2.0, 2.0]]),
            "the third token is padding: (1 + 3) / 2 and (0 + 4) / 2",
            "第三个token是填充：(1 + 3) / 2与(0 + 4) / 2",
        )

    @check(en="A sentence has the same vector alone and in a batch", zh="句子单独编码与放进一批里结果相同")
    def is_the_same_alone_and_in_a_batch(self, fn):
        hidden, mask = normal(3, 5, 2, seed=1), _lengths(1, 5, 3, longest=5)
        together = fn(hidden, mask)
        for row, length in enumerate((1, 5, 3)):
            expect_close(
                together[row],
                hidden[row, :length].mean(0),
                f"a sentence of {length} tokens in a batch of length 5 should get the mean of its own {length}",
                f"在长度为5的一批里，有{length}个token的句子应得到自己那{length}个的平均",
            )
        longer = fn(torch.cat([hidden, normal(3, 4, 2, seed=2)], 1), F.pad(mask, (0, 4)))
        expect_close(
            longer,
            together,
            "four more columns of padding should change nothing",
            "再加四列填充，结果不应变化",
        )

    @check(en="Padding anywhere", zh="填充可以在任何位置")
    def leaves_out_padding_anywhere(self, fn):
        hidden = normal(2, 4, 3, seed=3)
        mask = torch.tensor([[False, False, True, True], [True, False, True, False]])
        expect_close(
            fn(hidden, mask),
            torch.stack([hidden[0, 2:].mean(0), hidden[1, ::2].mean(0)]),
            "padding may stand on the left or between tokens; the mask says which count, not how many",
            "填充可能在左边，也可能夹在中间；掩码说的是哪些计入，而不只是有几个",
        )

    @check(en="Padding may be NaN or infinite", zh="填充处可以是NaN或无穷")
    def ignores_what_stands_at_the_padding(self, fn):
        hidden, mask = normal(2, 4, 3, seed=4), _lengths(2, 3, longest=4)
        clean = fn(hidden, mask)
        for value in (float("nan"), float("inf"), -float("inf"), 1e30):
            leaf = hidden.masked_fill(~mask[..., None], value).requires_grad_()
            came = fn(leaf, mask)
            expect_close(
                came,
                clean,
                f"{value} at the padding reaches the result; NaN · 0 is NaN, so replace it before you sum",
                f"填充处的{value}进入了结果；NaN · 0仍是NaN，请在求和之前把它换掉",
            )
            expect(
                came.requires_grad,
                "the graph is cut: the encoder before the pooling gets no gradient",
                "计算图被切断了：池化之前的编码器得不到梯度",
            )
            (found,) = torch.autograd.grad(came.sum(), [leaf])
            expect_close(
                found,
                (mask / mask.sum(1, keepdim=True))[..., None].expand(2, 4, 3),
                f"with {value} at the padding the gradient should be 1 / (tokens kept) at a token that counts and 0 at the "
                "padding",
                f"填充处为{value}时，计入的token梯度应为1 /（计入的个数），填充处应为0",
            )

    @check(en="A row of padding gives zeros", zh="全是填充的行给出零向量")
    def gives_zeros_for_a_row_of_padding(self, fn):
        hidden, mask = normal(3, 2, 2, seed=5), _lengths(2, 0, 1, longest=2)
        for value in (1.0, float("nan")):
            leaf = hidden.masked_fill(~mask[..., None], value).requires_grad_()
            came = fn(leaf, mask)
            expect_close(
                came,
                torch.stack([hidden[0].mean(0), torch.zeros(2), hidden[2, 0]]),
                "the second row has no token: zeros, not 0 / 0, and the rows beside it as ever",
                "第二行没有token：应为零向量，而不是0 / 0，其他行照常",
            )
            found = torch.autograd.grad(came.sum(), [leaf])[0] if came.requires_grad else mask[..., None] * 0
            expect(
                bool(found.isfinite().all()),
                f"a row without a token, its padding {value}, gives a gradient that is not finite. A 0 / 0 that is replaced "
                "afterwards still has the gradient NaN: keep the divisor above 0",
                f"有一行没有token（填充处为{value}），梯度就不是有限数了。0 / 0的结果事后即使换掉，梯度仍是NaN：请让除数始终大于0",
            )

    @check(en="A mask of any dtype", zh="mask可以是任何dtype")
    def takes_a_mask_of_any_dtype(self, fn):
        hidden, mask = normal(2, 4, 3, seed=6), _lengths(1, 3, longest=4)
        for dtype in (torch.int64, torch.int32, torch.uint8, torch.float32, torch.float64, torch.bfloat16):
            expect_close(
                fn(hidden, mask.to(dtype)),
                fn(hidden, mask),
                f"the same mask as {dtype} should give the same vectors",
                f"同一个mask换成{dtype}，结果应不变",
            )
        long = torch.zeros(1, 301, 1)
        long[:, 40:] = 1.0
        for dtype in (torch.bool, torch.uint8, torch.bfloat16):
            expect_close(
                fn(long, torch.ones(1, 301, dtype=dtype)),
                torch.tensor([[261 / 301]]),
                f"with 301 tokens a mask of {dtype} is still one token a place; count in a dtype that can hold 301",
                f"有301个token时，{dtype}的mask同样是每处一个token；请用容得下301的dtype来计数",
            )

    @check(en="Keeps the dtype of hidden", zh="保持hidden的dtype")
    def keeps_the_dtype(self, fn):
        for dtype in (torch.float64, torch.bfloat16):
            came = fn(normal(2, 3, 4).to(dtype), _lengths(1, 3, longest=3))
            expect(
                came.dtype == dtype,
                f"{dtype} goes in, {came.dtype} comes out",
                f"输入是{dtype}，输出却是{came.dtype}",
            )

    def probes(self):
        return {
            "right": {"hidden": normal(3, 4, 2, seed=7), "mask": _lengths(1, 4, 2, longest=4)},
            "left": {"hidden": normal(3, 4, 2, seed=8), "mask": _lengths(1, 3, 2, longest=4).flip(1)},
            "full": {"hidden": normal(2, 3, 3, seed=9), "mask": torch.ones(2, 3, dtype=torch.bool)},
        }

    def edges(self):
        hidden, mask = normal(2, 3, 2, seed=10), _lengths(1, 3, longest=3)
        return {
            "NaN": {"hidden": hidden.masked_fill(~mask[..., None], float("nan")), "mask": mask},
            "nothing": {"hidden": hidden, "mask": _lengths(0, 3, longest=3)},
            "int": {"hidden": hidden, "mask": mask.long()},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        given = self.probes()["right"]
        edge["graph"] = outcome(
            lambda: function(given["hidden"].requires_grad_(), given["mask"]).requires_grad
        )
        return ordinary, edge


def _lengths(*lengths: int, longest: int) -> torch.Tensor:
    """The bool mask of sentences of these lengths, padded on the right."""
    return torch.arange(longest) < torch.tensor(lengths)[:, None]


def _parts(hidden, mask):
    """Masked hidden states and the number of tokens, at least 1."""
    keep = mask.bool()[..., None]
    return hidden.masked_fill(~keep, 0), keep.sum(1).clamp(min=1)


@MeanPool.wrong(
    en="Padding counts like a token: the vector of a sentence depends on the longest sentence of its batch.",
    zh="填充也被当成了token：句子的向量会取决于同一批里最长的句子。",
)
def counts_padding(hidden, mask):
    return hidden.mean(1)


@MeanPool.wrong(
    en="Padding is left out of the sum, but the divisor is still L: short sentences get short vectors.",
    zh="求和时排除了填充，除数却仍是L：句子越短，向量也越短。",
)
def divides_by_the_padded_length(hidden, mask):
    return _parts(hidden, mask)[0].mean(1)


@MeanPool.wrong(
    en="The mask is read the other way round: true means padding in PyTorch's key_padding_mask, but a token that counts here "
    "and in a tokenizer's attention_mask.",
    zh="掩码读反了：在PyTorch的key_padding_mask里真表示填充，而在这里和分词器的attention_mask里，真表示计入的token。",
)
def reads_the_mask_the_other_way_round(hidden, mask):
    kept, number = _parts(hidden, ~mask.bool())
    return kept.sum(1) / number


@MeanPool.wrong(
    en="The vectors are added up and not divided: long sentences get long vectors.",
    zh="只求和，没有除：句子越长，向量越长。",
)
def sums_the_tokens(hidden, mask):
    return _parts(hidden, mask)[0].sum(1)


@MeanPool.wrong(
    en="This is the first token's vector. A model has the sentence there only if it was trained to, and with padding on the "
    "left it isn't even a token.",
    zh="这是第一个token的向量。只有专门这样训练过的模型才把整句放在那里；如果填充在左边，它甚至不是token。",
)
def takes_the_first_token(hidden, mask):
    return hidden[:, 0]


@MeanPool.wrong(
    en="This is the last kept token's vector, as decoders use it. The mean of all kept tokens is asked for.",
    zh="这是最后一个计入的token的向量，解码器模型会这样用。这里要的是所有计入token的平均。",
)
def takes_the_last_token(hidden, mask):
    place = torch.arange(mask.shape[1]) * mask.bool()
    return hidden[torch.arange(len(hidden)), place.argmax(1)]


@MeanPool.wrong(
    en="This is max pooling: the largest entry of each dimension. One loud token decides; the mean listens to all of them.",
    zh="这是最大池化：取每一维的最大值，由一个突出的token说了算；平均则顾及所有token。",
)
def takes_the_maximum(hidden, mask):
    largest = hidden.masked_fill(~mask.bool()[..., None], -torch.inf).amax(1)
    return torch.where(mask.bool().any(1, keepdim=True), largest, 0)


@MeanPool.wrong(
    en="The sum of each row is divided by the average number of tokens in the batch: a sentence's vector depends on its "
    "neighbours. Divide by the row's own number.",
    zh="每行之和除以了整批的平均token数：句子的向量受邻居影响。应除以本行自己的个数。",
)
def divides_by_the_average_length(hidden, mask):
    kept, number = _parts(hidden, mask)
    return kept.sum(1) / number.to(hidden.dtype).mean()


@MeanPool.wrong(
    en="The divisor is one too many: against 0 / 0 it suffices that it is at least 1, and adding 1 shrinks every vector.",
    zh="除数多加了1：要避免0 / 0，只需让除数至少为1；直接加1会让每个向量都变短。",
)
def adds_one_to_the_number(hidden, mask):
    kept, _ = _parts(hidden, mask)
    return kept.sum(1) / (mask.bool().sum(1, keepdim=True) + 1)


@MeanPool.wrong(
    en="The divisor is the root of the number of tokens: that is another pooling, and long sentences keep longer vectors.",
    zh="除以了token数的平方根：这是另一种池化，句子越长向量也越长。",
)
def divides_by_the_root(hidden, mask):
    kept, number = _parts(hidden, mask)
    return kept.sum(1) / number.to(hidden.dtype).sqrt()


@MeanPool.wrong(
    en="The vectors are normalised at the end. That may come next, but it isn't pooling: the length says something too.",
    zh="最后又做了归一化。那是后面的步骤，不属于池化：长度也含有信息。",
)
def normalises_the_result(hidden, mask):
    kept, number = _parts(hidden, mask)
    return F.normalize(kept.sum(1) / number, dim=-1)


@MeanPool.wrong(
    en="The mask multiplies: NaN · 0 is NaN, and inf · 0 too. One bad number at the padding spoils the sentence. Replace it "
    "with where or masked_fill.",
    zh="用了乘掩码：NaN · 0是NaN，inf · 0也是。填充处一个坏数就毁掉整句。请用where或masked_fill替换。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(hidden, mask):
    weight = mask.to(hidden.dtype)[..., None]
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)


@MeanPool.wrong(
    en="A row without tokens is divided by 0: NaN, which a batch's mean spreads over everything. Divide by at least 1.",
    zh="没有token的行除以了0：得到NaN，一取平均就传到整批。除数至少应为1。",
)
def divides_by_zero(hidden, mask):
    kept, _ = _parts(hidden, mask)
    return kept.sum(1) / mask.bool().sum(1, keepdim=True)


@MeanPool.wrong(
    en="The mask serves as an index or a condition as it comes: a tokenizer's mask is of integers. Make it bool first.",
    zh="掩码原样当作下标或条件使用：分词器给的掩码是整数。请先转成bool。",
)
def takes_the_mask_for_bool(hidden, mask):
    number = mask.sum(1, keepdim=True).clamp(min=1)
    return torch.where(mask[..., None], hidden, torch.zeros_like(hidden)).sum(1) / number


@MeanPool.wrong(
    en="The graph is cut: the pooling stands between the loss and the student, and no gradient gets through.",
    zh="计算图被切断了：池化位于损失与学生之间，梯度传不过去。",
)
def cuts_the_graph(hidden, mask):
    kept, number = _parts(hidden, mask)
    return (kept.sum(1) / number).detach()


EXERCISE = MeanPool()
