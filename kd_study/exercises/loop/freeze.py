import copy

import torch
from torch import nn

from kd_study.exercises.base import (
    Exercise,
    check,
    expect,
    expect_close,
    normal,
    outcome,
)
from kd_study.exercises.loop._scene import Teacher, modes, seeded, state


class Freeze(Exercise):
    uses_randomness = True

    def validate(self, result, arguments):
        expect(
            result is arguments["teacher"],
            "the function should return the very module it was given, not a copy, a wrapper or None",
            "函数应返回传入的那个模块本身，而不是副本、包装或None",
        )

    @check(en="A worked example: one BatchNorm", zh="手算例子：一个BatchNorm")
    def keeps_the_statistics_of_one_layer(self, fn):
        norm = nn.BatchNorm1d(1)
        family = nn.ModuleList([fn(norm)])
        family.train()
        norm(torch.tensor([[9.0], [11.0]]))
        expect_close(
            norm.running_mean,
            torch.tensor([0.0]),
            "a parent's train() and a batch with mean 10 must leave running_mean at 0",
            "父模块调用train()并来一批均值为10的数据之后，running_mean仍应为0",
        )

    @check(en="Eval mode at once, in every part", zh="立即进入评估模式，包括每个子模块")
    def is_in_eval_mode_at_once(self, fn):
        teacher = Teacher().train()
        fn(teacher)
        expect(
            not any(modes(teacher)),
            "right after freezing, the teacher or one of its parts is in training mode; call eval(), which "
            "reaches every part",
            "冻结之后，教师或它的某个子模块仍处于训练模式；请调用eval()，它会作用到每个子模块",
        )

    @check(en="No gradient reaches the teacher", zh="梯度不会流到教师模型")
    def asks_for_no_gradient(self, fn):
        teacher, student = Teacher(), Teacher()
        fn(teacher)
        answer = teacher(normal(4, 3))
        expect(
            not answer.requires_grad,
            "the frozen teacher's answer carries a graph: its parameters, those of its parts or its own, would get "
            "gradients; eval() doesn't stop that, teacher.requires_grad_(False) does",
            "冻结后的教师输出仍带着计算图，它的参数（无论在子模块里，还是它自己的）会得到梯度；"
            "eval()管不了这一点，teacher.requires_grad_(False)才行",
        )
        (student(normal(4, 3)) - answer).square().mean().backward()
        expect(
            all(part.grad is not None for part in student.parameters()),
            "after freezing the teacher, a student no longer gets gradients; switch off the teacher's only",
            "冻结教师之后，学生也得不到梯度了；只应关掉教师的梯度",
        )

    @check(en="A later train() leaves it in eval mode", zh="之后调用train()仍是评估模式")
    def stays_in_eval_mode_when_told_to_train(self, fn):
        for arrives_training in (True, False):
            teacher = Teacher().train(arrives_training)
            fn(teacher)
            teacher.train()
            teacher.train(True)
            expect(
                not any(modes(teacher)),
                "after teacher.train() the teacher or one of its parts is in training mode again",
                "调用teacher.train()之后，教师或它的某个子模块又回到了训练模式",
            )

    @check(en="A parent's train() leaves it in eval mode", zh="父模块调用train()时它仍是评估模式")
    def stays_in_eval_mode_when_a_parent_trains(self, fn):
        teacher, student = Teacher(), Teacher()
        pair = nn.ModuleDict({"student": student, "teacher": teacher})
        family = nn.Sequential(pair)
        fn(teacher)
        for parent in (pair, family):
            parent.eval()
            parent.train()
            expect(
                not any(modes(teacher)),
                "the teacher is an attribute of a module; that module's train() calls teacher.train(True), and the "
                "teacher wakes up",
                "教师是某个模块的属性；对该模块调用train()会触发teacher.train(True)，教师被叫醒了",
            )
            expect(
                parent.training and all(modes(student)),
                "after the parent's train() the student beside the teacher should be in training mode",
                "父模块调用train()之后，教师旁边的学生应处于训练模式",
            )

    @check(en="Answers and buffers stay as they were in eval mode", zh="输出与缓冲区与评估模式下一致")
    def answers_as_in_eval_mode(self, fn):
        teacher = Teacher().eval()
        expected, before = teacher(normal(4, 3)).detach(), state(teacher)
        fn(teacher.train())
        nn.ModuleList([teacher]).train()
        for _ in range(2):
            expect_close(
                seeded(lambda: teacher(normal(4, 3))),
                expected,
                "after freezing and a parent's train(), the teacher answers otherwise than in eval mode",
                "冻结并由父模块调用train()之后，教师的回答与评估模式下不同",
            )
        moved = [name for name, value in teacher.state_dict().items() if not torch.equal(value, before[name])]
        expect(
            not moved,
            f"two forward passes have moved {', '.join(moved)}; no_grad doesn't stop BatchNorm, eval mode does",
            f"两次前向之后{'、'.join(moved)}变了；no_grad拦不住BatchNorm，评估模式才行",
        )

    @check(en="Other models stay as they are", zh="不影响其他模型")
    def leaves_other_models_alone(self, fn):
        other = Teacher()
        fn(Teacher())
        for model, age in ((other, ("older", "之前")), (Teacher(), ("newer", "之后"))):
            model.eval()
            model.train()
            expect(
                all(modes(model)) and model(normal(4, 3)).requires_grad,
                f"another model of the same class, made {age[0]} than the freezing, no longer trains; change the "
                "instance, not its class and not a global switch",
                f"在冻结{age[1]}创建的同类模型无法训练了；请修改这个实例，而不是它的类或全局开关",
            )

    def behaviour(self, function):
        with torch.random.fork_rng(), torch.enable_grad():
            torch.manual_seed(0)
            return {"facts": outcome(lambda: _facts(function))}, {
                "already in eval mode": outcome(lambda: _in_eval_mode_already(function))
            }


def _facts(function) -> dict:
    """What became of a teacher beside a student, step by step."""

    class Own(Teacher):  # a class of its own, for a function may spoil its train()
        train = nn.Module.train

    teacher, student = Own().train(), Own().train()
    parent = nn.ModuleDict({"student": student, "teacher": teacher})
    result = function(teacher)
    facts = {"result": "itself" if result is teacher else type(result).__name__, "eval": modes(teacher)}
    answer = outcome(lambda: teacher(normal(4, 3)))
    facts["graph"] = getattr(answer, "requires_grad", answer)
    facts["others have a graph"] = student(normal(4, 3)).requires_grad
    before = state(teacher)
    facts["train()"] = outcome(lambda: (teacher.train(), modes(teacher))[1])
    facts["parent.train()"] = outcome(lambda: (parent.train(), modes(teacher))[1])
    for module in student.modules():  # not eval(), which a function may have spoilt
        module.training = False
    facts["the student"] = outcome(lambda: [modes(student), parent.train() and modes(student)])
    outcome(lambda: teacher(normal(4, 3, seed=1)))
    facts["moved"] = [not torch.equal(value, before[name]) for name, value in teacher.state_dict().items()]
    return facts


def _in_eval_mode_already(function) -> list:
    """The modes of a teacher that arrives in eval mode, after a train()."""

    class Own(Teacher):
        train = nn.Module.train

    teacher = Own().eval()
    function(teacher)
    teacher.train()
    return modes(teacher)


@Freeze.wrong(
    en="eval() switches off dropout and fixes BatchNorm, but stops no gradient, and the next train() of a parent "
    "undoes it. Add requires_grad_(False), and keep train() from reaching the teacher.",
    zh="eval()会关掉dropout、固定BatchNorm，但不阻止任何梯度，而且父模块下一次train()就会把它撤销。"
    "还要加上requires_grad_(False)，并拦住train()。",
    reference="haitongli/knowledge-distillation-pytorch#25",
)
def calls_eval_and_no_more(teacher):
    return teacher.eval()


@Freeze.wrong(
    en="The parameters can't move any more, but the mode is as it was: dropout still draws, and BatchNorm still "
    "follows the data, which requires_grad has no say in. Call eval() too.",
    zh="参数不会再动了，但模式没有变：dropout照样随机丢弃，BatchNorm照样跟着数据走，这些都不归requires_grad管。"
    "还要调用eval()。",
    reference="facebookresearch/unbiased-teacher#47",
)
def only_switches_gradients_off(teacher):
    return teacher.requires_grad_(False)


@Freeze.wrong(
    en="All is well until a parent calls train(): that calls teacher.train(True), and dropout and BatchNorm are "
    "awake again. Override train() on this instance.",
    zh="在父模块调用train()之前一切正常：而它会调用teacher.train(True)，dropout与BatchNorm又醒了。"
    "请在这个实例上重写train()。",
    reference="neuralmagic/sparseml PR#2191",
)
def lets_a_parent_wake_it_up(teacher):
    return teacher.eval().requires_grad_(False)


@Freeze.wrong(
    en="You freeze a copy. The teacher that the caller holds, perhaps inside a parent, goes on training.",
    zh="你冻结的是副本。调用者手里的教师（也许就在父模块里）还在训练。",
)
def freezes_a_copy(teacher):
    teacher = copy.deepcopy(teacher).eval().requires_grad_(False)
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="The teacher is frozen, but nothing is returned: `teacher = freeze(teacher)` leaves None behind.",
    zh="教师冻结了，但没有返回任何东西：`teacher = freeze(teacher)`之后剩下的是None。",
)
def returns_nothing(teacher):
    teacher.eval().requires_grad_(False)
    teacher.train = lambda mode=True: teacher


@Freeze.wrong(
    en="Parameters of the teacher still ask for gradients. Neither eval() stops that nor `teacher.requires_grad = "
    "False`, which makes a new attribute that nobody reads; the method requires_grad_(False), with an underscore, does.",
    zh="教师仍有参数需要梯度。eval()管不了这一点；`teacher.requires_grad = False`也不行，"
    "它只是给模块新添了一个没人读取的属性。应当用带下划线的方法requires_grad_(False)。",
)
def sets_an_attribute_that_nobody_reads(teacher):
    teacher.eval()
    teacher.requires_grad = False
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="train() is overridden before eval() is called, and eval() is train(False): it does nothing any more, and "
    "the teacher stays in training mode for good. First eval(), then override.",
    zh="在调用eval()之前就重写了train()，而eval()其实就是train(False)：它不再起作用，教师永远留在训练模式。"
    "先eval()，再重写。",
)
def overrides_train_too_early(teacher):
    teacher.train = lambda mode=True: teacher
    return teacher.eval().requires_grad_(False)


@Freeze.wrong(
    en="`training = False` is a flag of one module; its parts, where dropout and BatchNorm live, keep theirs. "
    "eval() walks through all of them.",
    zh="`training = False`只改了一个模块的标志；dropout与BatchNorm所在的子模块各有自己的标志。eval()才会逐个改到。",
)
def sets_the_flag_of_the_top_only(teacher):
    teacher.training = False
    teacher.requires_grad_(False)
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="train() is overridden on the class, so that no other model of that class, the student perhaps, can train "
    "any more. Set it on the instance.",
    zh="train()被重写在了类上，于是同一个类的其他模型（也许就是学生）也无法训练了。请设置在实例上。",
)
def overrides_train_for_the_whole_class(teacher):
    teacher.eval().requires_grad_(False)
    type(teacher).train = lambda self, mode=True: self
    return teacher


@Freeze.wrong(
    en="The new train() takes no mode, but a parent calls child.train(mode): a TypeError at the first epoch.",
    zh="新的train()没有mode参数，而父模块会调用child.train(mode)：第一个epoch就会抛出TypeError。",
)
def overrides_train_without_the_mode(teacher):
    teacher.eval().requires_grad_(False)
    teacher.train = lambda: teacher
    return teacher


@Freeze.wrong(
    en="Only the BatchNorm layers are put into eval mode: dropout goes on drawing, and the soft labels are noisy.",
    zh="只把BatchNorm层设成了评估模式：dropout还在随机丢弃，软标签带上了噪声。",
    reference="yxuansu/TaCL#11",
)
def stills_batch_norm_only(teacher):
    teacher.requires_grad_(False)
    for part in teacher.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="Dropout is put into eval mode and BatchNorm forgotten: its running statistics drift towards the new data, "
    "no_grad or not.",
    zh="把dropout设成了评估模式，却忘了BatchNorm：无论有没有no_grad，它的滑动统计量都会向新数据漂移。",
    reference="facebookresearch/unbiased-teacher#50",
)
def stills_dropout_only(teacher):
    teacher.requires_grad_(False)
    for part in teacher.modules():
        if isinstance(part, nn.Dropout):
            part.eval()
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="Autograd is switched off for the whole program: the teacher gets no gradient, and neither does the student.",
    zh="把整个程序的autograd关掉了：教师得不到梯度，学生也得不到。",
)
def switches_autograd_off_for_everybody(teacher):
    torch.set_grad_enabled(False)
    teacher.eval()
    teacher.train = lambda mode=True: teacher
    return teacher


@Freeze.wrong(
    en="A hook calls eval() before each forward pass: the teacher answers rightly, but between two passes train() has switched it on, and whoever looks at its mode, or copies it, finds it awake.",
    zh="在每次前向之前用钩子调用eval()：回答是对的，但两次前向之间train()已经把它打开；谁去查看它的模式、或复制它，它都是醒着的。",
)
def calls_eval_before_every_forward_pass(teacher):
    teacher.eval().requires_grad_(False)
    teacher.register_forward_pre_hook(lambda module, _: module.eval() and None)
    return teacher


EXERCISE = Freeze()
