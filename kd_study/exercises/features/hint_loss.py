import torch
import torch.nn.functional as F
from torch import nn

from kd_study.exercises.base import Text, check, expect, expect_close, gradient, normal, outcome
from kd_study.exercises.loss import LossExercise


def whiteboard(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden), teacher_hidden.detach())


class Projector(nn.Module):
    """A linear map by the weights given, in the dtype of its input."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, hidden):
        return hidden @ self.weight.to(hidden.dtype).T


class HintLoss(LossExercise):
    student_arguments = ("student_hidden",)
    teacher_arguments = ("teacher_hidden",)
    against_overflow = Text("are there exponentials, or a division?", "是不是用了指数或除法？")

    def example(self):
        return {
            "student_hidden": normal(4, 3, seed=1),
            "teacher_hidden": normal(4, 2, seed=2),
            "projector": Projector(normal(2, 3, seed=3)),
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, teacher = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0], [1.0]])
        expect_close(
            fn(student, teacher, Projector(torch.ones(1, 2))),
            2.0,
            "projected, the student is 3 and 1, the teacher 1 and 1: (2² + 0²) / 2 = 2",
            "投影之后学生是3和1，教师是1和1：(2² + 0²) / 2 = 2",
        )

    @check(en="A mean over all elements", zh="对所有元素取平均")
    def is_a_mean_over_all_elements(self, fn):
        for shape in ((2,), (4, 2), (2, 3, 2), (2, 3, 2, 5)):
            count = torch.Size(shape).numel()
            expect_close(
                fn(torch.zeros(shape), torch.arange(1.0, count + 1).view(shape), nn.Identity()),
                (count + 1) * (2 * count + 1) / 6,
                f"the {count} elements of shape {shape} are off by 1 to {count}: the loss is the mean of all their squares",
                f"形状{shape}的{count}个元素依次相差1到{count}：损失是所有这些平方的平均",
            )

    @check(en="The projector is called, on the student alone", zh="调用投影层，且只作用于学生")
    def projects_the_student_alone(self, fn):
        class Affine(Projector):
            def forward(self, hidden):
                return super().forward(hidden) + 1

        student = normal(3, 2, seed=4)
        expect_close(
            fn(student, 2 * student + 1, Affine(2 * torch.eye(2))),
            0.0,
            "a projector with a weight and a bias that maps the student onto the teacher exactly leaves a loss of 0",
            "投影层（有权重和偏置）把学生恰好映射到教师上时，损失应为0",
        )
        expect_close(
            fn(student, torch.zeros(3, 2), nn.Tanh()),
            student.tanh().square().mean(),
            "the projector may be any module, one without weights too: call it",
            "投影层可以是任意模块，也可以没有权重：请直接调用它",
        )

    @check(en="The gradient into the student", zh="流向学生的梯度")
    def has_the_gradient_of_the_student(self, fn):
        given = self.example()
        weight, difference = given["projector"].weight.detach(), _difference(**given)
        expect_close(
            gradient(lambda leaf: fn(**given | {"student_hidden": leaf}), given["student_hidden"]),
            2 * difference @ weight / difference.numel(),
            "the student's gradient should be 2 (r(s) − t) / elements, carried back through the projector",
            "学生的梯度应是2 (r(s) − t) / 元素个数，再经投影层传回",
        )

    @check(en="The gradient into the projector", zh="流向投影层的梯度")
    def has_the_gradient_of_the_projector(self, fn):
        given = self.example()
        loss = fn(**given)
        found, *_ = [*_gradients(loss, given["projector"].parameters()), None]  # none where it was frozen
        expect(
            found is not None,
            "no gradient reaches the projector: it stays as it was initialised, and the student chases a random "
            "projection",
            "没有梯度到达投影层：它会停在初始值上，学生追的是一个随机投影",
        )
        difference = _difference(**given)
        expect_close(
            found,
            2 * difference.T @ given["student_hidden"] / difference.numel(),
            "the projector's gradient should be 2 (r(s) − t)ᵀ s / elements",
            "投影层的梯度应是2 (r(s) − t)ᵀ s / 元素个数",
        )

    @check(en="Leaves the projector as it is", zh="不改动投影层本身")
    def leaves_the_projector_as_it_is(self, fn):
        for training in (True, False):
            given = self.example()
            projector = given["projector"].train(training)
            before = projector.weight.detach().clone()
            projector.weight.grad = before.clone()  # gathered from an earlier micro-batch, say
            fn(**given)
            expect(
                bool(projector.weight.equal(before))
                and projector.weight.grad is not None
                and bool(projector.weight.grad.equal(before)),
                "computing the loss should change neither the projector's weights nor the .grad they hold; that is "
                "the training loop's work",
                "计算损失时不应改动投影层的权重，也不应改动其中已有的.grad；那是训练循环的事",
            )
            expect(
                projector.weight.requires_grad and projector.training == training,
                "computing the loss should leave the projector's mode and its requires_grad as they are",
                "计算损失时不应改变投影层的模式和requires_grad",
            )

    def probes(self):
        return {
            "narrow": self.example(),
            "same width": self.example()
            | {"teacher_hidden": normal(4, 3, seed=5), "projector": Projector(normal(3, 3, seed=6))},
            "bent": {
                "student_hidden": normal(2, 3, 3, seed=7),
                "teacher_hidden": normal(2, 3, 3, seed=8),
                "projector": nn.Sequential(Projector(normal(3, 3, seed=9)), nn.Tanh()),
            },
        }

    def observe(self, function, arguments):
        """The value and the gradients into the student and into the projector."""
        arguments, leaves = self._with_leaves(arguments, self.student_arguments)
        leaves += arguments["projector"].parameters()

        def value_and_gradients():
            loss = function(**arguments)
            return [loss.detach(), *_gradients(loss, leaves)]

        with torch.random.fork_rng():
            torch.manual_seed(0)
            return outcome(value_and_gradients)


def _difference(student_hidden, teacher_hidden, projector):
    return (projector(student_hidden) - teacher_hidden).detach()


def _gradients(loss, leaves):
    leaves = [leaf for leaf in leaves if leaf.requires_grad]
    if not loss.requires_grad:
        return [None] * len(leaves)
    return list(torch.autograd.grad(loss, leaves, allow_unused=True))


@HintLoss.wrong(
    en="The projector is not used: this only runs where both widths are equal, and even there it asks the student for the "
    "teacher's very coordinates.",
    zh="没有用投影层：只有两边宽度相同时才跑得通，而且即使跑得通，也是要求学生逐坐标照抄教师。",
)
def ignores_the_projector(student_hidden, teacher_hidden, projector):
    return F.mse_loss(student_hidden, teacher_hidden.detach())


@HintLoss.wrong(
    en="The teacher's vector is cut to the student's width, or the other way round. The features left out are arbitrary; "
    "the projector is there to bridge the widths.",
    zh="把较宽的向量截断到较窄的宽度。舍掉哪些特征全凭偶然；投影层就是用来衔接不同宽度的。",
)
def cuts_to_the_shorter_width(student_hidden, teacher_hidden, projector):
    width = min(student_hidden.shape[-1], teacher_hidden.shape[-1])
    return F.mse_loss(student_hidden[..., :width], teacher_hidden[..., :width].detach())


@HintLoss.wrong(
    en="The teacher is projected instead of the student: the projector can map all of it to a constant, which any student "
    "copies. Here it maps (…, D) to (…, D').",
    zh="被投影的是教师而不是学生：投影层完全可以把教师压成常数，任何学生都抄得来。这里投影层是从(…, D)到(…, D')的。",
)
def projects_the_teacher(student_hidden, teacher_hidden, projector):
    return F.mse_loss(student_hidden, projector(teacher_hidden.detach()))


@HintLoss.wrong(
    en="Both sides go through the projector: weights of 0 then make the loss 0 without anything learned.",
    zh="两边都过了投影层：权重全为0时损失就是0，而什么也没学到。",
)
def projects_both(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden), projector(teacher_hidden.detach()))


@HintLoss.wrong(
    en="It is the student that is detached: only the projector learns, and the loss falls while the student stays as it was.",
    zh="detach的是学生：只有投影层在学习，损失在下降，学生却原地不动。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden.detach()), teacher_hidden.detach())


@HintLoss.wrong(
    en="Everything is computed under no_grad: a fine number for a log, and a loss that nobody can learn from.",
    zh="一切都在no_grad下计算：得到的数可以写进日志，却没有任何人能从这个损失中学习。",
    reference="Tencent/YOLO-Master PR#240",
)
def computes_without_a_graph(student_hidden, teacher_hidden, projector):
    with torch.no_grad():
        return F.mse_loss(projector(student_hidden), teacher_hidden)


@HintLoss.wrong(
    en="The projector is frozen: the student has to match the teacher through a random projection that never improves.",
    zh="投影层被冻结了：学生只能透过一个永远不会变好的随机投影去逼近教师。",
    reference="roymiles/Simple-Recipe-Distillation#1",
)
def freezes_the_projector(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector.requires_grad_(False)(student_hidden), teacher_hidden.detach())


@HintLoss.wrong(
    en="A new projector is made in every call: it is random each time, no optimizer knows it, and nothing adds up. Use the one "
    "that was given.",
    zh="每次调用都新建一个投影层：每次都是随机的，没有优化器知道它，学到的东西无法积累。请使用传入的那一个。",
)
def makes_a_new_projector(student_hidden, teacher_hidden, projector):
    projector = nn.Linear(student_hidden.shape[-1], teacher_hidden.shape[-1], dtype=student_hidden.dtype)
    return F.mse_loss(projector(student_hidden), teacher_hidden.detach())


@HintLoss.wrong(
    en="The projector is used as a matrix, by its weight. Any module may come, with a bias or a nonlinearity: call it.",
    zh="把投影层当成矩阵，直接取了它的权重。传入的可以是带偏置或非线性的任意模块：请调用它。",
)
def takes_the_projector_for_a_matrix(student_hidden, teacher_hidden, projector):
    return F.mse_loss(student_hidden @ projector.weight.to(student_hidden.dtype).T, teacher_hidden.detach())


@HintLoss.wrong(
    en="The squares are added up: the loss grows with batch and width. The mean over all elements is asked for.",
    zh="平方误差只求和：损失随批大小和宽度增长。要的是对所有元素取平均。",
)
def sums_the_squares(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden), teacher_hidden.detach(), reduction="sum")


@HintLoss.wrong(
    en="The squares are summed over the features and averaged over the rows only: a wider teacher weighs more.",
    zh="对特征求和、只对行取平均：教师越宽，损失的分量越大。",
)
def averages_over_rows_only(student_hidden, teacher_hidden, projector):
    return (projector(student_hidden) - teacher_hidden.detach()).square().sum(-1).mean()


@HintLoss.wrong(
    en="This is half the squared norm, as the FitNets paper writes it. The contract is the plain mean squared error.",
    zh="这是FitNets论文里写的范数平方的一半。这里要的是普通的均方误差。",
    reference="Romero et al. 2015, equation 3",
)
def takes_half_the_squared_norm(student_hidden, teacher_hidden, projector):
    return 0.5 * (projector(student_hidden) - teacher_hidden.detach()).square().sum(-1).mean()


@HintLoss.wrong(
    en="This is the mean absolute difference. Squares punish a large miss more, and their gradient fades near the goal.",
    zh="这是平均绝对误差。平方对大偏差惩罚更重，而且越接近目标梯度越小。",
)
def takes_absolute_differences(student_hidden, teacher_hidden, projector):
    return F.l1_loss(projector(student_hidden), teacher_hidden.detach())


@HintLoss.wrong(
    en="A root is taken of the mean: the gradient no longer shrinks as the student comes near, and at 0 it is NaN.",
    zh="对均值又开了平方根：学生接近教师时梯度不再变小，到0处则是NaN。",
)
def takes_the_root(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden), teacher_hidden.detach()).sqrt()


@HintLoss.wrong(
    en="Both vectors are normalised first: only directions are compared, and the teacher's lengths are lost.",
    zh="先对两个向量做了归一化：比较的只是方向，教师向量的长度信息丢失了。",
)
def compares_directions_only(student_hidden, teacher_hidden, projector):
    return F.mse_loss(
        F.normalize(projector(student_hidden), dim=-1), F.normalize(teacher_hidden.detach(), dim=-1)
    )


@HintLoss.wrong(
    en="The teacher is not detached: its layers get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的各层会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_hidden, teacher_hidden, projector):
    return F.mse_loss(projector(student_hidden), teacher_hidden)


@HintLoss.wrong(
    en="This is 1 − cosine: only directions are compared. The contract is the squared error, which sees the lengths as well.",
    zh="这是1 − 余弦：比较的只是方向。这里要的是平方误差，长度也要计入。",
)
def takes_the_cosine(student_hidden, teacher_hidden, projector):
    return (1 - F.cosine_similarity(projector(student_hidden), teacher_hidden.detach(), dim=-1)).mean()


@HintLoss.wrong(
    en="Only the first token is compared, as if it stood for the sentence. A hint is about every position.",
    zh="只比较了第一个token，好像它能代表整句。提示层损失要看每个位置。",
)
def looks_at_the_first_token_only(student_hidden, teacher_hidden, projector):
    first = (lambda x: x[:, 0]) if student_hidden.dim() == 3 else (lambda x: x[:1])
    return F.mse_loss(projector(first(student_hidden)), first(teacher_hidden.detach()))


@HintLoss.wrong(
    en="The teacher is reshaped until its numbers fit the student's shape: what is compared then are features of different tokens.",
    zh="把教师的张量reshape成能对上学生的形状：比较的就成了不同token的特征。",
    reference="huggingface/trl PR#6526",
)
def reshapes_the_teacher(student_hidden, teacher_hidden, projector):
    made = projector(student_hidden)
    teacher = teacher_hidden.detach().transpose(0, -1).reshape(made.shape)
    return F.mse_loss(made, teacher)


EXERCISE = HintLoss()
