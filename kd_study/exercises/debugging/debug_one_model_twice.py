import torch.nn.functional as F

from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.response.kd_loss import KDLoss


class DebugOneModelTwice(DebugExercise, KDLoss):
    contract = "kd_loss"


_TOLD_BELOW = "leaves_the_teacher_out"  # what the stub does, in other words
DebugOneModelTwice.wrong_answers += [wrong for wrong in KDLoss.wrong_answers if wrong.name != _TOLD_BELOW]


@DebugOneModelTwice.wrong(
    en="The teacher stands on both sides of the KL, or the student beside a detached copy of itself: value and gradient are then 0, and what is left is half of the cross-entropy.",
    zh="KL的两边都是教师，或者都是学生（其中一个detach过）：值与梯度恒为0，剩下的只是一半的交叉熵。",
    reference="labmlai/annotated_deep_learning_paper_implementations#66",
)
def compares_the_teacher_with_itself(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    return (1 - alpha) * F.cross_entropy(student_logits, targets)


@DebugOneModelTwice.wrong(
    en="Now the student stands on both sides: the KL is 0 once more, and the teacher is never read.",
    zh="现在KL的两边都成了学生：值仍恒为0，教师根本没有被用到。",
)
def compares_the_student_with_itself(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q = F.log_softmax(student_logits / temperature, -1)
    soft = F.kl_div(log_q, log_q.exp(), reduction="batchmean")
    return alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)


EXERCISE = DebugOneModelTwice()
