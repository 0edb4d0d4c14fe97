import torch
import torch.nn.functional as F
from torch import Tensor

from kd_study.exercises.base import Text, check, expect_close, gradient, normal
from kd_study.exercises.loss import NothingCounts
from kd_study.exercises.sequences._continuation import (
    each_reverse_kl,
    expect_scored,
    in_continuation,
    mean_loss,
    scored_tokens,
    until_the_end,
)
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    own = torch.arange(tokens.shape[1]) >= prompt_length
    ends = own & (tokens == eos_id)
    says = (own & (ends.cumsum(1) == ends))[:, 1:]  # up to the end; position i - 1 predicts token i
    log_q, log_p = torch.stack([student_logits, teacher_logits.detach()])[:, :, :-1][:, says].log_softmax(-1)
    return (log_q.exp() * (log_q - log_p)).sum() / max(len(log_q), 1)


class OnPolicyLoss(NothingCounts):
    nothing_counts = Text("a batch of nothing but prompts", "只有提示词的一批")

    def example(self):
        """Ends in the prompts, in the middle and at once, junk behind them; and a row without an end."""
        return {
            "student_logits": normal(3, 6, 4, seed=1),
            "teacher_logits": normal(3, 6, 4, seed=2),
            "tokens": torch.tensor([[3, 1, 0, 3, 2, 3], [1, 2, 0, 1, 2, 0], [2, 3, 3, 0, 1, 2]]),
            "prompt_length": 2,
            "eos_id": 3,
        }

    PREDICTING = torch.tensor(  # the positions of the example whose logits score a token
        [[0, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0], [0, 1, 0, 0, 0, 0]], dtype=torch.bool
    )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        teacher = torch.tensor([[[9.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]]])
        expect_close(
            fn(torch.zeros(1, 5, 2), teacher, torch.tensor([[0, 1, 1, 0, 1]]), 2, 0),
            0.27695,
            "the logits at positions 1 and 2 score the tokens 2 and 3, at 0.120 and 0.434 (position 0 costs 3.807, 3 costs 0.855, 4 costs 1.325); "
            "the mean is 0.277",
            "位置1、2的logits给第2、3个token打分，各为0.120和0.434（位置0是3.807，位置3是0.855，位置4是1.325）；平均是0.277",
            tolerance=1e-3,
        )

    @check(en="Logits at position i score token i + 1", zh="位置i的logits给第i + 1个token打分")
    def scores_the_next_token(self, fn):
        for prompt_length, positions in ((1, [0, 1, 2, 3]), (3, [2, 3]), (4, [3])):
            expect_scored(
                fn, [1, 2, 1, 2, 1], prompt_length, 0, positions,
                f"of 5 tokens the first {prompt_length} are the prompt, and none ends. The last token of the prompt predicts the first of the continuation, and the last logits predict nothing",
                f"5个token里前{prompt_length}个是提示词，没有结束符。提示词的最后一个token预测续文的第一个，而最后一个位置的logits不预测任何token",
            )  # fmt: skip

    @check(en="Without a prompt nothing scores the first token", zh="没有提示词时，第一个token不被打分")
    def takes_no_prompt_at_all(self, fn):
        for tokens, positions in (([1, 2, 1, 2], [0, 1, 2]), ([1, 0, 1, 2], [0]), ([0, 1, 2, 1], [])):
            expect_scored(
                fn, tokens, 0, 0, positions,
                f"in {tokens} with a prompt of 0 all is continuation, but nothing predicts token 0, and an end is an end; a slice "
                "that begins at prompt_length − 1 = −1 counts from the end",
                f"在{tokens}中提示词长为0，全部都是续文，但没有位置预测第0个token，遇到结束符照样结束；从prompt_length − 1 = −1开始的切片会从末尾数起",
            )  # fmt: skip

    @check(en="The end token counts, what follows doesn't", zh="结束符计入，其后的不计入")
    def stops_behind_the_first_end(self, fn):
        for tokens, positions, en, zh in (
            ([1, 2, 1, 0, 2, 1], [1, 2], "token 3 is the end", "第3个token是结束符"),
            ([1, 2, 1, 0, 0, 0], [1, 2], "token 3 is the first of three ends", "第3个token是三个结束符中的第一个"),
            ([1, 2, 1, 0, 2, 0], [1, 2], "token 3 is the first end, 5 the second", "第3个token是第一个结束符，第5个是第二个"),
            ([1, 2, 0, 1, 2, 1], [1], "the continuation begins with its end", "续文的第一个token就是结束符"),
            ([1, 2, 1, 2, 1, 0], [1, 2, 3, 4], "the last token is the end", "最后一个token是结束符"),
        ):  # fmt: skip
            expect_scored(
                fn, tokens, 2, 0, positions,
                f"in {tokens} with a prompt of 2 {en}, which counts, and nothing behind it does",
                f"在{tokens}中提示词长为2，{zh}；它本身计入，其后的都不计入",
            )  # fmt: skip

    @check(en="An end token in the prompt ends nothing", zh="提示词里的结束符不结束任何东西")
    def goes_on_after_an_end_in_the_prompt(self, fn):
        for tokens in ([4, 1, 2, 1, 2], [1, 4, 2, 1, 2], [4, 4, 2, 1, 2]):
            expect_scored(
                fn, tokens, 2, 4, [1, 2, 3],
                f"in {tokens} with a prompt of 2 the end token 4 stands in the prompt only, so that the whole continuation counts",
                f"在{tokens}中提示词长为2，结束符4只出现在提示词里，所以整段续文都计入",
            )  # fmt: skip

    @check(en="One mean over all scored tokens", zh="对所有被打分的token一次性取平均")
    def is_one_mean_over_scored_tokens(self, fn):
        example = self.example()
        rows = [
            fn(
                **{
                    name: value[n : n + 1] if isinstance(value, Tensor) else value
                    for name, value in example.items()
                }
            )
            for n in range(3)
        ]
        expect_close(
            fn(**example),
            (2 * rows[0] + 4 * rows[1] + rows[2]) / 7,
            "three rows score 2, 4 and 1 tokens: the loss should be the mean over the 7, not the mean of the rows' means",
            "三行分别有2、4、1个被打分的token：损失应是这7个的平均，而不是逐行平均再平均",
        )

    @check(en="Reverse KL, the whole gradient", zh="反向KL，完整的梯度")
    def has_the_gradient_of_the_reverse_kl(self, fn):
        example = self.example()
        log_q, log_p = (example[name].log_softmax(-1) for name in ("student_logits", "teacher_logits"))
        gap = log_q - log_p
        each = log_q.exp() * (gap - (log_q.exp() * gap).sum(-1, keepdim=True))
        expect_close(
            gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"]),
            each * self.PREDICTING[..., None] / 7,
            "with 7 scored tokens the gradient should be q (log q − log p − KL(q ‖ p)) / 7 at the positions that score one, and 0 elsewhere",
            "有7个被打分的token时，打分的位置上梯度应为q (log q − log p − KL(q ‖ p)) / 7，其余为0",
        )
        expect_close(
            fn(
                torch.tensor([[[90.0, 0.0], [0.0, 0.0]]]),
                torch.tensor([[[0.0, 90.0], [0.0, 0.0]]]),
                torch.tensor([[1, 1]]),
                1,
                0,
            ),
            90.0,
            "a student sure of what its teacher is sure to be wrong pays the gap of the logits, 90; a small number inside the logarithm hides it",
            "学生确信的恰是教师确信为错的，损失应等于logits之差90；在对数里加小常数会把它掩盖掉",
        )

    @check(en="Which token was drawn doesn't matter", zh="采到的是哪个token并不重要")
    def looks_at_whole_distributions(self, fn):
        example = self.example()
        others = torch.where(example["tokens"] == 3, 3, (example["tokens"] + 1) % 3)
        expect_close(
            fn(**example | {"tokens": others}),
            fn(**example),
            "other tokens with the same ends should give the same loss: it compares whole distributions, and the tokens only tell what counts",
            "换成别的token而结束符位置不变，损失应相同：比较的是完整的分布，tokens只决定哪些计入",
        )

    @check(en="Other positions may be NaN or infinite", zh="其余位置可以是NaN或无穷")
    def ignores_the_other_positions(self, fn):
        example = self.example()
        clean = gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"])
        for value in (float("nan"), float("inf"), -float("inf")):
            dirty = self._dirty(value)
            expect_close(
                fn(**dirty),
                fn(**example),
                f"{value} at a position that scores nothing reaches the loss; NaN · 0 is NaN, so select the positions first",
                f"不打分的位置上的{value}进入了损失；NaN · 0仍是NaN，请先选出打分的位置",
            )
            expect_close(
                gradient(
                    lambda leaf, dirty=dirty: fn(**dirty | {"student_logits": leaf}), dirty["student_logits"]
                ),
                clean,
                f"{value} at a position that scores nothing reaches the gradient, even if the loss looks right; select the positions before computing",
                f"不打分的位置上的{value}进入了梯度，尽管损失看上去没错；请在计算之前就选出打分的位置",
            )

    def probes(self):
        example = self.example()
        return {"prompt of 2": example, "prompt of 1": example | {"prompt_length": 1}}

    def edges(self):
        return super().edges() | {
            "NaN": self._dirty(float("nan")),
            "no prompt": self.example() | {"prompt_length": 0},
        }

    def nothing(self):
        return {"nothing but prompts": self.example() | {"prompt_length": 6}}

    def _dirty(self, value):
        example, hidden = self.example(), ~self.PREDICTING[..., None]
        names = ("student_logits", "teacher_logits")
        return example | {name: example[name].masked_fill(hidden, value) for name in names}


@OnPolicyLoss.wrong(
    en="The shift is missing: the logits at position i are taken for those of token i, which the model has just read. They score token i + 1.",
    zh="漏了错位：把位置i的logits当成了第i个token的，而那个token模型刚刚读过。它们是给第i + 1个token打分的。",
    reference="DeepOpt-com/WrinkleFree-Monorepo#13",
)
def forgets_the_shift(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)
    each = each_reverse_kl(student_logits[kept], teacher_logits.detach()[kept])
    return each.sum() / max(each.numel(), 1)


@OnPolicyLoss.wrong(
    en="The shift goes the wrong way: logits[:, 1:] with mask[:, :-1] lets position i score token i − 1.",
    zh="错位的方向反了：logits[:, 1:]配mask[:, :-1]，等于让位置i给第i − 1个token打分。",
)
def shifts_the_wrong_way(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, :-1]
    each = each_reverse_kl(student_logits[:, 1:][kept], teacher_logits.detach()[:, 1:][kept])
    return each.sum() / max(each.numel(), 1)


@OnPolicyLoss.wrong(
    en="Only the student's logits are shifted: it is asked to say one token earlier what its teacher says. Such a loss starts high and stays there.",
    zh="只错位了学生的logits：等于要求它提前一个token说出教师的话。这样的损失一开始就很高，而且降不下去。",
    reference="DeepOpt-com/WrinkleFree-Monorepo#13",
)
def shifts_the_student_only(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    each = each_reverse_kl(student_logits[:, :-1][kept], teacher_logits.detach()[:, 1:][kept])
    return each.sum() / max(each.numel(), 1)


@OnPolicyLoss.wrong(
    en="The first token of the continuation is left out: it is predicted by the last token of the prompt, at position prompt_length − 1.",
    zh="漏掉了续文的第一个token：预测它的是提示词的最后一个token，即位置prompt_length − 1。",
)
def leaves_the_first_token_out(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id) & in_continuation(tokens, prompt_length + 1)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="The prompt is scored as well: the student didn't write it.",
    zh="把提示词也算了进去：那不是学生写的。",
    reference="MakazhanAlpamys/Soup#682",
)
def scores_the_prompt(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id) | ~in_continuation(tokens, prompt_length)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="The end token is left out: the student is never told when to stop.",
    zh="漏掉了结束符：从没有人教学生什么时候停下。",
    reference="NVIDIA-NeMo/RL PR#3286",
)
def leaves_the_end_out(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id) & (tokens != eos_id)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="What stands behind the end token is scored too: padding, which nobody wrote.",
    zh="结束符之后的内容也算了进去：那是填充，没有人写过它。",
    reference="peremartra/optipfair#34",
)
def goes_on_after_the_end(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    return mean_loss(student_logits, teacher_logits, in_continuation(tokens, prompt_length))


@OnPolicyLoss.wrong(
    en="Only the end tokens themselves are dropped, as for a padding token: the first, which should count, is gone, and what stands between two is kept.",
    zh="只去掉了结束符本身，就像去掉填充符那样：该计入的第一个没了，夹在两个之间的却留着。",
)
def drops_every_end_token(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    return mean_loss(
        student_logits, teacher_logits, in_continuation(tokens, prompt_length) & (tokens != eos_id)
    )


@OnPolicyLoss.wrong(
    en="cumsum(ends) ≤ 1 keeps everything up to the second end token. Subtract the token itself, and ask for 0 ends before it.",
    zh="cumsum(ends) ≤ 1会一直保留到第二个结束符。请减去该token自己，再要求它之前的结束符个数为0。",
)
def goes_on_to_the_second_end(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    continues = in_continuation(tokens, prompt_length)
    scored = continues & ((continues & (tokens == eos_id)).cumsum(1) <= 1)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="argmax finds the first end token, but gives 0 where there is none: a continuation without an end is cut to its first token. It counts as a whole.",
    zh="argmax能找到第一个结束符，但一个都没有时它返回0：没有结束符的续文被截得只剩第一个token。它应当全部计入。",
)
def takes_no_end_for_the_first_place(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    continues = in_continuation(tokens, prompt_length)
    first = (continues & (tokens == eos_id)).int().argmax(1, keepdim=True).clamp(min=prompt_length)
    return mean_loss(student_logits, teacher_logits, continues & (torch.arange(tokens.shape[1]) <= first))


@OnPolicyLoss.wrong(
    en="All rows are cut where the first of them ends: each row has its own end.",
    zh="所有行都在最早结束的那一行处截断了：每一行有自己的结束位置。",
)
def cuts_all_rows_at_the_first_end(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id).all(0, keepdim=True).expand_as(tokens)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="An end token in the prompt ends the continuation before it has begun. Chat templates put one after every turn.",
    zh="提示词里的结束符让续文还没开始就结束了。对话模板在每一轮之后都会放一个。",
)
def ends_with_the_prompt(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = in_continuation(tokens, prompt_length) & until_the_end(tokens, eos_id)
    return mean_loss(student_logits, teacher_logits, scored)


@OnPolicyLoss.wrong(
    en="This is the mean of the rows' means: a token in a short answer weighs more. One mean over all scored tokens is asked for.",
    zh="这是先逐行平均再取平均：短回答里的token更重。要的是对所有被打分的token一次性取平均。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id)
    rows = zip(student_logits.split(1), teacher_logits.split(1), scored.split(1), strict=True)
    return torch.stack([mean_loss(*row) for row in rows]).mean()


@OnPolicyLoss.wrong(
    en="The sum is divided by all places of the continuation, those behind the end too: a batch with one long answer learns less from the short ones.",
    zh="总和除以了续文的全部位置，包括结束符之后的：只要批内有一个长回答，短回答就学得更少。",
)
def divides_by_all_places(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    scored = scored_tokens(tokens, prompt_length, eos_id)
    places = in_continuation(tokens, prompt_length).sum().clamp(min=1)
    return mean_loss(student_logits, teacher_logits, scored) * scored.sum() / places


@OnPolicyLoss.wrong(
    en="This is KL(teacher ‖ student), the forward direction, on the student's own text: the teacher weighs the sum.",
    zh="这是在学生自己的文本上算的KL(教师 ‖ 学生)，即正向：由教师加权。",
    reference="THUDM/slime PR#2254",
)
def goes_forward(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    each = kl_of_tokens(student_logits[:, :-1][kept], teacher_logits[:, :-1][kept])
    return each.sum() / max(each.numel(), 1)


@OnPolicyLoss.wrong(
    en="Only the drawn token's log q − log p is taken. On average that is the right value, but its gradient by backward is 0 on average. The whole distributions are there: sum over them.",
    zh="只取了被采到的那个token的log q − log p。平均来说数值没错，但这样反向传播，梯度的平均为0。手上有完整的分布：请对它求和。",
    reference="THUDM/slime PR#2254",
)
def looks_at_the_drawn_token_only(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    drawn = tokens[:, 1:][kept][:, None]
    log_q, log_p = (
        F.log_softmax(logits[:, :-1][kept], -1).gather(1, drawn)
        for logits in (student_logits, teacher_logits.detach())
    )
    return (log_q - log_p).sum() / max(len(drawn), 1)


@OnPolicyLoss.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the scored positions before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出打分的位置。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    each = each_reverse_kl(student_logits[:, :-1], teacher_logits.detach()[:, :-1])
    return (each * kept).sum() / kept.sum().clamp(min=1)


@OnPolicyLoss.wrong(
    en="A mean over no token at all is 0 / 0: where the prompts fill everything the loss is NaN.",
    zh="一个token都没有时取平均是0 / 0：提示词占满全部位置时，损失是NaN。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    return each_reverse_kl(student_logits[:, :-1][kept], teacher_logits.detach()[:, :-1][kept]).mean()


@OnPolicyLoss.wrong(
    en="The teacher is not detached: a gradient flows into its logits.",
    zh="教师没有detach：梯度会流入它的logits。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, 1:]
    each = each_reverse_kl(student_logits[:, :-1][kept], teacher_logits[:, :-1][kept])
    return each.sum() / max(each.numel(), 1)


@OnPolicyLoss.wrong(
    en="The slice [prompt_length − 1 : −1] begins at −1 where there is no prompt, which counts from the end: nothing is left, and the loss is 0.",
    zh="没有提示词时，切片[prompt_length − 1 : −1]从−1开始，也就是从末尾数起：什么都没剩下，损失成了0。",
)
def slices_from_the_end_without_a_prompt(student_logits, teacher_logits, tokens, prompt_length, eos_id):
    student, teacher = (x[:, prompt_length - 1 : -1] for x in (student_logits, teacher_logits.detach()))
    kept = scored_tokens(tokens, prompt_length, eos_id)[:, prompt_length:][:, : student.shape[1]]
    each = each_reverse_kl(student[kept], teacher[kept])
    return each.sum() / max(each.numel(), 1)


EXERCISE = OnPolicyLoss()
