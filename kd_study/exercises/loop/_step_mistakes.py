"""Mistakes within one step: those of distill_step that loops are made of as well."""

import torch

from kd_study.exercises.loop._mistakes import mistake_of_a_step
from kd_study.exercises.loop._shared import answer, update


def add_to(exercise) -> None:
    """Adds each as a wrong answer to an exercise on steps, and to those on loops as a loop of such steps."""

    @mistake_of_a_step(
        exercise,
        en="student.zero_grad() clears the student's gradients alone. What else the optimizer holds, such as a projector inside the loss, adds up its own for ever: optimizer.zero_grad().",
        zh="student.zero_grad()只清零学生的梯度。优化器里的其他参数（例如损失自带的投影层）会一直累加自己的梯度：请用optimizer.zero_grad()。",
    )
    def clears_the_student_only(student, teacher, inputs, optimizer, loss_function):
        student.train()
        loss = loss_function(student(inputs), answer(teacher, inputs))
        student.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    @mistake_of_a_step(
        exercise,
        en="A penalty on the student's weights is added to the loss. Whether to decay weights, and how much, is the optimizer's setting and its owner's choice.",
        zh="给损失加了对学生权重的惩罚项。是否做权重衰减、衰减多少，是优化器的设置，由它的主人决定。",
    )
    def adds_a_penalty_on_the_weights(student, teacher, inputs, optimizer, loss_function):
        student.train()
        loss = loss_function(student(inputs), answer(teacher, inputs))
        optimizer.zero_grad()
        (loss + 1e-4 * sum(p.square().sum() for p in student.parameters())).backward()
        optimizer.step()
        return loss.item()

    @mistake_of_a_step(
        exercise,
        en="The gradient is clipped to a norm of 1: a large step becomes another one, which nobody asked for.",
        zh="梯度被裁剪到范数1：大的一步变成了另一步，而没有人要求这样做。",
    )
    def clips_the_gradient(student, teacher, inputs, optimizer, loss_function):
        student.train()
        loss = loss_function(student(inputs), answer(teacher, inputs))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    @mistake_of_a_step(
        exercise,
        en="The student runs under autocast: its outputs are rounded to bfloat16, three digits. The precision is for the caller to choose.",
        zh="学生在autocast下运行：输出被舍入到bfloat16，只剩三位有效数字。用什么精度应由调用者决定。",
    )
    def rounds_the_outputs(student, teacher, inputs, optimizer, loss_function):
        student.train()
        with torch.autocast("cpu", torch.bfloat16):
            output = student(inputs)
        return update(optimizer, loss_function(output.float(), answer(teacher, inputs)))

    @mistake_of_a_step(
        exercise,
        en="Student and teacher have changed places: the teacher's output has the graph, the student's has none, and the optimizer, which holds the student, finds nothing to do.",
        zh="学生与教师互换了位置：带计算图的是教师的输出，学生的没有；优化器拿着学生的参数，却无事可做。",
        reference="keras-team/keras-io#257",
    )
    def exchanges_the_models(student, teacher, inputs, optimizer, loss_function):
        teacher.train()
        return update(optimizer, loss_function(teacher(inputs), answer(student, inputs)))
