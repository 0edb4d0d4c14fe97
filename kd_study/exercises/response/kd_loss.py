import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect_close, gradient, normal, without
from kd_study.exercises.loss import LossExercise


def whiteboard(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=-1)
    soft = temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


class KDLoss(LossExercise):
    def example(self):
        return {
            "student_logits": normal(3, 4, seed=1),
            "teacher_logits": normal(3, 4, seed=2),
            "targets": torch.tensor([2, 0, 1]),
            "temperature": 3.0,
            "alpha": 0.3,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]]), torch.tensor([0]), 2.0, 0.5),
            0.5685,
            "the KL at T = 2 is 0.111, times 4 makes 0.444; the labels cost log 2 = 0.693; half of each is 0.569",
            "T = 2时KL是0.111，乘4得0.444；硬标签的损失是log 2 = 0.693；各取一半是0.569",
            tolerance=1e-3,
        )

    @check(en="alpha = 0: the labels alone, at T = 1", zh="alpha = 0：只剩T = 1下的硬标签")
    def is_the_cross_entropy_at_alpha_zero(self, fn):
        student, teacher, targets = normal(3, 4, seed=3), normal(3, 4, seed=4), torch.tensor([1, 3, 1])
        for temperature in (1.0, 5.0):
            expect_close(
                fn(student, teacher, targets, temperature, 0.0),
                F.cross_entropy(student, targets),
                f"with alpha = 0 and T = {temperature:g} the loss should be the labels' plain cross-entropy, at T = 1",
                f"alpha = 0、T = {temperature:g}时，损失应是硬标签的普通交叉熵（T = 1）",
            )

    @check(en="alpha = 1: the soft targets alone, with T²", zh="alpha = 1：只剩软标签，且带T²")
    def is_the_divergence_at_alpha_one(self, fn):
        student, teacher, targets = normal(3, 4, seed=5), normal(3, 4, seed=6), torch.tensor([0, 2, 1])
        for temperature in (1.0, 5.0):
            expect_close(
                fn(student, teacher, targets, temperature, 1.0),
                _soft(student, teacher, temperature),
                f"with alpha = 1 and T = {temperature:g} the loss should be T² · KL(teacher ‖ student), mean over rows",
                f"alpha = 1、T = {temperature:g}时，损失应是T² · KL(教师 ‖ 学生)，对行取平均",
            )
        expect_close(
            fn(teacher + 3.0, teacher, targets, 2.0, 1.0),
            0.0,
            "with alpha = 1 a student equal to the teacher up to a shift should cost 0",
            "alpha = 1时，与教师只差一个平移的学生损失应为0",
        )

    @check(en="A straight line in alpha, no jump at its ends", zh="对alpha是一条直线，端点处不跳变")
    def is_a_straight_line_in_alpha(self, fn):
        arguments = self.example()
        soft = _soft(arguments["student_logits"], arguments["teacher_logits"], 3.0)
        hard = F.cross_entropy(arguments["student_logits"], arguments["targets"])
        for alpha in (0.0, 1e-3, 0.25, 0.9, 1 - 1e-3, 1.0):
            expect_close(
                fn(**arguments | {"alpha": alpha}),
                alpha * soft + (1 - alpha) * hard,
                f"at alpha = {alpha:g} the loss should be {alpha:g} · soft + {1 - alpha:g} · hard",
                f"alpha = {alpha:g}时，损失应为{alpha:g} · soft + {1 - alpha:g} · hard",
            )

    @check(en="Defaults: T = 4, alpha = 0.5", zh="默认值：T = 4，alpha = 0.5")
    def has_the_defaults_of_the_contract(self, fn):
        student, teacher, targets = normal(2, 3, seed=7), normal(2, 3, seed=8), torch.tensor([0, 2])
        for arguments, described in (
            ({"temperature": 2.0}, "alpha = 0.5"),
            ({"alpha": 0.8}, "T = 4"),
            ({}, "T = 4, alpha = 0.5"),
        ):
            expect_close(
                fn(student, teacher, targets, **arguments),
                fn(student, teacher, targets, **{"temperature": 4.0, "alpha": 0.5} | arguments),
                f"what is not given should be {described}",
                f"没有给出的参数应取{described}",
            )

    @check(en="The gradient of the mixture", zh="混合损失的梯度")
    def has_the_gradient_of_the_mixture(self, fn):
        arguments = self.example()
        student, teacher = arguments["student_logits"], arguments["teacher_logits"]
        label = F.one_hot(arguments["targets"], 4)
        for temperature in (0.5, 3.0):
            q, p = (logits.div(temperature).softmax(-1) for logits in (student, teacher))
            given = arguments | {"temperature": temperature}
            expect_close(
                gradient(lambda leaf, given=given: fn(**given | {"student_logits": leaf}), student),
                (0.3 * temperature * (q - p) + 0.7 * (student.softmax(-1) - label)) / 3,
                f"at T = {temperature:g} and alpha = 0.3 the gradient should be "
                "(0.3 · T (q − p) + 0.7 · (softmax(student) − label)) / N",
                f"T = {temperature:g}、alpha = 0.3时，梯度应为(0.3 · T (q − p) + 0.7 · (softmax(学生) − 标签)) / N",
            )

    @check(en="Both terms are means over rows", zh="两项都对行取平均")
    def is_a_mean_over_rows_only(self, fn):
        arguments = self.example()
        one = fn(**arguments)
        expect_close(
            fn(**arguments | {name: torch.cat([arguments[name]] * 2) for name in _TENSORS}),
            one,
            "the same batch twice over should cost the same",
            "同一批样本重复两遍，损失应当不变",
        )
        empty_class = torch.full((3, 4), -60.0)
        wider = {name: torch.cat([arguments[name], empty_class], 1) for name in _TENSORS[:2]}
        expect_close(
            fn(**arguments | wider),
            one,
            "four more classes without any probability should change nothing; is something divided by the number of classes?",
            "增加四个概率为零的类别不应改变损失；是不是多除了类别数？",
        )

    @check(en="One row, and a sure mistake", zh="只有一行，以及确信的错误")
    def copes_with_one_row(self, fn):
        expect_close(
            fn(torch.zeros(1, 4), torch.zeros(1, 4), torch.tensor([1])),
            0.6931,
            "an even student and an even teacher over 4 classes leave 0.5 · log 4 for the label",
            "学生和教师在4个类别上都均匀分布时，只剩硬标签的0.5 · log 4",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.tensor([[1e4, -1e4]]), torch.tensor([[-1e4, 1e4]]), torch.tensor([1]), 1.0),
            2e4,
            "a student sure of what its teacher and its label call wrong pays the gap of its logits in both terms; a "
            "clamp, or a small number in the logarithm, hides it",
            "学生确信的恰是教师和标签都判为错的，两项都应等于学生logits之差；截断或在对数里加小常数会把它掩盖掉",
        )

    def probes(self):
        example = self.example()
        return {
            "T = 3": example,
            "T = 1": example | {"temperature": 1.0},
            "alpha = 0": example | {"alpha": 0.0},
            "alpha = 1": example | {"alpha": 1.0},
            "defaults": without(example, "temperature", "alpha"),
        }


_TENSORS = ("student_logits", "teacher_logits", "targets")


def _soft(student_logits, teacher_logits, temperature):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="batchmean")


@KDLoss.wrong(
    en="alpha and 1 − alpha are swapped: in this exercise alpha weighs the soft targets. Papers and libraries differ.",
    zh="alpha与1 − alpha互换了：本题约定alpha是软标签的权重。各篇论文、各个库的约定并不一致。",
)
def swaps_the_weights(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature)
    return (1 - alpha) * soft + alpha * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="T² is missing: the soft term's gradient shrinks with the square of T, and the labels win as T grows.",
    zh="漏了T²：软标签项的梯度随T的平方缩小，T越大，硬标签越占上风。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature) / temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="T² multiplies the whole mixture. Only the soft term needs it: the labels are read at T = 1 and lose nothing.",
    zh="T²乘到了整个混合损失上。只有软标签项需要它：硬标签在T = 1下读取，梯度并没有缩小。",
)
def multiplies_both_by_the_square(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature)
    return alpha * soft + (1 - alpha) * temperature**2 * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The labels' term is softened too. The student is used at T = 1, so the labels must see it at T = 1.",
    zh="硬标签项也被软化了。学生在T = 1下使用，硬标签也应在T = 1下读取它。",
)
def softens_the_hard_loss_too(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits / temperature, targets)


@KDLoss.wrong(
    en="reduction='mean' divides the soft term by the number of classes: alpha no longer balances the two terms.",
    zh="reduction='mean'让软标签项多除了类别数：alpha起不到平衡两项的作用。",
    reference="yuanli2333/Teacher-free-Knowledge-Distillation#5",
)
def averages_the_soft_term_over_classes(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature) / student_logits.shape[-1]
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="Both terms are summed over the rows: the loss, and with it the best learning rate, grows with the batch.",
    zh="两项都对行求和：损失（以及合适的学习率）会随批大小变化。",
)
def sums_over_rows(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature) * len(student_logits)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets, reduction="sum")


@KDLoss.wrong(
    en="The two terms are added without weights: alpha is taken and never used.",
    zh="两项直接相加，没有加权：参数alpha根本没有用到。",
)
def adds_without_weights(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    return _soft(student_logits, teacher_logits, temperature) + F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The labels' term keeps the weight 1: at alpha = 1 the labels should have no say, but they do.",
    zh="硬标签项的权重恒为1：alpha = 1时硬标签本不该起作用，却仍在起作用。",
)
def leaves_the_labels_unweighted(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature)
    return alpha * soft + F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="At the end where the labels' weight is 0 the soft loss comes back without T²: the loss jumps by a factor of "
    "T² between alpha = 0.999 and alpha = 1.",
    zh="硬标签权重为0的那一端直接返回了不带T²的软标签损失：从alpha = 0.999到alpha = 1，损失会跳变T²倍。",
    reference="torchdistill KDLoss, losses/mid_level.py",
)
def drops_the_square_without_labels(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = _soft(student_logits, teacher_logits, temperature)
    if alpha == 1:
        return soft / temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="`alpha or 0.5` takes 0 for 'not given': whoever asks for the labels alone gets a half of each.",
    zh="`alpha or 0.5`把0当成了“没有给出”：想只用硬标签的人得到的却是一半一半。",
)
def takes_zero_for_not_given(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    alpha = alpha or 0.5
    soft = _soft(student_logits, teacher_logits, temperature)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The hard term uses the teacher's arg max instead of the labels: where the teacher errs, nothing corrects it.",
    zh="硬标签项用的是教师的arg max而不是真实标签：教师犯错时，没有什么能纠正它。",
)
def takes_the_teachers_choice_for_the_label(
    student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5
):
    hard = F.cross_entropy(student_logits, teacher_logits.argmax(-1))
    return alpha * _soft(student_logits, teacher_logits, temperature) + (1 - alpha) * hard


@KDLoss.wrong(
    en="The teacher's raw logits serve as soft targets. cross_entropy accepts them, but they are no distribution: "
    "the loss has no lower bound and the student learns nothing from it.",
    zh="把教师的原始logits当成软标签。cross_entropy不报错，但它们不是分布：损失没有下界，学生学不到东西。",
)
def takes_raw_logits_for_soft_targets(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = temperature**2 * F.cross_entropy(
        student_logits / temperature, teacher_logits.detach() / temperature
    )
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="cross_entropy takes logits and applies log_softmax itself; the hard term gives it probabilities, so the student "
    "goes through two softmaxes.",
    zh="cross_entropy接收的是logits，内部会做log_softmax；硬标签项却给了它概率，相当于做了两次softmax。",
    reference="microsoft/ProDA#20",
)
def applies_softmax_twice(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    hard = F.cross_entropy(F.softmax(student_logits, -1), targets)
    return alpha * _soft(student_logits, teacher_logits, temperature) + (1 - alpha) * hard


@KDLoss.wrong(
    en="The soft term is a cross-entropy: it has KL's gradient, but a student equal to its teacher still pays T² "
    "times the teacher's entropy. The contract asks for `distillation_kl`.",
    zh="软标签项用成了交叉熵：梯度与KL相同，但与教师相等的学生仍要付出T²倍的教师熵。这里要的是`distillation_kl`。",
    reference="airaria/TextBrewer#90",
)
def mixes_in_a_soft_cross_entropy(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    soft = temperature**2 * F.cross_entropy(student_logits / temperature, p)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The soft term is KL(student ‖ teacher), the reverse direction: the student may ignore what the teacher spreads "
    "over the other classes.",
    zh="软标签项是KL(学生 ‖ 教师)，方向反了：教师分给其他类别的概率，学生可以视而不见。",
)
def swaps_the_direction(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_p = F.log_softmax(teacher_logits.detach() / temperature, -1)
    log_q = F.log_softmax(student_logits / temperature, -1)
    soft = temperature**2 * (log_q.exp() * (log_q - log_p)).sum(-1).mean()
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The targets are blended, alpha · teacher + (1 − alpha) · label, and met at T. These are two losses, read at "
    "two temperatures: they can't share one softmax.",
    zh="先把目标混合成alpha · 教师 + (1 − alpha) · 标签，再在T下逼近。这其实是两个温度系数下的两个损失，不能共用一个softmax。",
)
def blends_the_targets(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    blend = alpha * p + (1 - alpha) * F.one_hot(targets, p.shape[-1])
    return (
        F.kl_div(F.log_softmax(student_logits / temperature, -1), blend, reduction="batchmean")
        * temperature**2
    )


@KDLoss.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, -1)
    log_p = F.log_softmax(teacher_logits / temperature, -1)
    soft = temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="The soft term is hard: a cross-entropy with the teacher's arg max. What the teacher says about the other classes is lost, and with it what distillation is for.",
    zh="软标签项其实是硬的：与教师arg max的交叉熵。教师对其他类别的看法丢掉了，蒸馏的意义也就没了。",
    reference="Touvron et al. 2021 (DeiT), hard distillation",
)
def hardens_the_teacher(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    hard, own = (F.cross_entropy(student_logits, y) for y in (teacher_logits.argmax(-1), targets))
    return alpha * hard + (1 - alpha) * own


@KDLoss.wrong(
    en="The soft term compares logits by squared error. That is its limit for large T, up to the shift that a softmax doesn't see; at the T of the contract it is another loss.",
    zh="软标签项比较的是logits的平方误差。那是T很大时的极限（还差一个softmax看不见的平移）；在约定的T下它是另一个损失。",
    reference="Tang et al. 2019, arXiv:1903.12136",
)
def compares_the_logits(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = F.mse_loss(student_logits, teacher_logits.detach())
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@KDLoss.wrong(
    en="There is no soft term: the labels' part is all, and the teacher is never read. Nothing fails, for the loss falls as usual.",
    zh="没有软标签项：只剩硬标签部分，根本没有读教师。什么都不会报错，损失照常下降。",
    reference="NousResearch/atropos#456",
)
def leaves_the_teacher_out(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    return (1 - alpha) * F.cross_entropy(student_logits, targets)


EXERCISE = KDLoss()
