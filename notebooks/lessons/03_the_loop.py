# %% [markdown] lang="en"
# # 03 · The loop
#
# *What is wrong with this loop?* About 35 minutes, and an hour more for its four exercises; one extra.
#
# Mei found a distillation loop on a blog, short enough for one screen. It crashed twice, she mended that, and now it runs. The loss is far below zero and still falling. "I have never seen training go so well," she writes, and ships the student. The next morning the lights answer to nothing.
#
# Here is the loop, in our own words. Interviewers love it. Before you run anything, write down every line that you would change.
# %% [markdown] lang="zh"
# # 03 · 训练循环
#
# *这个循环错在哪里？* 约35分钟，四道练习另需一小时；还有一道选做。
#
# 小梅在博客上找到一个蒸馏循环，一屏就能看完。它崩了两次，她修好了，现在能跑了。损失早已远远低于零，还在往下降。“我从没见过训练得这么顺的。”她写道，随后就把学生模型发布了。第二天早上，家里的灯谁的话都不听了。
#
# 下面就是这个循环，我们照原意重写了一遍。面试官最爱拿它出题。运行之前，先把你想改的每一行都记下来。

# %%
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader


class Echo(nn.Module):
    """Both models, as published: "define your layers here"."""

    def forward(self, batch):
        return batch


def published_loop(teacher, student, loader, criterion, optimizer):
    student.train()
    teacher.eval()
    for batch, label in loader:
        teacher_says = teacher(batch)
        student_says = student(batch)
        cost = criterion(student_says, teacher_says)
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()


criterion = nn.CrossEntropyLoss()

# %% [markdown] lang="en"
# ## The two that crash
#
# The lines below the loop made an optimiser for the student's parameters and a loader for `dataset`. Watch.
# %% [markdown] lang="zh"
# ## 两处会崩的错
#
# 循环下面的几行，要为学生的参数建优化器，为`dataset`建数据加载器。看看会怎样。

# %% key="crash"
from kd_study.lessons.kit.experiments import attempt

attempt(lambda: torch.optim.Adam(Echo().parameters(), lr=0.001))
attempt(lambda: DataLoader(dataset, batch_size=64, shuffle=True))

# %% [markdown] lang="en"
# A model that returns its input has nothing to learn, and nobody ever defined `dataset`. These are the harmless faults: they say so themselves. Give the loop real models and real commands: MiniLM with its trained head, its vectors read from the cache; a student that averages the vectors of hashed pieces of words; five labelled commands for each intent.
# %% [markdown] lang="zh"
# 原样返回输入的模型没有东西可学，`dataset`也从来没人定义过。这两处是无害的：它们自己会喊出来。现在给循环装上真的模型和真的指令：教师是带分类头的MiniLM，向量从缓存里读；学生把词切成子词，哈希之后取向量的平均；每种意图五条带标签的指令。

# %%
from kd_solutions import TeacherModel
from kd_solutions.data import load_commands
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_solutions.signals import CachedSignal
from kd_solutions.models import Subwords
from kd_study import guess
from kd_study.lessons.kit.experiments import few_commands, kept_for_backward, score_by_intent, train_head
from kd_study.lessons.kit.pictures import axes, draw_intervals

commands, held_out = load_commands("en", "train"), load_commands("en", "test")
CLASSES, ROWS, WIDTH = len(commands.intents), 1024, 32
minilm = TeacherModel.from_pretrained()
vectors_of, pieces_of = CachedSignal(minilm), Subwords(ROWS)


# %%
class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = train_head(vectors_of(commands.texts), commands.labels, CLASSES)

    def forward(self, texts):
        return self.head(vectors_of(texts))


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.EmbeddingBag(ROWS, WIDTH)
        self.layers = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))

    def forward(self, texts):
        pieces = pieces_of(texts)
        return self.layers(self.table(pieces.ids, pieces.offsets))


teacher = Teacher()


# %%
def fresh(seed, optimizer=torch.optim.Adam, **options):
    """A student, its loader and its optimiser; the seed decides about all three."""
    torch.manual_seed(seed)
    rows = few_commands(commands.labels, 5, seed).tolist()
    data = [(commands.texts[row], commands.labels[row]) for row in rows]
    student = Student()
    options = options or {"lr": 0.02}
    return student, DataLoader(data, batch_size=31, shuffle=True), optimizer(student.parameters(), **options)


@torch.no_grad()
def answers(model):
    """Logits for all held-out commands."""
    return model.eval()(held_out.texts)


def score(model):
    """Percent of held-out commands read rightly, each intent weighing the same."""
    return score_by_intent(answers(model), held_out.labels).item()


chance = 100 / CLASSES
print(
    say(
        f"Teacher: {score(teacher):.0f} %. Guessing among {CLASSES} intents: {chance:.0f} %.",
        f"教师：{score(teacher):.0f}%。在{CLASSES}种意图里瞎猜：{chance:.0f}%。",
    )
)

# %% [markdown] lang="en"
# ## The one that kills
#
# Nothing crashes any more. Ten students run through the published loop, twenty passes each.
#
# **Guess first.** What will they score?
# %% [markdown] lang="zh"
# ## 致命的一处
#
# 现在不再崩了。十个学生各在这个循环里跑二十遍数据。
#
# **先猜一猜。** 它们能得多少分？

# %%
guessed_score = guess(unit="%", low=0, high=100)
guessed_score

# %%
SEEDS, PASSES = 10, 20
losses, raw, named = [], [], []


def recorded(student_says, teacher_says):
    cost = criterion(student_says, teacher_says)
    losses.append(cost.item())
    return cost


for seed in range(SEEDS):
    student, loader, optimizer = fresh(seed)
    for _ in range(PASSES):
        published_loop(teacher, student, loader, recorded, optimizer)
    raw.append(score(student))
    named.append(len(answers(student).argmax(1).unique()))

# %% key="raw-logits"
left, right = axes(columns=2, height=2.6)
left.plot(losses[: PASSES * len(loader)], color="black")
left.set(xlabel="step", ylabel="loss of the first student")
draw_intervals(right, {"ten\nstudents": t_interval(raw)}, unit="score, %", baseline=chance)
right.set_xlim(0, 100)
right.text(chance + 2, 0.4, "chance", color="grey")
guessed_score.draw(right, axis="x")
print(
    say(
        f"Score {sum(raw) / SEEDS:.0f} %. No student names more than {max(named)} of the {CLASSES} intents.",
        f"得分{sum(raw) / SEEDS:.0f}%。{CLASSES}种意图里，每个学生最多只说得出{max(named)}种。",
    )
)

# %% [markdown] lang="en" caption=true
# The loss falls without end, and the student stays near chance.
# %% [markdown] lang="zh"
# 损失一路下降没有尽头，学生却始终接近随机水平。

# %% [markdown] lang="en"
# A cross-entropy below zero is the tell-tale. `CrossEntropyLoss` takes a matrix of floats as class *probabilities*, and nobody checks. It was given the teacher's raw **logits** $z$. So it computes $-\sum_j z_j \log q_j$, whose gradient is
#
# $$\frac{\partial}{\partial s_i} = \Big(\sum_j z_j\Big)\, q_i - z_i \qquad\text{instead of}\qquad q_i - p_i.$$
#
# What does that tell a student that already *is* the teacher?
# %% [markdown] lang="zh"
# 交叉熵小于零，就是露馅的地方。`CrossEntropyLoss`把浮点矩阵一律当作类别*概率*，没有人检查。传给它的却是教师的原始**logits** $z$。于是它算的是$-\sum_j z_j \log q_j$，梯度是
#
# $$\frac{\partial}{\partial s_i} = \Big(\sum_j z_j\Big)\, q_i - z_i \qquad\text{而不是}\qquad q_i - p_i.$$
#
# 如果学生已经与教师*一模一样*，这个梯度还会叫它做什么？

# %% key="gradient-at-a-copy"
logits = teacher(commands.texts[::100])
copy = logits.clone().requires_grad_()
at_copy = [
    torch.autograd.grad(F.cross_entropy(copy, target, reduction="sum"), copy)[0].norm(dim=1).mean()
    for target in (logits, logits.softmax(1))
]
print(
    say(
        f"Length of the gradient at a perfect copy: raw logits {at_copy[0]:.0f}, probabilities {at_copy[1]:.0f}.\n"
        f"A row of the teacher's logits sums to {logits.sum(1).mean():.0f}, their sizes to {logits.abs().sum(1).mean():.0f}.",
        f"学生与教师完全一致时的梯度长度：用原始logits为{at_copy[0]:.0f}，用概率为{at_copy[1]:.0f}。\n"
        f"教师每行logits之和为{logits.sum(1).mean():.0f}，绝对值之和为{logits.abs().sum(1).mean():.0f}。",
    )
)

# %% [markdown] lang="en"
# The teacher's logits nearly cancel. What is left of the gradient is about $-z$, whatever the student says: no error is ever fed back. The push is as strong at a perfect copy as at the start, it never ends, and averaged over a batch it drags all commands the same way. Hence the handful of intents.
#
# **What would change our mind?** Perhaps it was only the step size, or Adam.
# %% [markdown] lang="zh"
# 教师的logits几乎正负相消，梯度只剩下大约$-z$，与学生说什么无关：误差从来没有反馈回来。哪怕学生已经与教师完全一致，推力也和起步时一样大，没完没了；在一批样本上平均之后，所有指令都被拖往同一个方向。所以它只说得出寥寥几种意图。
#
# **什么会让我们改变看法？** 也许只是步长的问题，或者是Adam的问题。

# %% key="rates"
for name, make, options in [
    ("Adam, 0.001", torch.optim.Adam, {"lr": 0.001}),
    ("Adam, 0.005", torch.optim.Adam, {"lr": 0.005}),
    ("SGD, 0.1", torch.optim.SGD, {"lr": 0.1}),
]:
    results = []
    for seed in range(5):
        student, loader, optimizer = fresh(seed, make, **options)
        for _ in range(PASSES):
            published_loop(teacher, student, loader, recorded, optimizer)
        results.append(score(student))
    below = "nan" if losses[-1] != losses[-1] else "< 0"
    mean = sum(results) / len(results)
    print(say(f"{name:12} {mean:.0f} %   last loss {below}", f"{name:12} {mean:.0f}%   最后的损失 {below}"))

# %% [markdown] lang="en"
# No. With a smaller step the loss falls more slowly, with SGD it overflows, and nothing is learned. The mend is one word: `softmax`.
#
# ## The one that only costs
#
# The loop calls `teacher.eval()`. Doesn't that spare the teacher's gradients? Weigh it on MiniLM: how much does autograd keep, for one batch, so that it could go backward through the teacher? Nobody wants it to.
# %% [markdown] lang="zh"
# 都不是。步长小，只是损失降得慢些；换成SGD则溢出；谁也没学到东西。修法只有一个词：`softmax`。
#
# ## 只费资源的一处
#
# 循环里调用了`teacher.eval()`。教师的梯度不就省掉了吗？用MiniLM量一量：一个批次下来，autograd为穿过教师的反向传播保存了多少东西？而这次反向传播谁也不需要。

# %% key="graph" tags=["nbval-ignore-output"]
batch = minilm.tokenizer(commands.texts[:31], padding=True, return_tensors="pt")


def read():
    return minilm.encoder(**batch).last_hidden_state


student = fresh(0)[0]
kept = {"eval()": kept_for_backward(minilm.eval(), read)}
with torch.no_grad():
    kept["eval(), no_grad()"] = kept_for_backward(minilm, read)
    torch.manual_seed(0)
    minilm.train()
    alike = F.cosine_similarity(read().flatten(1), read().flatten(1)).mean()
    minilm.eval()
kept[say("the student itself", "学生自己")] = kept_for_backward(student, lambda: student(commands.texts[:31]))
for name, megabytes in kept.items():
    print(f"{megabytes:6.2f} MB  {name}")
print(
    say(
        f"no_grad() without eval(): asked twice, its answers have a cosine of {alike:.2f}",
        f"只有no_grad()没有eval()：同样的问题问两次，回答的余弦是{alike:.2f}",
    )
)

# %% [markdown] lang="en"
# The graph that nobody needs dwarfs the student's own. So there are two switches, and you need both: `eval()` turns dropout off and keeps BatchNorm still, but gradients flow on; `no_grad()` builds no graph, but leaves dropout as it was. And a teacher that lives inside another module is woken by that module's `train()`. Make one that can't be woken.
# %% [markdown] lang="zh"
# 这张谁也用不着的计算图，比学生自己的大得多。所以开关有两个，缺一不可：`eval()`关掉dropout，让BatchNorm不再变动，梯度却照样流；`no_grad()`不建计算图，dropout却维持原状。另外，教师若放在别的模块里，那个模块一调用`train()`就会把它叫醒。请你做一个叫不醒的教师。

# %% exercise="freeze"

# %% key="frozen"
both = nn.ModuleDict({"student": Student(), "teacher": freeze(minilm)})
both.train()
print({name: "train" if model.training else "eval" for name, model in both.items()})
print(f"{kept_for_backward(minilm, read):6.2f} MB")

# %% [markdown] lang="en"
# Now one clean step, with everything in its place.
# %% [markdown] lang="zh"
# 现在写出干净利落的一步，样样就位。

# %% exercise="distill_step"

# %%
from kd_solutions import distillation_kl

student, loader, optimizer = fresh(0)
texts = [text for text, label in loader.dataset]
path = [
    distill_step(student, teacher, texts, optimizer, lambda s, t: distillation_kl(s, t, temperature=4.0))
    for _ in range(40)
]
print(
    say(
        f"Distance to the teacher: {path[0]:.1f} at first, {path[-1]:.1f} after {len(path)} steps, and never below zero.",
        f"与教师的距离：起初{path[0]:.1f}，{len(path)}步之后{path[-1]:.1f}，而且不会小于零。",
    )
)

# %% [markdown] lang="en"
# ## The three that are missing
#
# What the loop *doesn't* do is harder to see. It should return the student's parameters, and returns nothing. It goes through the data once. And it unpacks a label that it never uses, so no label can correct the teacher.
# %% [markdown] lang="zh"
# ## 少了的三样
#
# 循环*没有*做的事更难发现。它本该返回学生的参数，却什么也没返回；数据只跑了一遍；标签取了出来却从不使用，教师错了也没有标签来纠正。

# %%
student, loader, optimizer = fresh(0)
print(published_loop(teacher, student, loader, criterion, optimizer))

# %% [markdown] lang="en"
# Write it properly. It is the coding exercise that this whole collection grew from.
# %% [markdown] lang="zh"
# 请你正确地写一遍。整套课程就是从这道编程题长出来的。

# %% exercise="train_student_model"

# %% [markdown] lang="en"
# ## A real student, mend by mend
#
# The same ten students, with your loop: first the probabilities, then the passes, then temperature, $T^2$ and labels, all of which are in the `kd_loss` of lesson 01.
#
# **Guess first.** What does the last one score? (The teacher's score stands above.)
# %% [markdown] lang="zh"
# ## 一处一处修，训练真正的学生
#
# 还是那十个学生，换上你的循环：先改用概率，再多跑几遍，最后加上温度系数、$T^2$和标签，也就是第01课的`kd_loss`。
#
# **先猜一猜。** 最后那个能得多少分？（教师的得分在上面。）

# %%
guessed_final = guess(unit="%", low=0, high=100)
guessed_final

# %%
from kd_solutions import kd_loss


def distilled(loss_function, passes=PASSES, **options):
    """The ten students' scores, trained with your loop."""
    results = []
    for seed in range(SEEDS):
        student, loader, optimizer = fresh(seed, **options)
        train_student_model(teacher, student, loader, loss_function, optimizer, passes)
        results.append(score(student))
    return results


def on_probabilities(student_says, teacher_says):
    return F.cross_entropy(student_says, teacher_says.softmax(1))


# %% key="mends"
mends = {
    "raw logits": distilled(criterion, passes=1),
    "+ softmax": distilled(on_probabilities, passes=1),
    f"+ {PASSES} passes": distilled(on_probabilities),
    "+ temperature,\nT² and labels": distilled(kd_loss),
}
ax = axes()
draw_intervals(ax, {name: t_interval(result) for name, result in mends.items()}, "score, %", baseline=chance)
ax.set_xlim(0, 100)
guessed_final.draw(ax, axis="x")
last = sum(mends["+ temperature,\nT² and labels"]) / SEEDS
print(say(f"All mended: {last:.0f} %.", f"全部修好：{last:.0f}%。"))

# %% [markdown] lang="en" caption=true
# Each mend brings the student further from chance.
# %% [markdown] lang="zh"
# 每修好一处，学生就离随机水平更远一步。

# %% [markdown] lang="en"
# Was the teacher needed, or would the labels alone have done? That control comes first in the next cell. Beside it stand the published page's two design notes, "use MSE or cross-entropy" and "use SGD or Adam".
# %% [markdown] lang="zh"
# 教师真的有用吗，还是光靠标签就够了？下一个单元格先做这个对照，旁边是那篇博客的两条设计建议：“用MSE或交叉熵”，“用SGD或Adam”。


# %% key="design-notes"
def on_labels(student_says, teacher_says, label):
    return F.cross_entropy(student_says, label)


with_kd = mends["+ temperature,\nT² and labels"]
others = {
    "labels alone, Adam": distilled(on_labels),
    "cross-entropy on\nprobabilities, Adam": mends[f"+ {PASSES} passes"],
    "MSE on logits, Adam": distilled(nn.MSELoss()),
    "kd_loss, SGD": distilled(kd_loss, optimizer=torch.optim.SGD, lr=0.3, momentum=0.9),
}
differences = {name: paired_t_interval(result, with_kd) for name, result in others.items()}
ax = axes(height=3.2)
draw_intervals(ax, differences, unit="points against kd_loss with Adam")

# %% [markdown] lang="en" caption=true
# Every other choice came behind kd_loss with Adam, at these rates.
# %% [markdown] lang="zh"
# 在这些学习率下，其他选择都落在kd_loss加Adam之后。

# %% [markdown] lang="en"
# Read it with care. The labels alone are behind, so the teacher was needed. MSE on *logits* and cross-entropy on *probabilities* both teach; what ruined Mei's student was the mixture of the two. And SGD is behind **at this rate and after this many steps**, which is no verdict on SGD: its step grows with the gradient, so every constant in a loss counts, whereas Adam divides it out. Lesson 04 tunes both before it judges.
#
# ## Once more, from memory
#
# Below is a loop with six faults, not quite the same as above. Repair it.
# %% [markdown] lang="zh"
# 要仔细读这张图。只用标签落在后面，说明教师有用。*logits*上的MSE和*概率*上的交叉熵都教得会；毁掉小梅的学生的，是把两者混在一起。SGD落后，是**在这个学习率、这么多步之下**落后，并不是对SGD的判决：它的步长与梯度成正比，损失里的每个常数都算数，而Adam会把常数除掉。第04课会先把两者都调好，再下结论。
#
# ## 凭记忆再来一遍
#
# 下面的循环有六处错误，与上面的不尽相同。请修好它。

# %% exercise="repair_the_loop"

# %% [markdown] lang="en"
# **Extra**, if you want to see what the loss tells each logit, write the gradient down by hand.
# %% [markdown] lang="zh"
# **选做**：想看清损失怎样推动每一个logit，就亲手把梯度写出来。

# %% exercise="kd_gradient"

# %%
student_logits = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
by_autograd = torch.autograd.grad(distillation_kl(student_logits, logits, 4.0), student_logits)[0]
by_hand = kd_gradient(student_logits, logits, 4.0)
print(
    say(
        f"By hand against autograd, largest difference: {(by_hand - by_autograd).abs().max():.4f}",
        f"手写与autograd的最大差别：{(by_hand - by_autograd).abs().max():.4f}",
    )
)

# %% [markdown] lang="en"
# ## The interview
# %% [markdown] lang="zh"
# ## 面试

# %% [markdown] question="what-is-wrong-with-this-loop"

# %% [markdown] question="eval-or-no-grad"

# %% [markdown] question="mse-or-cross-entropy"

# %% [markdown] question="sgd-or-adam"

# %% [markdown] question="which-parameters-to-optimise"

# %% [markdown] question="loss-is-zero"

# %% [markdown] lang="en"
# ## Next
#
# Shown a loop, you can now say within half a minute what it will do. Still open: are MSE and SGD really worse, and must the student resemble its teacher? Lesson 04 tests the three rules of thumb. If you would rather see your loop at work on ten languages, go to [lesson 08](08_many_languages.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在给你一个训练循环，你半分钟就能说出它会训练出什么。还没回答的是：MSE和SGD真的更差吗？学生必须像教师吗？第04课检验这三条经验之谈。想先看你的循环在十种语言上大显身手，就去[第08课](08_many_languages.ipynb)。
