# %% [markdown] lang="en"
# # 03 · The loop
#
# *What is wrong with this loop?* About 45 minutes, and an hour more for its four exercises; one extra.
#
# Mei found a distillation loop on a blog, short enough for one screen. It crashed twice, she mended that, and now it runs. The loss is far below zero and still falling. "I have never seen training go so well," she writes, and ships the student. The next morning the lights answer to nothing.
#
# Here is the loop, in our own words. Before you run anything, write down every line that you would change.
# %% [markdown] lang="zh"
# # 03 · 训练循环
#
# *这个循环错在哪里？* 约45分钟，四道练习另需一小时；还有一道选做。
#
# 小梅在博客上找到一个蒸馏循环，一屏就能看完。它崩了两次，她修好了，现在能跑了。损失早已远远低于零，还在往下降。“我从没见过训练得这么顺的。”她写道，随后就把学生模型发布了。第二天早上，家里的灯谁的话都不听了。
#
# 下面就是这个循环，我们照原意重写了一遍。运行之前，先把你想改的每一行都记下来。

# %% study=true
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
# ## Two that crash
#
# Below its loop the page makes an optimiser for the student's parameters, and a loader for `dataset`.
# %% [markdown] lang="zh"
# ## 两处会崩的错
#
# 循环下面的几行，要为学生的参数建优化器，为`dataset`建数据加载器。

# %% key="crash"
from kd_study.lessons.kit.experiments import attempt

attempt(lambda: torch.optim.Adam(Echo().parameters(), lr=0.001))
attempt(lambda: DataLoader(dataset, batch_size=64, shuffle=True))

# %% [markdown] lang="en"
# A model that returns its input has nothing to learn, and nobody ever defined `dataset`. Harmless faults: they say so themselves.
#
# Now give the loop real models and real commands. The teacher is MiniLM with a trained head; the student is that of lesson 01, counts of a command's pieces of words and two layers; the data are five labelled commands for each intent.
# %% [markdown] lang="zh"
# 原样返回输入的模型没有东西可学，`dataset`也从来没人定义过。这两处是无害的：它们自己会喊出来。
#
# 现在给循环装上真的模型和真的指令。教师是带分类头的MiniLM；学生与第01课的相同，先数出指令里的子词，再过两层网络；数据是每种意图五条带标签的指令。

# %%
from kd_solutions.data import load_commands
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_solutions.models import PretrainedTeacher
from kd_solutions.signals import CachedSignal
from kd_solutions.support.progress import counting
from kd_study import guess, my_guesses
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import bags, few_commands, in_words, kept_for_backward
from kd_study.lessons.kit.experiments import score_by_intent, shared_words, train_head
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.notebook.views import show_table

commands, held_out = load_commands("en", "train"), load_commands("en", "test")
CLASSES, ROWS, WIDTH = len(commands.intents), 256, 32
known = commands.texts + held_out.texts
row_of = {text: row for row, text in enumerate(known)}
vectors, pieces = CachedSignal(PretrainedTeacher())(known), bags(known, ROWS)


# %%
class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = train_head(vectors[: len(commands)], commands.labels, CLASSES)

    def forward(self, texts):
        return self.head(vectors[[row_of[text] for text in texts]])


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(ROWS, WIDTH), nn.ReLU(), nn.Linear(WIDTH, CLASSES))

    def forward(self, texts):
        return self.layers(pieces[[row_of[text] for text in texts]])


def fresh(seed, optimizer=torch.optim.Adam, **options):
    """A student, its loader and its optimiser; the seed decides about all three."""
    torch.manual_seed(seed)
    rows = few_commands(commands.labels, 5, seed).tolist()
    loader = DataLoader([(commands.texts[row], commands.labels[row]) for row in rows], 52, shuffle=True)
    student = Student()
    return student, loader, optimizer(student.parameters(), fused=True, **(options or {"lr": 0.02}))


@torch.no_grad()
def answers(model):
    """Logits for all held-out commands."""
    return model.eval()(held_out.texts)


def score(model):
    """Percent of held-out commands read rightly, each intent weighing the same."""
    return score_by_intent(answers(model), held_out.labels).item()


teacher, loader, chance = Teacher(), fresh(0)[1], 100 / CLASSES
print(
    say(
        f"Teacher: {score(teacher):.0f} %. Guessing among {CLASSES} intents: {chance:.0f} %.\n"
        f"A student has {len(loader.dataset)} commands, {len(loader)} steps a pass.",
        f"教师：{score(teacher):.0f}%。在{CLASSES}种意图里瞎猜：{chance:.0f}%。\n"
        f"每个学生有{len(loader.dataset)}条指令，跑一遍数据走{len(loader)}步。",
    )
)

# %% [markdown] lang="en"
# ## One that kills
#
# Nothing crashes any more. Ten students go through the published loop, twenty passes each.
#
# **Guess first.** What will they score, held out, each intent weighing the same?
# %% [markdown] lang="zh"
# ## 致命的一处
#
# 现在不再崩了。十个学生各在这个循环里跑二十遍数据。
#
# **先猜一猜。** 在留出的指令上，每种意图权重相同，它们能得多少分？

# %%
guessed_score = guess(unit="%", low=0, high=100)
guessed_score

# %%
SEEDS, PASSES = 10, 20
STEPS = PASSES * len(loader)
losses = []


def recorded(student_says, teacher_says):
    cost = criterion(student_says, teacher_says)
    losses.append(cost.item())
    return cost


def published(seeds, loss_function=recorded, **options):
    """Students after twenty passes through the published loop."""
    for seed in range(seeds):
        student, loader, optimizer = fresh(seed, **options)
        for _ in range(PASSES):
            published_loop(teacher, student, loader, loss_function, optimizer)
        yield student


students = list(published(SEEDS))
raw = [score(student) for student in students]
named = [len(answers(student).argmax(1).unique()) for student in students]

# %% key="raw-logits"
left, right = axes(columns=2, height=2.6)
left.plot(losses[:STEPS], color="black")
left.set(xlabel="step", ylabel="loss of the first student")
draw_intervals(right, {"ten\nstudents": t_interval(raw)}, unit="score, %", baseline=chance)
right.set_xlim(0, 100)
right.text(chance + 2, 0.4, "chance", color="grey")
guessed_score.draw(right, axis="x")
mean = sum(raw) / SEEDS
guessed_score.compare(mean)
print(
    say(
        f"Score {mean:.0f} %. No student names more than {max(named)} of the {CLASSES} intents.",
        f"得分{mean:.0f}%。{CLASSES}种意图里，每个学生最多只说得出{max(named)}种。",
    )
)

# %% [markdown] lang="en" caption=true
# The loss falls without end, and the students stay near chance.
# %% [markdown] lang="zh"
# 损失一路下降没有尽头，学生却始终接近随机水平。

# %% [markdown] lang="en"
# A cross-entropy below zero is the tell-tale. `CrossEntropyLoss` takes a matrix of floats as class *probabilities*, and nobody checks. It was given the teacher's raw **logits** $z$. With the student's probabilities $q$, the loss is then $-\sum_j z_j \log q_j$, and its gradient
#
# $$\frac{\partial}{\partial s_i} = \Big(\sum_j z_j\Big)\, q_i - z_i \qquad\text{instead of}\qquad q_i - p_i.$$
#
# What does it tell a student that hasn't begun, and one that already *is* the teacher?
# %% [markdown] lang="zh"
# 交叉熵小于零，就是露馅的地方。`CrossEntropyLoss`把浮点矩阵一律当作类别*概率*，没有人检查。传给它的却是教师的原始**logits** $z$。于是它算的是$-\sum_j z_j \log q_j$，其中$q$是学生的概率，梯度是
#
# $$\frac{\partial}{\partial s_i} = \Big(\sum_j z_j\Big)\, q_i - z_i \qquad\text{而不是}\qquad q_i - p_i.$$
#
# 还没开始学的学生，和已经与教师*一模一样*的学生，这个梯度各叫它做什么？

# %% key="gradient-at-a-copy"
texts = commands.texts[::100]
z, start = teacher(texts), fresh(0)[0](texts).detach()
targets = {say("raw logits", "原始logits"): z, say("probabilities", "概率"): z.softmax(1)}


def gradients(student_logits, target):
    leaf = student_logits.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(leaf, target, reduction="sum"), leaf)[0]


for name, target in targets.items():
    at_start, at_copy = (gradients(logits, target).norm(dim=1).mean() for logits in (start, z))
    print(
        say(
            f"{name:13} length of the gradient: {at_start:4.1f} at the start, {at_copy:4.1f} at a perfect copy",
            f"{name}：梯度长度起步时{at_start:.1f}，与教师一模一样时{at_copy:.1f}",
        )
    )
print(
    say(
        f"A row of z sums to {z.sum(1).mean():z.0f}, its sizes to {z.abs().sum(1).mean():.0f}.",
        f"z的一行之和为{z.sum(1).mean():z.0f}，绝对值之和为{z.abs().sum(1).mean():.0f}。",
    )
)

# %% [markdown] lang="en"
# The teacher's logits all but cancel. With $\sum_j z_j$ gone, so is the only term that looks at the student's answer. What is left is about $-z$, as long at a perfect copy as at the start: no error is fed back, and the loss has no lowest point. Turn the dial and let the student approach its teacher.
# %% [markdown] lang="zh"
# 教师的logits几乎正负相消。$\sum_j z_j$没了，唯一顾及学生回答的那一项也就没了，剩下的大约是$-z$：哪怕学生已经与教师一模一样，它也和起步时一样长。误差从来没有反馈回来，损失也没有最低点。转动旋钮，让学生一步步接近教师。


# %%
def draw_gradients(way):
    """The gradient of one command's loss on every logit, this part of the way from the start to a copy."""
    logits = torch.lerp(start[:1], z[:1], way)
    panels = axes(columns=2, height=2.4)
    titles, reach = ("raw logits", "probabilities"), (10, 1)
    for ax, title, most, target in zip(panels, titles, reach, targets.values(), strict=True):
        ax.bar(range(CLASSES), gradients(logits, target[:1])[0], color="black")
        ax.axhline(0, color="grey", linewidth=0.8)
        ax.set(title=title, xlabel="intent", ylabel="gradient", xticks=[], ylim=(-most, most))
    return panels[0].figure


Dial(
    draw_gradients, say("way to the teacher", "向教师靠近了多少（1为一致）"), (0, 0.25, 0.5, 0.75, 1), start=0
)

# %% key="gradients"
figure = draw_gradients(1)

# %% [markdown] lang="en" caption=true
# Even a perfect copy of the teacher gets the whole push from raw logits, and none from probabilities. (Mind the scales.)
# %% [markdown] lang="zh"
# 哪怕学生已经与教师一模一样，原始logits的推力仍丝毫不减；用概率则推力为零。（注意两边刻度不同。）

# %% [markdown] lang="en"
# **What would change our mind?** Perhaps it was only the step size, or Adam. And if it was the cancelling, undoing that must help: lift each row of $z$ until nothing in it is negative, which no softmax would notice.
# %% [markdown] lang="zh"
# **什么会让我们改变看法？** 也许只是步长的问题，或者是Adam的问题。而如果祸根真是正负相消，消除它就该有用：把$z$的每一行整体抬高，直到没有负数，softmax根本察觉不到。


# %% key="rates"
def lifted(student_says, teacher_says):
    return recorded(student_says, teacher_says - teacher_says.min(1, keepdim=True).values)


def roughly(loss):
    """To one digit: how far below zero, not where exactly."""
    return "nan" if loss != loss else f"{float(f'{loss:.0e}'):,.0f}".replace("-", "−")


rows = [["Adam, 0.02", f"{mean:.0f}", roughly(losses[STEPS - 1])]]
for name, options in {
    "Adam, 0.001": {"lr": 0.001},
    "SGD, 0.1": {"optimizer": torch.optim.SGD, "lr": 0.1},
    say("Adam, 0.02, rows lifted", "Adam, 0.02，抬高每一行"): {"loss_function": lifted},
}.items():
    before = len(losses)
    results = [score(student) for student in published(5, **options)]
    last = losses[before + STEPS - 1]
    rows.append([name, f"{sum(results) / len(results):.0f}", roughly(last)])
show_table(
    [
        say("optimiser, rate", "优化器和学习率"),
        say("score, %", "得分，%"),
        say("first student's last loss, roughly", "第一个学生最后的损失（约数）"),
    ],
    rows,
)

# %% [markdown] lang="en"
# With a smaller step the loss falls more slowly, with SGD it runs away, and neither teaches anything. Lift the rows, and the same loss with the same optimiser teaches well: the cancelling was to blame. The proper mend is one word: `softmax`.
#
# ## One that only costs
#
# The loop calls `teacher.eval()`. Doesn't that spare the teacher's gradients? Weigh it on MiniLM itself: how much does autograd keep of one batch, to go backward through a teacher that nobody trains?
# %% [markdown] lang="zh"
# 步长小，只是损失降得慢些；换成SGD，损失直接失控；两样都教不会什么。把每一行抬高，同样的损失、同样的优化器就教得很好：祸根正是正负相消。正经的修法只有一个词：`softmax`。
#
# ## 只费资源的一处
#
# 循环里调用了`teacher.eval()`。教师的梯度不就省掉了吗？拿MiniLM本身量一量：谁也不训练教师，可一个批次下来，autograd为穿过它的反向传播存了多少东西？

# %% key="graph" tags=["nbval-ignore-output"]
from kd_solutions import TeacherModel

minilm = TeacherModel.from_pretrained()
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
# The graph that nobody needs dwarfs the student's own. So there are two switches, and you need both: `eval()` turns dropout off and keeps BatchNorm still, but gradients flow on; `no_grad()` builds no graph, but leaves dropout as it was. And inside another module a teacher is woken by that module's `train()`. Make one that can't be woken.
# %% [markdown] lang="zh"
# 这张谁也用不着的计算图，比学生自己的大得多。所以开关有两个，缺一不可：`eval()`关掉dropout，让BatchNorm不再变动，梯度却照样流；`no_grad()`不建计算图，dropout却维持原状。另外，教师若放在别的模块里，那个模块一调用`train()`就会把它叫醒。请你做一个叫不醒的教师。

# %% exercise="freeze"

# %% key="frozen"
both = nn.ModuleDict({"student": Student(), "teacher": freeze(minilm)})
both.train()
print({name: "train" if model.training else "eval" for name, model in both.items()})
print(f"{kept_for_backward(minilm, read):6.2f} MB")

# %% [markdown] question="eval-or-no-grad"

# %% [markdown] lang="en"
# Now one clean step, with everything in its place.
# %% [markdown] lang="zh"
# 现在写出干净利落的一步，样样就位。

# %% exercise="distill_step"

# %% key="one-step"
from kd_solutions import distillation_kl

student, loader, optimizer = fresh(0)
texts = [text for text, label in loader.dataset]
path = [
    distill_step(student, teacher, texts, optimizer, lambda s, t: distillation_kl(s, t, temperature=4.0))
    for _ in range(40)
]
print(
    say(
        f"Distance to the teacher: {path[0]:.1f} at first, {path[-1]:.1f} after {len(path)} steps.",
        f"与教师的距离：起初{path[0]:.1f}，{len(path)}步之后{path[-1]:.1f}。",
    )
)

# %% [markdown] lang="en"
# ## Three that are missing
#
# What the loop *doesn't* do is harder to see. It returns nothing, where the student's parameters were asked for. It goes through the data once. And it unpacks a label that it never uses, so no label can correct the teacher. Write it properly: this whole collection grew from that one exercise.
# %% [markdown] lang="zh"
# ## 少了的三样
#
# 循环*没有*做的事更难发现。该返回学生的参数，却什么也没返回；数据只跑了一遍；标签取了出来却从不使用，教师错了也没有标签来纠正。请你正确地写一遍：整套课程就是从这道题长出来的。

# %% exercise="train_student_model"

# %% [markdown] lang="en"
# ## Mend by mend
#
# The same ten students, with your loop: first the probabilities, then the passes, then the parts of lesson 01's `kd_loss`, one at a time. It takes some seconds.
#
# **Guess first.** What does the last one score?
# %% [markdown] lang="zh"
# ## 一处一处地修
#
# 还是那十个学生，换上你的循环：先改用概率，再多跑几遍，然后把第01课的`kd_loss`拆开，一样一样地加。要跑一会儿。
#
# **先猜一猜。** 最后那个能得多少分？

# %%
guessed_final = guess(unit="%", low=0, high=100)
guessed_final

# %%
from kd_solutions import kd_loss


def distilled(loss_function, passes=PASSES, seeds=range(SEEDS), **options):
    """The scores of a student a seed, trained with your loop."""
    results = []
    with counting(say("students", "学生"), len(seeds)) as advance:
        for seed in seeds:
            student, loader, optimizer = fresh(seed, **options)
            train_student_model(teacher, student, loader, loss_function, optimizer, passes)
            results.append(score(student))
            advance()
    return results


def on_probabilities(student_says, teacher_says):
    return F.cross_entropy(student_says, teacher_says.softmax(1))


def softened(student_says, teacher_says):
    return distillation_kl(student_says, teacher_says, temperature=4.0) / 16


def scaled(student_says, teacher_says):
    return distillation_kl(student_says, teacher_says, temperature=4.0)


# %% key="mends"
mends = {
    "raw logits × 20": raw,
    "softmax × 1": distilled(on_probabilities, passes=1),
    "softmax × 20": distilled(on_probabilities),
    "+ T = 4": distilled(softened),
    "+ T²": distilled(scaled),
    "+ labels": distilled(kd_loss),
}
ax = axes(height=3.6)
draw_intervals(ax, {name: t_interval(result) for name, result in mends.items()}, "score, %", baseline=chance)
ax.set_xlim(0, 100)
guessed_final.draw(ax, axis="x")
guessed_final.compare(sum(mends["+ labels"]) / SEEDS)

# %% [markdown] lang="en" caption=true
# Twenty passes are worth nothing without the softmax, and nearly everything with it.
# %% [markdown] lang="zh"
# 没有softmax，跑二十遍也一无所获；有了它，几乎全靠这二十遍。

# %% key="mends-compared"
in_full = {
    "raw logits × 20": say("raw logits, 20 passes", "原始logits，20遍"),
    "softmax × 1": say("softmax, 1 pass", "softmax，1遍"),
    "softmax × 20": say("softmax, 20 passes", "softmax，20遍"),
    "+ T = 4": say("+ temperature 4", "＋温度4"),
    "+ T²": say("+ T²", "＋T²"),
    "+ labels": say("+ labels (kd_loss)", "＋标签（kd_loss）"),
}
compared = [
    ("softmax × 20", "raw logits × 20"),
    ("softmax × 20", "softmax × 1"),
    ("+ T = 4", "softmax × 20"),
    ("+ T²", "+ T = 4"),
    ("+ labels", "+ T²"),
]
show_table(
    [
        say("student", "学生"),
        say("against", "对照"),
        say("points, with 95 % interval", "相差的百分点（95%区间）"),
    ],
    [
        [in_full[one], in_full[other], in_words(paired_t_interval(mends[one], mends[other]))]
        for one, other in compared
    ],
)

# %% [markdown] lang="en"
# Neither of the first two mends does it alone; together they make nearly all of the difference. The softmax is the one that people find, the passes the dull one that they forget: one pass is three steps. At this rate the temperature brings two points, the labels about one. T² brings none: a constant factor, which Adam doesn't notice until, in lesson 02, a label stands beside it.
#
# ## Did the teacher help?
#
# The labels alone are one rival. Lesson 01 knew cheaper teachers: **smoothing**, a share $\varepsilon$ of each label spread evenly; **the names**, a table of the words that two intents' names share; **the averages**, the teacher's mean logits for each intent, the same for all its commands.
#
# Beside them stand the page's two design notes, "use MSE or cross-entropy" and "use SGD or Adam". `kd_loss` has the labels to help it, so MSE gets them too. What can be tuned, rates included, is tuned for each on four *other* students.
# %% [markdown] lang="zh"
# 头两处修补，单独哪一处都不顶用，合在一起就几乎是全部的差距。softmax大家都找得到；容易忘的是不起眼的那一处：跑一遍数据才走三步。在这个学习率下，温度添两个百分点，标签约一个。T²一点没添：它只是常数因子，Adam察觉不到；什么时候会察觉，第02课已经见过，要等旁边有了标签。
#
# ## 教师真的有用吗？
#
# 一个对手是只用标签。第01课还有几个更便宜的“教师”：**平滑**，把每个标签的一份$\varepsilon$平均分出去；**名字**，一张表，记着两种意图的名字有多少词相同；**平均看法**，教师对每种意图的平均logits，同一意图的指令都一样。
#
# 旁边是那篇博客的两条设计建议：“用MSE或交叉熵”，“用SGD或Adam”。`kd_loss`有标签相助，所以MSE也给它配上标签。凡是能调的，连学习率在内，都各自在*另外*四个学生上调好。


# %%
def on_labels(student_says, teacher_says, label):
    return F.cross_entropy(student_says, label)


def smoothed(epsilon):
    return lambda student_says, teacher_says, label: F.cross_entropy(
        student_says, label, label_smoothing=epsilon
    )


def from_table(logits):
    """`kd_loss` with a row of logits for each intent in the place of the teacher's answer."""
    return lambda student_says, teacher_says, label: kd_loss(student_says, logits[label], label)


def mse_and_labels(student_says, teacher_says, label):
    return 0.5 * F.mse_loss(student_says, teacher_says) + 0.5 * F.cross_entropy(student_says, label)


# %%
shared = shared_words([intent.removeprefix("Hass") for intent in commands.intents])
of_all = teacher(commands.texts)
averages = torch.stack([of_all[commands.labels == intent].mean(0) for intent in range(CLASSES)])


def with_adam(losses):
    """Every loss at two rates: the setting in words → what `distilled` takes."""
    return {
        f"{setting}{rate:g}": {"loss_function": loss, "lr": rate}
        for setting, loss in losses.items()
        for rate in (0.02, 0.05)
    }


def with_sgd(rate):
    return {"loss_function": kd_loss, "optimizer": torch.optim.SGD, "lr": rate, "momentum": 0.9}


candidates = {
    "kd_loss": with_adam({"": kd_loss}),
    "labels": with_adam({"": on_labels}),
    "smoothing": with_adam({f"ε = {epsilon}, ": smoothed(epsilon) for epsilon in (0.5, 0.8, 0.9)}),
    "names": with_adam({f"× {factor}, ": from_table(factor * shared) for factor in (6, 12, 24)}),
    "averages": with_adam({"": from_table(averages)}),
    "MSE + labels": with_adam({"": mse_and_labels}),
    "MSE alone": with_adam({"": nn.MSELoss()}),
    "KL alone": with_adam({"": scaled}),
    "kd_loss, SGD": {f"{rate:g}": with_sgd(rate) for rate in (1.0, 2.0)},
}
best, chosen = {}, {}
for name, settings in candidates.items():
    tried = {setting: sum(distilled(seeds=range(10, 14), **each)) for setting, each in settings.items()}
    chosen[name] = max(tried, key=tried.get)
    best[name] = distilled(**settings[chosen[name]])

# %% key="design-notes"
differences = {
    name: paired_t_interval(result, best["kd_loss"]) for name, result in best.items() if name != "kd_loss"
}
draw_intervals(axes(height=4), differences, unit="points against kd_loss with Adam")
without_labels = in_words(paired_t_interval(best["MSE alone"], best["KL alone"]))
print(
    say(
        f"No labels on either side, MSE against KL: {without_labels} points.",
        f"两边都不用标签，MSE与KL相差的百分点：{without_labels}。",
    )
)

# %% [markdown] lang="en" caption=true
# Level with kd_loss: the teacher's averages, MSE beside labels, KL without them. No rival without a teacher gets there.
# %% [markdown] lang="zh"
# 与kd_loss持平的有三个：教师的平均看法、加了标签的MSE、不用标签的KL。没有教师的对手都没赶上。

# %% key="all-numbers"
written = {
    "kd_loss": say("kd_loss, Adam", "kd_loss，Adam"),
    "labels": say("labels alone", "只用标签"),
    "smoothing": say("labels, smoothed", "标签，平滑"),
    "names": say("kd_loss, the names for a teacher", "kd_loss，名字作教师"),
    "averages": say("kd_loss, the teacher's averages", "kd_loss，教师的平均看法"),
    "MSE + labels": say("MSE on logits, and labels", "logits上的MSE，加标签"),
    "MSE alone": say("MSE on logits, no labels", "logits上的MSE，不用标签"),
    "KL alone": say("KL, no labels", "KL，不用标签"),
    "kd_loss, SGD": say("kd_loss, SGD", "kd_loss，SGD"),
}
rows = [[in_full[name], "0.02", f"{sum(result) / SEEDS:.0f}", ""] for name, result in mends.items()]
for name, result in best.items():
    points = in_words(differences[name]) if name in differences else ""
    rows.append([written[name], chosen[name], f"{sum(result) / SEEDS:.0f}", points])
show_table(
    [
        say("student", "学生"),
        say("setting, rate last", "设定（末尾是学习率）"),
        say("score, %", "得分，%"),
        say("points against kd_loss with Adam", "与kd_loss加Adam相差的百分点"),
    ],
    rows,
)

# %% [markdown] lang="en"
# Against the labels alone the teacher brings 8 points. Without any teacher, the names leave 3 of them missing and smoothing 4; and the teacher's averages, a table of 31 rows, do as well as the teacher. What helped was again *which intents are alike*: what it says of the single command, worth two points in lesson 01, makes no difference here that ten students could show.
#
# MSE on *logits* teaches, as cross-entropy on *probabilities* does; what ruined Mei's student was the mixture of the two. Beside labels MSE is level with `kd_loss`; where neither side has labels, it is 3 points behind KL. Why labels mend that, these runs don't say. And SGD is behind **at these rates and after this many steps**, which is no verdict on SGD.
# %% [markdown] lang="zh"
# 与只用标签相比，教师带来8个百分点。完全不要教师，靠名字还差其中3个，靠平滑还差4个；而教师的平均看法，一张31行的表，就和教师本人一样好。起作用的仍是*哪些意图彼此相像*：教师对单条指令的看法，在第01课值两个百分点，在这里凭十个学生已看不出差别。
#
# *logits*上的MSE教得会，*概率*上的交叉熵也教得会；毁掉小梅的学生的，是把两者混在一起。有标签在旁边，MSE与`kd_loss`持平；两边都不用标签，它比KL落后3个百分点。为什么加了标签就能补上，这些实验没有回答。SGD落后，是**在这些学习率、这么多步之下**落后，并不是对SGD的判决。

# %% [markdown] question="mse-or-cross-entropy"

# %% [markdown] lang="en"
# ## Once more, from memory
#
# Below is a loop with six faults, not quite the same as above. Repair it.
# %% [markdown] lang="zh"
# ## 凭记忆再来一遍
#
# 下面的循环有六处错误，与上面的不尽相同。请修好它。

# %% exercise="repair_the_loop"

# %% key="repaired"
student, loader, optimizer = fresh(0)
repair_the_loop(teacher, student, loader, kd_loss, optimizer, PASSES)
print(
    say(
        f"The first student, by the repaired loop: {score(student):.0f} %",
        f"第一个学生，用修好的循环：{score(student):.0f}%",
    )
)

# %% [markdown] lang="en"
# **Extra**, if you want to see what the loss tells each logit: work the gradient out on paper.
# %% [markdown] lang="zh"
# **选做**：想看清损失怎样推动每一个logit，就在纸上把梯度推导出来。

# %% exercise="kd_gradient"

# %%
student_logits = torch.randn(z.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
by_autograd = torch.autograd.grad(distillation_kl(student_logits, z, 4.0), student_logits)[0]
by_hand = kd_gradient(student_logits, z, 4.0)
print(
    say(
        f"By hand against autograd, largest difference: {(by_hand - by_autograd).abs().max():.4f}",
        f"手写与autograd的最大差别：{(by_hand - by_autograd).abs().max():.4f}",
    )
)
my_guesses()

# %% [markdown] lang="en"
# **An open task.** Twenty passes over a student's few commands are sixty steps. Is it the passes that count, or the steps? Give each student fifty commands an intent in `fresh` and two passes in `distilled`, and see whether the labels alone still stay behind.
#
# ## The interview
# %% [markdown] lang="zh"
# **一道开放题。** 一个学生就那么几条指令，跑二十遍也就是六十步。起作用的是遍数，还是步数？在`fresh`里给每种意图五十条指令，在`distilled`里只跑两遍，再看看只用标签的学生是不是仍然落后。
#
# ## 面试

# %% [markdown] question="what-is-wrong-with-this-loop"

# %% [markdown] question="which-parameters-to-optimise"

# %% [markdown] question="loss-is-zero"

# %% [markdown] lang="en"
# ## Next
#
# Shown a loop, you can now say within half a minute what it will do. The page's notes on structure, loss and optimiser stand a longer trial in [04 · Design choices](04_design_choices.ipynb). Or see your loop at work on ten languages: [08 · A student for many languages](08_many_languages.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在给你一个训练循环，你半分钟就能说出它会训练出什么。关于结构、损失和优化器的三条说明，[04 · 设计选择](04_design_choices.ipynb)还要细审。想看你的循环在十种语言上干活，就去[08 · 服务多种语言的学生模型](08_many_languages.ipynb)。
