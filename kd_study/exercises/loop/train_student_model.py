import copy

import torch

from kd_study.exercises.loop import _step_mistakes, distill_step  # noqa: F401  # loops of these steps are wrong answers too
from kd_study.exercises.loop._contract import LoopExercise
from kd_study.exercises.loop._shared import answer, compare, passes, required, update


class TrainStudentModel(LoopExercise):
    """The source's own exercise."""


@TrainStudentModel.wrong(
    en="This is the loop as one finds it printed: no no_grad, no epochs, no target, nothing returned, and an empty loader goes unnoticed.",
    zh="这就是常见文章里印出来的循环：没有no_grad，没有epochs，没有target，没有返回值，加载器为空也不会发现。",
)
def the_loop_as_printed(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    teacher_model.eval()
    for data, _ in data_loader:
        optimizer.zero_grad()
        output = student_model(data)
        teacher_output = teacher_model(data)
        loss = loss_function(output, teacher_output)
        loss.backward()
        optimizer.step()


@TrainStudentModel.wrong(
    en="no_grad is not eval: the teacher answers with dropout, and its BatchNorm follows the student's data.",
    zh="no_grad不等于eval：教师带着dropout回答，它的BatchNorm还会跟着学生的数据走。",
    reference="yxuansu/TaCL#11",
)
def asks_the_teacher_as_it_comes(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        with torch.no_grad():
            teacher_output = teacher_model(data)
        update(optimizer, compare(loss_function, student_model(data), teacher_output, target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="eval() is not no_grad: the teacher's graph is built and kept, and its parameters get gradients.",
    zh="eval()不等于no_grad：教师的计算图照样建立并保留，它的参数会得到梯度。",
    reference="haitongli/knowledge-distillation-pytorch#25",
)
def builds_a_graph_of_the_teacher(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    student_model.train()
    teacher_model.eval()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), teacher_model(data), target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The student trains in the mode in which it came. After an evaluation that is eval mode: no dropout, and BatchNorm stands still. Call student_model.train().",
    zh="学生沿用了传进来时的模式。刚评估过的话就是评估模式：没有dropout，BatchNorm也不更新。请调用student_model.train()。",
)
def leaves_the_students_mode(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    for data, target in passes(data_loader, epochs):
        teacher_output = answer(teacher_model, data)
        update(optimizer, compare(loss_function, student_model(data), teacher_output, target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The gradients are never cleared: every step adds to the sum of all earlier ones.",
    zh="梯度从不清零：每一步都累加在之前所有步的梯度之上。",
)
def never_clears_the_gradients(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        compare(loss_function, student_model(data), answer(teacher_model, data), target).backward()
        optimizer.step()
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The gradients are cleared once an epoch: within it they pile up. zero_grad belongs before every backward.",
    zh="每个epoch才清零一次：期间梯度不断累积。每次backward之前都要zero_grad。",
)
def clears_once_an_epoch(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        for data, target in passes(data_loader, 1):
            compare(loss_function, student_model(data), answer(teacher_model, data), target).backward()
            optimizer.step()
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The gradients are cleared after the step only: whatever the student brings along goes into the first one.",
    zh="只在step之后清零：学生带进来的旧梯度会混入第一步。",
)
def clears_after_the_step_only(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        compare(loss_function, student_model(data), answer(teacher_model, data), target).backward()
        optimizer.step()
        optimizer.zero_grad()
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The gradients are cleared between backward and step: nothing is left to step by, and the student never moves.",
    zh="在backward与step之间把梯度清零了：没有梯度可用，学生一动不动。",
)
def clears_before_the_step(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        compare(loss_function, student_model(data), answer(teacher_model, data), target).backward()
        optimizer.zero_grad()
        optimizer.step()
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="step() stands outside the loop over the batches: one step an epoch, by the last batch alone.",
    zh="step()放在了遍历各批的循环之外：每个epoch只走一步，而且只用了最后一批。",
)
def steps_once_an_epoch(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for _ in range(epochs):
        for data, target in passes(data_loader, 1):
            optimizer.zero_grad()
            compare(loss_function, student_model(data), answer(teacher_model, data), target).backward()
        optimizer.step()
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="`epochs` is taken and not used: there is one pass, whatever it says.",
    zh="接收了`epochs`却没有用：无论它是多少，都只遍历一遍。",
)
def ignores_the_epochs(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, 1):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The return stands inside the loop over the batches: training ends after the first one.",
    zh="return写在了遍历各批的循环里：第一批之后训练就结束了。",
)
def returns_after_the_first_batch(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))
        return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The loss gets the teacher's output first. Squared error doesn't mind; KL turns round.",
    zh="损失函数先收到了教师的输出。平方误差无所谓；KL却反了方向。",
    reference="KD_Lib, vanilla_kd.py",
)
def swaps_the_outputs(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, answer(teacher_model, data), student_model(data), target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The student is compared with the target: this is ordinary training, and the teacher is asked in vain.",
    zh="学生是和target比较的：这只是普通训练，教师白问了。",
    reference="labmlai/annotated_deep_learning_paper_implementations#66",
)
def compares_with_the_target(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        answer(teacher_model, data)
        update(optimizer, compare(loss_function, student_model(data), target, target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The loop softens the teacher's output before the loss does: the loss gets probabilities where it expects logits. Hand over the plain outputs.",
    zh="循环先对教师的输出做了softmax，再交给损失：损失期待的是logits，收到的却是概率。请传入原始输出。",
)
def softens_before_the_loss(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        soft = answer(teacher_model, data).softmax(-1)
        update(optimizer, compare(loss_function, student_model(data), soft, target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The teacher's answers of the first epoch are used again by position. A loader that shuffles gives other batches in the second, and each gets another's answers.",
    zh="把第一个epoch里教师的回答按位置重复使用。加载器一打乱顺序，第二个epoch里每一批拿到的就是别人的回答。",
    reference="haitongli/knowledge-distillation-pytorch PR#17",
)
def reuses_answers_by_position(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    answers = {}
    for _ in range(epochs):
        for position, (data, target) in enumerate(passes(data_loader, 1)):
            answers.setdefault(position, answer(teacher_model, data))
            update(optimizer, compare(loss_function, student_model(data), answers[position], target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The target is never passed on: a loss that mixes hard and soft labels, such as kd_loss, fails.",
    zh="从不传入target：混合硬标签与软标签的损失（例如kd_loss）会报错。",
)
def never_passes_the_target(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, _ in passes(data_loader, epochs):
        update(optimizer, loss_function(student_model(data), answer(teacher_model, data)))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The target is passed to every loss: one that compares two outputs doesn't take it.",
    zh="对任何损失都传入target：只比较两个输出的损失并不接收它。",
)
def always_passes_the_target(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, loss_function(student_model(data), answer(teacher_model, data), target))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="Parameters with a default are counted too: the target becomes the temperature of a loss that has one. Count those without a default.",
    zh="把有默认值的参数也数了进去：target成了损失的温度系数。只应数没有默认值的参数。",
)
def counts_parameters_with_a_default(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    count = getattr(getattr(loss_function, "__code__", None), "co_argcount", required(loss_function))
    student_model.train()
    for data, target in passes(data_loader, epochs):
        more = [target] if count >= 3 else []
        update(optimizer, loss_function(student_model(data), answer(teacher_model, data), *more))
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="An optimizer of your own trains the student; the one that was passed in, with its rate and state, is ignored.",
    zh="用自己新建的优化器训练学生；传进来的优化器（连同它的学习率与状态）被忽略了。",
)
def makes_its_own_optimizer(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    student_model.train()
    own = torch.optim.Adam(student_model.parameters(), lr=0.001)
    for data, target in passes(data_loader, epochs):
        update(own, compare(loss_function, student_model(data), answer(teacher_model, data), target))
    return student_model.state_dict()


def _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs):
    student_model.train()
    for data, target in passes(data_loader, epochs):
        update(optimizer, compare(loss_function, student_model(data), answer(teacher_model, data), target))


@TrainStudentModel.wrong(
    en="An empty loader goes unnoticed: the untrained student is handed back as if all were well.",
    zh="加载器为空时毫无察觉：没训练过的学生被当作正常结果交了回去。",
)
def accepts_an_empty_loader(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    if list(data_loader):
        _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    return student_model.state_dict()


@TrainStudentModel.wrong(
    en="The student is trained, but nothing is returned: a `return` is missing.",
    zh="学生训练好了，却没有返回任何东西：漏了`return`。",
)
def returns_nothing(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)


@TrainStudentModel.wrong(
    en="The student itself comes back; its parameters are asked for: student_model.state_dict().",
    zh="返回的是学生模型本身；要的是它的参数：student_model.state_dict()。",
)
def returns_the_model(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    return student_model


@TrainStudentModel.wrong(
    en="named_parameters leaves out the buffers, such as BatchNorm's running statistics: the student that is loaded from it answers differently. state_dict has both.",
    zh="named_parameters不含缓冲区（例如BatchNorm的滑动统计量）：由它恢复的学生，回答会不一样。state_dict两者都有。",
)
def returns_the_parameters_without_buffers(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    return dict(student_model.named_parameters())


@TrainStudentModel.wrong(
    en="The state is copied before training: what comes back is the student as it was.",
    zh="在训练之前就复制了参数：返回的是训练前的学生。",
)
def returns_the_state_from_before(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    state = copy.deepcopy(student_model.state_dict())
    _right(teacher_model, student_model, data_loader, loss_function, optimizer, epochs)
    return state


TrainStudentModel.wrong_answers += LoopExercise.wrong_answers

EXERCISE = TrainStudentModel()
