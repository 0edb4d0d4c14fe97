"""Mistakes that every loop can make, for the exercises with a loop and, where one step shows them, for distill_step."""

import copy
from collections.abc import Callable

import torch

from kd_study.exercises.loop._contract import LoopExercise
from kd_study.exercises.loop._shared import answer, compare, passes, update


def mistake_of_a_step(exercise, en: str, zh: str, reference: str | None = None) -> Callable:
    """Adds a step with a mistake to an exercise on steps, and a loop of such steps to those on loops."""

    def add(step: Callable) -> Callable:
        exercise.wrong(en, zh, reference)(step)

        def loop(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
            for data, target in passes(data_loader, epochs):
                step(
                    student_model,
                    teacher_model,
                    data,
                    optimizer,
                    lambda *outputs, target=target: compare(loss_function, *outputs, target),
                )
            return student_model.state_dict()

        loop.__name__ = step.__name__
        LoopExercise.wrong(en, zh, reference)(loop)
        return step

    return add


@LoopExercise.wrong(
    en="What comes back is the state of the epoch with the lowest loss, not the student's. Which epoch is the best is for the caller to decide, on data that the loop hasn't trained on.",
    zh="返回的是损失最低的那个epoch的参数，而不是学生现在的参数。哪个epoch最好，应由调用者在没训练过的数据上决定。",
    reference="huggingface/open-r1#705",
)
def returns_the_best_epoch(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    lowest, kept = float("inf"), None
    for _ in range(epochs):
        total = 0.0
        for data, target in passes(data_loader, 1):
            loss = compare(loss_function, student_model(data), answer(teacher_model, data), target)
            total += update(optimizer, loss)
        if total < lowest:
            lowest, kept = total, copy.deepcopy(student_model.state_dict())
    return kept


@LoopExercise.wrong(
    en="At the end the student is set back to the epoch with the lowest loss: training is undone in part. Which epoch is the best is for the caller to decide.",
    zh="最后把学生换回了损失最低的那个epoch：一部分训练被撤销了。哪个epoch最好，应由调用者决定。",
    reference="huggingface/open-r1#705",
)
def goes_back_to_the_best_epoch(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    kept = returns_the_best_epoch(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    student_model.load_state_dict(kept)
    return student_model.state_dict()


@LoopExercise.wrong(
    en="At the end the student is set back to the weights that it came with: all of the training is undone. A copy meant for the best epoch was never renewed.",
    zh="最后把学生换回了传进来时的参数：训练全部白做。本来要保存最好epoch的那份拷贝，从来没有更新过。",
)
def goes_back_to_where_it_began(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    kept = copy.deepcopy(student_model.state_dict())
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    student_model.load_state_dict(kept)
    return student_model.state_dict()


@LoopExercise.wrong(
    en="The state is copied before the last step, not after it: what comes back is one step behind the student.",
    zh="参数是在最后一步之前复制的：返回的比学生落后一步。",
)
def returns_a_copy_from_before_the_last_step(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    student_model.train()
    kept = None
    for data, target in passes(data_loader, epochs):
        kept = copy.deepcopy(student_model.state_dict())
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return kept


@LoopExercise.wrong(
    en="The first epoch's state comes back, however many follow: the copy is made once.",
    zh="无论之后还有多少个epoch，返回的都是第一个epoch的参数：拷贝只做了一次。",
)
def returns_the_first_epoch(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    kept = None
    for _ in range(epochs):
        for data, target in passes(data_loader, 1):
            loss = compare(loss_function, student_model(data), answer(teacher_model, data), target)
            update(optimizer, loss)
        kept = kept or copy.deepcopy(student_model.state_dict())
    return kept


@LoopExercise.wrong(
    en="The teacher's parameters come back; the student's are asked for.",
    zh="返回的是教师的参数；要的是学生的。",
)
def returns_the_teachers_state(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return teacher_model.state_dict()


@LoopExercise.wrong(
    en="A global seed is set inside the loop: every run of the caller's program draws the same from there on. Seeds are set outside, once.",
    zh="在循环里设置了全局种子：调用者的程序从那里起，每次抽到的都一样。种子应在外面设一次。",
)
def sets_the_global_seed(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    torch.manual_seed(0)
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return student_model.state_dict()


@LoopExercise.wrong(
    en="The loader is turned into a list once, and every epoch goes through that: one that shuffles or augments gives the same batches again and again, and all of them are in memory.",
    zh="加载器只被转成一次列表，之后每个epoch都用它：会打乱顺序或做数据增强的加载器，给出的总是同样的批次，而且全都占着内存。",
)
def lists_the_loader_once(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    batches = list(data_loader)
    student_model.train()
    for data, target in passes(batches, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return student_model.state_dict()


@LoopExercise.wrong(
    en="The two loops are nested the wrong way: each batch is trained on `epochs` times in a row, and the data are gone through once.",
    zh="两层循环嵌套反了：每一批连着训练`epochs`次，而数据只遍历了一遍。",
)
def trains_on_each_batch_epochs_times(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    student_model.train()
    for data, target in passes(data_loader, 1):
        for _ in range(epochs):
            loss = compare(loss_function, student_model(data), answer(teacher_model, data), target)
            update(optimizer, loss)
    return student_model.state_dict()


@LoopExercise.wrong(
    en="eval() is called once, before the loop, on a teacher that the loop wakes up again: from the second epoch on it answers with dropout.",
    zh="eval()只在循环之前调用了一次，而循环又把教师叫醒了：从第二个epoch起它带着dropout回答。",
    reference="neuralmagic/sparseml PR#2191",
)
def wakes_the_teacher_up_after_an_epoch(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    teacher_model.eval()
    for _ in range(epochs):
        student_model.train()
        for data, target in passes(data_loader, 1):
            with torch.no_grad():
                teacher_output = teacher_model(data)
            update(optimizer, compare(loss_function, student_model(data), teacher_output, target))
        teacher_model.train()
    return student_model.state_dict()
