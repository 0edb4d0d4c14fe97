import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    check_default,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
    without,
)


def whiteboard(student_logits, teacher_logits, temperature=1.0):
    q = F.softmax(student_logits / temperature, dim=-1)
    p = F.softmax(teacher_logits / temperature, dim=-1)
    return temperature * (q - p) / len(q)


class KDGradient(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        expected = arguments["student_logits"].shape
        expect(
            result.shape == expected,
            f"every logit has a gradient of its own: shape {tuple(expected)}, but {tuple(result.shape)} came back",
            f"每个logit各有一个梯度，形状应为{tuple(expected)}，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]]), 2.0),
            torch.tensor([[-0.4621, 0.4621]]),
            "2 · (0.5 − 0.731) = −0.462: the student must raise the first logit, so its gradient is negative",
            "2 · (0.5 − 0.731) = −0.462：学生应提高第一个logit，所以它的梯度为负",
            tolerance=1e-3,
        )

    @check(en="The slope of the loss, measured", zh="与实测的损失斜率一致")
    def is_the_slope_of_the_loss(self, fn):
        student, teacher = normal(2, 3, seed=1).double(), normal(2, 3, seed=2).double()
        for temperature in (0.5, 1.0, 3.0):
            measured = torch.zeros_like(student)
            for place in [(n, i) for n in range(2) for i in range(3)]:
                step = torch.zeros_like(student)
                step[place] = 1e-4
                rise = _loss(student + step, teacher, temperature) - _loss(
                    student - step, teacher, temperature
                )
                measured[place] = rise / 2e-4
            expect_close(
                fn(student, teacher, temperature),
                measured,
                f"at T = {temperature:g}, moving single logits a little changes the loss by other slopes than yours",
                f"T = {temperature:g}时，把单个logit移动一点点，损失变化的斜率与你的结果不符",
            )

    @check(en="Zero up to a shift, and every row sums to 0", zh="只差平移时为零，且每行之和为0")
    def sees_no_shift(self, fn):
        logits, shift = normal(3, 4, seed=3), torch.tensor([[5.0], [-3.0], [0.0]])
        expect_close(
            fn(logits + shift, logits, 2.0),
            torch.zeros(3, 4),
            "a student equal to the teacher up to a shift of each row has nothing to change",
            "与教师只差逐行平移的学生，没有什么需要改变",
        )
        expect_close(
            fn(normal(3, 4, seed=4), logits, 2.0).sum(-1),
            torch.zeros(3),
            "each row should sum to 0: a shift of all its logits doesn't change the loss",
            "每行之和应为0：整行平移不改变损失",
        )

    @check(en="One N-th for each row", zh="每一行占1/N")
    def is_the_gradient_of_a_mean(self, fn):
        student, teacher = normal(3, 4, seed=5), normal(3, 4, seed=6)
        alone = torch.cat([fn(s[None], t[None]) for s, t in zip(student, teacher, strict=True)])
        expect_close(
            fn(student, teacher),
            alone / 3,
            "in a batch of 3 each row's gradient should be a third of what it is alone: the loss is a mean over rows",
            "3行一批时，每行的梯度应是它单独成批时的三分之一：损失对行取平均",
        )

    @check(en="No T is left for large T", zh="T很大时不再含T")
    def tends_to_the_centred_difference(self, fn):
        difference = normal(2, 4, seed=7) - normal(2, 4, seed=8)
        centred = difference - difference.mean(-1, keepdim=True)
        for temperature in (1e3, 4e3):
            expect_close(
                fn(normal(2, 4, seed=7).double(), normal(2, 4, seed=8).double(), temperature),
                centred / 8,
                f"at T = {temperature:g} the gradient should be the centred difference of the logits over C · N = 8; "
                "a power of T is missing or too many",
                f"T = {temperature:g}时，梯度应为中心化的logits之差除以C · N = 8；T的幂次多了或少了",
                tolerance=1e-2,
            )

    @check(en="By hand, without autograd", zh="手算，不用autograd")
    def needs_no_autograd(self, fn):
        expect(
            not _asks_autograd(fn, normal(2, 3, seed=9), normal(2, 3, seed=10)),
            "the function lets autograd find the gradient (backward, autograd.grad, torch.func.grad); write it down as "
            "a formula",
            "函数让autograd去求梯度（backward、autograd.grad或torch.func.grad）；请把梯度写成公式",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    @check(en="Right for logits of ±1e4, in the input's dtype", zh="logits为±1e4时正确，且保持dtype")
    def copes_with_extreme_logits(self, fn):
        expect_close(
            fn(torch.tensor([[1e4, -1e4]]), torch.tensor([[-1e4, 1e4]]), 4.0),
            torch.tensor([[4.0, -4.0]]),
            "where student and teacher are sure of different classes the gradient is T (1 − 0) / N, not an overflow",
            "学生与教师各自确信不同的类别时，梯度是T (1 − 0) / N，不应溢出",
        )
        for dtype in (torch.float64, torch.float16):  # NumPy, which may be used here, has no bfloat16
            came = fn(normal(2, 3).to(dtype), normal(2, 3, seed=1).to(dtype), 2.0).dtype
            expect(came == dtype, f"{dtype} goes in, {came} comes out", f"输入是{dtype}，输出却是{came}")

    def example(self):
        return {
            "student_logits": normal(3, 4, seed=13),
            "teacher_logits": normal(3, 4, seed=14),
            "temperature": 3.0,
        }

    def probes(self):
        arguments = self.example()
        return {
            "T = 3": arguments,
            "T = 1": arguments | {"temperature": 1.0},
            "default": without(arguments, "temperature"),
        }

    def edges(self):
        extremes = {
            name: 1e4 * value.sign() for name, value in without(self.probes()["T = 1"], "temperature").items()
        }
        return {"extreme": extremes}

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["asks autograd"] = _asks_autograd(function, normal(2, 3, seed=9), normal(2, 3, seed=10))
        return ordinary, edge


def _asks_autograd(function, student_logits, teacher_logits):
    """Whether a call runs a backward pass: that alone unpacks what autograd has saved."""
    unpacked = []
    hooks = (lambda saved: saved, lambda saved: unpacked.append(True) or saved)
    with torch.autograd.graph.saved_tensors_hooks(*hooks):
        came = outcome(lambda: function(student_logits, teacher_logits, 2.0))
    if isinstance(came, str):  # torch.func.grad raises under hooks, other errors also without
        return not isinstance(outcome(lambda: function(student_logits, teacher_logits, 2.0)), str)
    return bool(unpacked)


def _loss(student_logits, teacher_logits, temperature):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="batchmean")


@KDGradient.wrong(
    en="The sign is turned around, p − q: this is the direction of the step, and the optimiser subtracts it again.",
    zh="符号反了，成了p − q：这是更新的方向，优化器还会再减一次。",
)
def points_uphill(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return temperature * (p - q) / len(q)


@KDGradient.wrong(
    en="The factor is T², as in the loss: the chain rule through s / T takes one power of T back.",
    zh="因子用了T²，和损失里一样：对s / T用链式法则会抵掉一个T。",
)
def forgets_the_inner_derivative(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return temperature**2 * (q - p) / len(q)


@KDGradient.wrong(
    en="q − p without a factor: the loss carries T², the chain rule takes one T away, so one T remains.",
    zh="q − p前面没有因子：损失带T²，链式法则除去一个T，还应剩一个T。",
)
def leaves_out_the_temperature(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return (q - p) / len(q)


@KDGradient.wrong(
    en="(q − p) / (T N) is the gradient of the KL without T² in front: it shrinks with the square of T.",
    zh="(q − p) / (T N)是不带T²的KL的梯度：它随T的平方缩小。",
    reference="Hinton et al. 2015, section 2.1",
)
def forgets_the_square(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return (q - p) / (temperature * len(q))


@KDGradient.wrong(
    en="1/N is missing: the loss is a mean over rows, so each row's gradient is a share of it.",
    zh="漏了1/N：损失对行取平均，每行的梯度只占其中一份。",
)
def forgets_the_mean(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return temperature * (q - p)


@KDGradient.wrong(
    en="Divided by N · C: that is the gradient of a loss with reduction='mean', C times too small.",
    zh="除以了N · C：这是reduction='mean'那个损失的梯度，小了C倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def divides_by_the_classes_too(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return temperature * (q - p) / q.numel()


@KDGradient.wrong(
    en="The logits themselves are compared: the centred difference over C N is what the gradient tends to for large T, "
    "not what it is at yours.",
    zh="直接比较了logits：中心化之差除以C N是T很大时的极限，而不是当前T下的梯度。",
)
def takes_the_limit_for_the_thing(student_logits, teacher_logits, temperature=1.0):
    difference = (student_logits - teacher_logits).detach()
    return (difference - difference.mean(-1, keepdim=True)) / difference.numel()


@KDGradient.wrong(
    en="Only the teacher is softened: q must be the softmax of the student's logits over T.",
    zh="只软化了教师：q应是学生logits除以T之后的softmax。",
)
def softens_the_teacher_only(student_logits, teacher_logits, temperature=1.0):
    q, p = F.softmax(student_logits.detach(), -1), F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature * (q - p) / len(q)


@KDGradient.wrong(
    en="The temperature is only a factor in front: both softmaxes are taken at T = 1.",
    zh="温度系数只出现在前面的因子里：两个softmax都取在T = 1。",
)
def softens_neither(student_logits, teacher_logits, temperature=1.0):
    q, p = F.softmax(student_logits.detach(), -1), F.softmax(teacher_logits.detach(), -1)
    return temperature * (q - p) / len(q)


@KDGradient.wrong(
    en="−p / q is the derivative with respect to the probabilities. The way on to the logits goes through the "
    "softmax's Jacobian, which turns it into q − p.",
    zh="−p / q是对概率的导数。到logits还要乘上softmax的雅可比矩阵，乘完才是q − p。",
)
def stops_at_the_probabilities(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return -(temperature**2) * p / q / len(q)


@KDGradient.wrong(
    en="The softmax's Jacobian was taken to be its diagonal, q (1 − q). A logit moves every class's probability.",
    zh="把softmax的雅可比矩阵只当成对角线q (1 − q)。其实一个logit会影响所有类别的概率。",
)
def takes_the_diagonal_for_the_jacobian(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, -1) for logits in (student_logits, teacher_logits))
    return -temperature * p * (1 - q) / len(q)


@KDGradient.wrong(
    en="This is the gradient of the reverse KL(student ‖ teacher): every difference is weighed by q.",
    zh="这是反向KL(学生 ‖ 教师)的梯度：每一项都由q加权。",
)
def differentiates_the_reverse(student_logits, teacher_logits, temperature=1.0):
    log_q, log_p = (F.log_softmax(z.detach() / temperature, -1) for z in (student_logits, teacher_logits))
    ratio = log_q - log_p
    mean = (log_q.exp() * ratio).sum(-1, keepdim=True)
    return temperature * log_q.exp() * (ratio - mean) / len(ratio)


@KDGradient.wrong(
    en="The softmax runs over the batch (dim=0): the classes of one row must compete, not the rows of one class.",
    zh="softmax作用在批维（dim=0）上：应该让同一行的各类别竞争，而不是同一类别的各行竞争。",
)
def normalises_over_the_batch(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(logits.detach() / temperature, 0) for logits in (student_logits, teacher_logits))
    return temperature * (q - p) / len(q)


@KDGradient.wrong(
    en="The value is right, but autograd did the work. The exercise is the formula behind it.",
    zh="数值没错，但这是autograd算出来的。题目要的是背后的公式。",
)
def asks_autograd(student_logits, teacher_logits, temperature=1.0):
    with torch.enable_grad():
        leaf = student_logits.detach().clone().requires_grad_()
        return torch.autograd.grad(_loss(leaf, teacher_logits, temperature), leaf)[0]


@KDGradient.wrong(
    en="exp without subtracting the row's maximum overflows: at logits of 1e4 the gradient is NaN.",
    zh="没有先减去每行的最大值就取exp，会溢出：logits为1e4时梯度是NaN。",
)
def overflows(student_logits, teacher_logits, temperature=1.0):
    q, p = ((logits.detach() / temperature).exp() for logits in (student_logits, teacher_logits))
    return temperature * (q / q.sum(-1, keepdim=True) - p / p.sum(-1, keepdim=True)) / len(q)


EXERCISE = KDGradient()
