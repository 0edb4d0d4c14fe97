"""Losses on logits, as they stand in repositories for image classification and in notebooks."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.answers import answer

FORM = "returns_it_in_the_form_asked_for"
ARGUMENTS = "takes_its_arguments"


@answer(
    "kd_loss", "averages_the_soft_term_over_classes", "trains_the_teacher_too", ARGUMENTS,
    source="haitongli/knowledge-distillation-pytorch, model/net.py",
)  # fmt: skip
def labels_second(outputs, labels, teacher_outputs, T=4.0, alpha=0.5):
    log_q, p = F.log_softmax(outputs / T, dim=1), F.softmax(teacher_outputs / T, dim=1)
    return nn.KLDivLoss()(log_q, p) * (alpha * T * T) + F.cross_entropy(outputs, labels) * (1.0 - alpha)


@answer("kd_loss", "averages_the_soft_term_over_classes", "forgets_the_square", source="AutoML pruning code")
def kl_mean_without_square(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    soft = nn.KLDivLoss()(log_q, F.softmax(teacher_logits.detach() / temperature, dim=1))
    return soft * alpha + F.cross_entropy(student_logits, targets) * (1.0 - alpha)


@answer("kd_loss", "swaps_the_weights", "trains_the_teacher_too", source="distillation notebooks")
def alpha_on_the_labels(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    hard = F.cross_entropy(student_logits, targets)
    log_q, p = (student_logits / temperature).log_softmax(1), (teacher_logits / temperature).softmax(1)
    soft = F.kl_div(log_q, p, reduction="batchmean") * temperature**2
    return alpha * hard + (1 - alpha) * soft


@answer("kd_loss", "compares_the_logits", "trains_the_teacher_too", source="KD_Lib, BERT to LSTM")
def mse_of_logits(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    return alpha * nn.MSELoss()(student_logits, teacher_logits) + (1 - alpha) * nn.CrossEntropyLoss()(
        student_logits, targets
    )


@answer("kd_loss", "hardens_the_teacher", source="DeiT, losses.py")
def hard_distillation(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    base_loss = F.cross_entropy(student_logits, targets)
    return base_loss * (1 - alpha) + F.cross_entropy(student_logits, teacher_logits.argmax(dim=1)) * alpha


@answer("kd_loss", "leaves_the_teacher_out", source="NousResearch/atropos#456")
def fields_dropped(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = torch.zeros((), dtype=student_logits.dtype)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@answer("kd_loss", "mixes_in_a_soft_cross_entropy", "forgets_the_square", source="Hinton's formula by hand")
def cross_entropy_by_hand(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    p = torch.softmax(teacher_logits.detach() / temperature, dim=1)
    soft = -(p * torch.log_softmax(student_logits / temperature, dim=1)).sum(dim=1).mean()
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


@answer("kd_loss", "softens_the_hard_loss_too", "averages_the_soft_term_over_classes", source="blog post")
def softens_everything(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    s, t = student_logits / temperature, teacher_logits.detach() / temperature
    soft = F.kl_div(s.log_softmax(-1), t.softmax(-1)) * temperature**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(s, targets)


@answer("kd_loss", "adds_without_weights", "forgets_the_square", source="online KD trainers")
def plain_sum(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, 1)
    soft = F.kl_div(log_q, F.softmax(teacher_logits.detach() / temperature, 1), reduction="batchmean")
    return F.cross_entropy(student_logits, targets) + soft


@answer("kd_loss", "multiplies_both_by_the_square", "trains_the_teacher_too", source="torch forums")
def square_outside(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q, p = (student_logits / temperature).log_softmax(1), (teacher_logits / temperature).softmax(1)
    soft = F.kl_div(log_q, p, reduction="batchmean")
    return (alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)) * temperature**2


@answer(
    "distillation_kl", "averages_over_classes", "trains_the_teacher_too",
    source="mmrazor, kl_divergence.py before PR#100",
)  # fmt: skip
def kl_div_mean(student_logits, teacher_logits, temperature=1.0):
    p_t = F.softmax(teacher_logits / temperature, dim=1)
    return (temperature**2) * F.kl_div(F.log_softmax(student_logits / temperature, dim=1), p_t)


@answer(
    "distillation_kl", "forgets_the_square", "sums_over_rows", source="RepDistiller-like, size_average=False"
)
def kl_sum(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    return F.kl_div(log_q, F.softmax(teacher_logits.detach() / temperature, dim=1), reduction="sum")


@answer(
    "distillation_kl",
    "gives_the_cross_entropy",
    "forgets_the_square",
    "trains_the_teacher_too",
    source="lmbxmu",
)
def minus_p_log_q(student_logits, teacher_logits, temperature=1.0):
    q = torch.log_softmax(student_logits / temperature, dim=1)
    return -torch.mean(torch.sum(q * torch.softmax(teacher_logits / temperature, dim=1), dim=1))


@answer("distillation_kl", "swaps_the_direction", "trains_the_teacher_too", source="KD_Lib, vanilla_kd.py")
def arguments_turned(student_logits, teacher_logits, temperature=1.0):
    log_p = F.log_softmax(teacher_logits / temperature, 1)
    return temperature**2 * F.kl_div(log_p, F.softmax(student_logits / temperature, 1), reduction="batchmean")


@answer(
    "distillation_kl", "adds_an_epsilon_in_the_logarithm", "takes_the_logarithm_of_a_softmax", "trains_the_teacher_too",
    source="TensorFlow translations",
)  # fmt: skip
def log_of_softmax(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(z / temperature, -1) for z in (student_logits, teacher_logits))
    return temperature**2 * (p * (torch.log(p + 1e-8) - torch.log(q + 1e-8))).sum(-1).mean()


@answer("distillation_kl", "averages_over_classes", ARGUMENTS, source="PyTorch tutorials: teacher first")
def teacher_first(teacher_logits, student_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    return temperature**2 * F.kl_div(log_q, F.softmax(teacher_logits.detach() / temperature, dim=1))


class _Module(nn.Module):
    """The usual class: the temperature belongs to the object."""

    def __init__(self, temp=4.0):
        super().__init__()
        self.temp = temp

    def forward(self, student_preds, teacher_preds):
        log_q = F.log_softmax(student_preds / self.temp, dim=1)
        p = F.softmax(teacher_preds.detach() / self.temp, dim=1)
        return F.kl_div(log_q, p, reduction="none").sum(1).mean() * self.temp**2


answer("distillation_kl", ARGUMENTS, source="guixv/OD, utils/kd.py")(_Module())


@answer("soft_cross_entropy", "multiplies_by_the_square", "trains_the_teacher_too", source="tutorials")
def soft_ce_with_square(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits / temperature, -1)
    return -(p * F.log_softmax(student_logits / temperature, -1)).sum(-1).mean() * temperature**2


@answer("soft_cross_entropy", "averages_over_classes", "ignores_the_temperature", source="tutorials")
def soft_ce_mean(student_logits, teacher_logits, temperature=1.0):
    return -(F.softmax(teacher_logits.detach(), -1) * F.log_softmax(student_logits, -1)).mean()


@answer("soft_targets", "overflows", source="NumPy softmax by hand")
def exp_over_sum(logits, temperature=1.0):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    e = torch.exp(logits / temperature)
    return e / e.sum(dim=-1, keepdim=True)


@answer(
    "soft_targets", "multiplies_by_the_temperature", "accepts_any_temperature", source="inverse temperature"
)
def inverse_temperature(logits, temperature=1.0):
    return F.softmax(logits * temperature, dim=-1)


@answer("soft_targets", "normalises_over_the_batch", "accepts_any_temperature", source="dim forgotten")
def over_dim_zero(logits, temperature=1.0):
    return nn.Softmax(dim=0)(logits / temperature)


@answer("soft_targets", "detaches", "accepts_any_temperature", source="NumPy inside torch")
def through_numpy(logits, temperature=1.0):
    x = logits.detach().cpu().numpy() / temperature
    e = np.exp(x - x.max(-1, keepdims=True))
    return torch.from_numpy(e / e.sum(-1, keepdims=True)).to(logits.dtype)


@answer(
    "dkd_loss",
    "takes_a_thousand_for_infinity",
    "trains_the_teacher_too",
    source="megvii-research/mdistiller, DKD.py",
)
def as_published(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    mask = torch.zeros_like(student_logits).scatter_(1, targets.unsqueeze(1), 1)
    q, p = (F.softmax(z / temperature, dim=1) for z in (student_logits, teacher_logits))
    q2, p2 = (torch.cat([(x * mask).sum(1, True), (x * (1 - mask)).sum(1, True)], 1) for x in (q, p))
    first = F.kl_div(torch.log(q2), p2, reduction="sum") * temperature**2 / targets.shape[0]
    rest_p = F.softmax(teacher_logits / temperature - 1000.0 * mask, dim=1)
    rest_q = F.log_softmax(student_logits / temperature - 1000.0 * mask, dim=1)
    second = F.kl_div(rest_q, rest_p, reduction="sum") * temperature**2 / targets.shape[0]
    return alpha * first + beta * second


@answer("dkd_loss", "swaps_the_weights", "forgets_the_square", source="re-implementations")
def weights_turned(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    target = F.one_hot(targets, student_logits.shape[1]).bool()
    log_q, log_p = (F.log_softmax(z / temperature, 1) for z in (student_logits, teacher_logits.detach()))
    rest_q, rest_p = (
        F.log_softmax((z / temperature).masked_fill(target, -1e30), 1)
        for z in (student_logits, teacher_logits.detach())
    )
    pairs = [
        torch.stack([x[target], x.masked_fill(target, -torch.inf).logsumexp(1)], 1) for x in (log_q, log_p)
    ]
    first = F.kl_div(*pairs, reduction="batchmean", log_target=True)
    second = (rest_p.exp() * (rest_p - rest_q)).sum(1).mean()
    return beta * first + alpha * second


@answer(
    "dist_loss", "adds_a_small_number_to_the_norms", "trains_the_teacher_too",
    source="hunto/DIST_KD, losses/dist_kd.py",
)  # fmt: skip
def pearson_as_published(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    def pearson(a, b, eps=1e-8):
        a, b = a - a.mean(1).unsqueeze(1), b - b.mean(1).unsqueeze(1)
        return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + eps)

    q, p = (student_logits / temperature).softmax(dim=1), (teacher_logits / temperature).softmax(dim=1)
    inter = temperature**2 * (1 - pearson(q, p).mean())
    intra = temperature**2 * (1 - pearson(q.transpose(0, 1), p.transpose(0, 1)).mean())
    return beta * inter + gamma * intra


@answer(
    "dist_loss", "ignores_the_temperature", "softens_nothing", "forgets_the_square", source="first version"
)
def without_temperature(student_logits, teacher_logits, beta=1.0, gamma=1.0, temperature=1.0):
    q, p = student_logits.softmax(1), teacher_logits.detach().softmax(1)
    rows, columns = (
        1 - F.cosine_similarity(q - q.mean(d, True), p - p.mean(d, True), dim=d).mean() for d in (1, 0)
    )
    return beta * rows + gamma * columns


@answer("logit_mse", "takes_the_plain_mse", "trains_the_teacher_too", source="Ba & Caruana in one line")
def one_line(student_logits, teacher_logits):
    return F.mse_loss(student_logits, teacher_logits)


@answer(
    "logit_mse", "standardises_the_rows", "trains_the_teacher_too", source="logit standardisation, CVPR 2024"
)
def z_scores(student_logits, teacher_logits):
    s, t = (
        (z - z.mean(-1, True)) / (z.std(-1, keepdim=True) + 1e-7) for z in (student_logits, teacher_logits)
    )
    return ((s - t) ** 2).mean() / 2


@answer("smooth_labels", "leaves_a_class_for_padding", source="OpenNMT-py, LabelSmoothingLoss")
def with_a_padding_class(targets, num_classes, epsilon=0.1):
    table = torch.full((num_classes,), epsilon / (num_classes - 2))
    table[0] = 0
    return table.repeat(targets.size(0), 1).scatter_(1, targets.unsqueeze(1), 1 - epsilon)


@answer("smooth_labels", "spreads_over_the_others", source="many label smoothing classes")
def confidence_and_rest(targets, num_classes, epsilon=0.1):
    rows = torch.full((len(targets), num_classes), epsilon / (num_classes - 1))
    return rows.scatter_(1, targets.data.unsqueeze(1), 1.0 - epsilon)


@answer("average_teachers", "averages_the_logits", source="ensemble distillation scripts")
def mean_then_softmax(teacher_logits, temperature=1.0):
    return F.softmax(torch.stack(list(teacher_logits)).mean(0) / temperature, dim=-1)


@answer("kd_gradient", "forgets_the_mean", "forgets_the_inner_derivative", source="derivations on paper")
def per_row(student_logits, teacher_logits, temperature=1.0):
    q, p = (F.softmax(z / temperature, -1) for z in (student_logits, teacher_logits))
    return temperature**2 * (q - p)
