# %% [markdown] lang="en"
# # 01 · What distillation is
#
# *What does a teacher know that its labels don't say?* About 40 minutes, and 35 more for its four exercises.
#
# The box on the wall has room for a tiny model. Somebody labelled two spoken commands for each intent before lunch, and that is all that the student will ever read. In the cloud stands a far larger teacher, hardly ever wrong on these commands.
#
# "Then its answers *are* our labels," says a colleague, "and the labels we have. What it thinks of the wrong answers is noise."
#
# Today you let the experiment answer.
# %% [markdown] lang="zh"
# # 01 · 什么是蒸馏
#
# *除了标签，教师还知道什么？* 约40分钟，四道练习另需35分钟。
#
# 墙上的小盒子只放得下一个很小的模型。午饭前有人给每种意图各标注了两条语音指令，学生模型能读到的就这么多。云端有一个大得多的教师模型，在这类指令上几乎从不出错。
#
# 同事说：“那教师的答案*就是*标签，标签我们已经有了。至于它怎么看错误答案，那只是噪声。”
#
# 今天让实验来回答。

# %%
import math

import torch
import torch.nn.functional as F

from kd_solutions.data import load_commands
from kd_solutions.evaluation import paired_t_interval
from kd_study import guess, my_guesses
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import ManyStudents, bags, few_commands, in_words, score_by_intent
from kd_study.lessons.kit.experiments import shared_words, side_by_side, train_head, train_many, typical
from kd_study.lessons.kit.pictures import axes, draw_intervals, draw_probabilities
from kd_study.notebook.views import show_table

commands, held_out = load_commands("en", "train"), load_commands("en", "test")
labels, names = commands.labels, [intent.removeprefix("Hass") for intent in commands.intents]
for row in few_commands(labels, 1, seed=1)[3:9].tolist():
    print(f"{commands.texts[row]:45} → {names[labels[row]]}")
print(
    say(
        f"{len(commands):,} labelled commands, {len(held_out):,} held out, {len(names)} intents",
        f"带标注的指令{len(commands):,}条，留出{len(held_out):,}条，意图{len(names)}种",
    )
)

# %% [markdown] lang="en"
# An intent is what a command asks for. The commands are sampled from templates, which is why some sound odd; the held-out ones come from templates of their own, so nobody passes by heart. A *score* is the share of held-out commands read rightly, each intent weighing the same.
#
# ## Step 1: train the teacher
#
# MiniLM, a pretrained English encoder, turns each command into a vector. On top goes a linear layer, the head, trained on all the labels.
# %% [markdown] lang="zh"
# 意图就是一条指令想让助手做什么。指令是用模板采样出来的，所以有些听起来怪怪的；留出的指令用的是另一批模板，死记硬背过不了关。下文的*得分*指留出指令中读对的比例，每种意图权重相同。
#
# ## 第一步：训练教师模型
#
# MiniLM是预训练的英语编码器，把一条指令变成一个向量。上面加一个线性层，即分类头，用全部标签训练。

# %% key="teacher"
from kd_solutions.models import PretrainedTeacher
from kd_solutions.signals import CachedSignal

vectors_of = CachedSignal(PretrainedTeacher())
vectors, held_out_vectors = vectors_of(commands.texts), vectors_of(held_out.texts)
head = train_head(vectors, labels, len(names))
teacher_logits = head(vectors)

score = score_by_intent(head(held_out_vectors), held_out.labels)
on_its_own = score_by_intent(teacher_logits, labels)
print(
    say(
        f"The teacher scores {score:.0f} % on held-out commands, {on_its_own:.0f} % on those that it learned from.",
        f"教师在留出指令上得{score:.0f}%，在它学过的指令上得{on_its_own:.0f}%。",
    )
)

# %% [markdown] lang="en"
# ## Step 2: ask it for soft labels
#
# A hard label names one intent. The teacher has a number for every intent, its logits; a softmax (exponentials, divided by their sum) turns them into probabilities, the soft label. Divided by a temperature $T$ first, they become flatter. Build that.
# %% [markdown] lang="zh"
# ## 第二步：向它要软标签
#
# 硬标签只说出一种意图。教师对每种意图都给出一个数，即logits；经过softmax（取指数，再除以总和）就成了概率，也就是软标签。先把logits除以温度系数$T$，概率会变平。请你来实现。

# %% exercise="soft_targets"

# %% [markdown] lang="en"
# Which command to look at? Of the first student's, the one on which the teacher is as sure as it usually is.
# %% [markdown] lang="zh"
# 看哪一条指令？从第一个学生的指令里，取教师把握程度居中的那条。

# %% key="example"
own = few_commands(labels, 2, seed=0)
example = own[typical(teacher_logits[own], labels[own])].item()
at_one = soft_targets(teacher_logits[[example]], 1.0)[0]
print(
    say(
        f'The median of those that it reads rightly: "{commands.texts[example]}", {names[labels[example]]} '
        f"with {100 * at_one.max():.0f} %. Spread evenly it would be {100 / len(names):.0f} %.",
        f"读对的指令中居中的一条：“{commands.texts[example]}”，{names[labels[example]]}占{100 * at_one.max():.0f}%。"
        f"若平均分配，则为{100 / len(names):.0f}%。",
    )
)

# %% [markdown] lang="en"
# **Guess first.** How probable is the right intent at $T = 4$?
# %% [markdown] lang="zh"
# **先猜一猜。** $T = 4$时，正确意图的概率还剩多少？

# %%
guessed_probability = guess(unit="%", low=0, high=100)
guessed_probability

# %% key="dark-knowledge-picture"
top = at_one.topk(8).indices.tolist()
panels = axes(height=3.2, columns=2)
for ax, temperature in zip(panels, (1.0, 4.0), strict=True):
    percent = 100 * soft_targets(teacher_logits[[example]], temperature)[0]
    shown = {names[i]: percent[i].item() for i in top}
    draw_probabilities(ax, shown | {"the other 23 together": 100 - sum(shown.values())}, right=names[top[0]])
    ax.set_title(f"T = {temperature:.0f}", fontsize=10)
    wrong, ratio = 100 - percent[top[0]], percent[top[1]] / percent[top[7]]
    print(
        say(
            f"T = {temperature:.0f}: the wrong intents hold {wrong:.0f} %; the first of them has {ratio:.0f} times the seventh",
            f"T = {temperature:.0f}：错误意图合计{wrong:.0f}%；其中第一名是第七名的{ratio:.0f}倍",
        )
    )
    ax.set_xlim(0, 115)
guessed_probability.draw(panels[1], axis="x")
guessed_probability.compare(percent[top[0]].item())

# %% [markdown] lang="en" caption=true
# The black bar is the right intent. At either temperature turning on comes next, then setting a light, then asking for a state.
# %% [markdown] lang="zh"
# 黑条是正确意图。无论哪个温度，其后依次是打开、调灯光、查询状态。

# %% [markdown] lang="en"
# To turn a lamp off is nearly to turn it on, and has little to do with a timer; no label says that. Hinton, in a talk of 2014, called it dark knowledge. Softening doesn't sharpen these opinions, it flattens them: what grows is the wrong answers' *sum*, and with it their say in the loss.
#
# But one command proves nothing.
# %% [markdown] lang="zh"
# 关一盏灯，和开一盏灯只差一点，与定时器则没什么关系；可没有哪个标签会告诉你这些。Hinton在2014年的一次演讲里称之为暗知识（dark knowledge）。软化并没有让这些看法更鲜明，而是把它们拉平了：变大的是错误答案的*总和*，它们在损失里的分量也随之变大。
#
# 不过，一条指令说明不了什么。

# %% key="families"
timers = torch.tensor(["Timer" in name for name in names])
of_timers = timers[labels]
is_right = F.one_hot(labels, len(names)).bool()
runner_up = teacher_logits.masked_fill(is_right, -torch.inf).argmax(1)
share = 100 * timers[runner_up][of_timers].float().mean()
by_chance = 100 * (timers.sum() - 1) / (len(names) - 1)
print(
    say(
        f"Best wrong answer to a timer command: another timer intent in {share:.0f} % of {of_timers.sum():,} commands "
        f"(drawn blindly: {by_chance:.0f} %).",
        f"在{of_timers.sum():,}条定时器指令中，排第一的错误意图有{share:.0f}%仍是定时器类（随便抽则为{by_chance:.0f}%）。",
    )
)

# %% [markdown] lang="en"
# ## Step 3: train the student on them
#
# How far is a student's $q$ from the teacher's $p$? The usual cross-entropy, with $p$ in the place of the label (which is 1 for one intent and 0 for the others):
#
# $$-\sum_i p_i \log q_i$$
# %% [markdown] lang="zh"
# ## 第三步：用软标签训练学生模型
#
# 学生的$q$离教师的$p$有多远？还是熟悉的交叉熵，只是标签（一种意图为1，其余为0）换成了$p$：
#
# $$-\sum_i p_i \log q_i$$

# %% exercise="soft_cross_entropy"

# %% [markdown] lang="en"
# ## The experiment
#
# The student cuts a command into short groups of letters and ignores their order. There are twenty, each with two commands for every intent and starting weights of its own. Each is trained twice from the same start, for 200 steps: on the labels, and on the teacher's probabilities *in their place*. These are paired seeds.
# %% [markdown] lang="zh"
# ## 实验
#
# 学生把一条指令切成短小的字母片段，不管先后顺序。一共二十个学生，各自从每种意图中抽两条指令，初始权重也各不相同。每个学生都从同一个起点训练两次，各200步：一次用标签，一次用教师的概率*取代*标签。这就是配对种子。

# %% key="labels-alone"
STUDENTS, EACH, ROWS, HIDDEN = 20, 2, 256, 32
inputs, held_out_inputs = bags(commands.texts, ROWS), bags(held_out.texts, ROWS)


def samples(seeds):
    """Row numbers of commands, (students, commands): a sample for each seed."""
    return torch.stack([few_commands(labels, EACH, seed) for seed in seeds])


def trained(loss_function, rows, start=0):
    """Students trained on their own rows; the loss gets their logits and the rows that these are for."""
    students = ManyStudents(len(rows), ROWS, HIDDEN, len(names), seed=start)
    own = rows.flatten()
    return train_many(students, inputs[rows], lambda logits: loss_function(logits, own), steps=200, rate=0.02)


@torch.no_grad()
def scores(students):
    """(students,) held-out scores in percent."""
    return score_by_intent(students(held_out_inputs), held_out.labels)


def on_labels(logits, own):
    return F.cross_entropy(logits, labels[own])


rows = samples(range(STUDENTS))
labels_alone = scores(trained(on_labels, rows))
numbers = (ROWS + 1) * HIDDEN + (HIDDEN + 1) * len(names)
print(
    say(
        f"{rows.shape[1]} commands a student, {numbers:,} weights; on labels it scores {labels_alone.mean():.0f} %.",
        f"每个学生{rows.shape[1]}条指令，{numbers:,}个权重；用标签学得{labels_alone.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# **Guess first.** What will the same students score on the teacher's probabilities alone? Your colleague says: no difference.
# %% [markdown] lang="zh"
# **先猜一猜。** 同样的学生，只看教师的概率，能得多少分？同事说：没有差别。

# %%
guessed_score = guess(unit="%", low=30, high=90)
guessed_score

# %% key="gain"
in_its_place = scores(trained(lambda logits, own: soft_cross_entropy(logits, teacher_logits[own], 4.0), rows))
gain = paired_t_interval(in_its_place, labels_alone)
ax = axes(width=4.5, height=4)
ax.plot(labels_alone, in_its_place, "ko")
limits = labels_alone.min() - 3, in_its_place.max() + 3
ax.plot(limits, limits, color="grey", linestyle="--", label="no difference")
ax.set(xlabel="score on labels, %", ylabel="score on soft labels, %", xlim=limits, ylim=limits)
ax.legend(loc="lower right")
guessed_score.draw(ax)
guessed_score.compare(in_its_place.mean().item())
print(
    say(
        f"On soft labels: {in_its_place.mean():.0f} %. Points gained: {in_words(gain)}; "
        f"{(in_its_place > labels_alone).sum()} of {STUDENTS} students gain.",
        f"用软标签得{in_its_place.mean():.0f}%，提高的百分点：{in_words(gain)}；"
        f"{STUDENTS}个学生中有{(in_its_place > labels_alone).sum()}个提高。",
    )
)

# %% [markdown] lang="en" caption=true
# All twenty students lie above the line: each learns more from the soft labels than from the labels.
# %% [markdown] lang="zh"
# 二十个学生全在虚线之上：人人都从软标签里学到了更多。

# %% [markdown] lang="en"
# (In brackets a 95 % interval.) So the teacher does know something that its labels don't say. First the loss that people mean by "KD"; then you find out *what* it knows.
#
# ## From cross-entropy to KL
# %% [markdown] lang="zh"
# （括号里是95%区间。）可见教师确实知道一些标签没说的事。先写出人们所说的“KD损失”，再来查它知道的究竟是*什么*。
#
# ## 从交叉熵到KL散度

# %% key="entropy"
copy = soft_cross_entropy(teacher_logits, teacher_logits, 4.0)
blank = soft_cross_entropy(torch.zeros_like(teacher_logits), teacher_logits, 4.0)
print(
    say(
        f"At T = 4 a perfect copy of the teacher pays {copy:.2f} nats, a student that knows nothing {blank:.2f}.",
        f"T = 4时，与教师完全一样的学生要付{copy:.2f}奈特，一无所知的学生要付{blank:.2f}。",
    )
)

# %% [markdown] lang="en"
# (A nat is a bit with the natural logarithm.) Even a perfect copy pays the teacher's own entropy. Take it away, and what is left is the Kullback–Leibler divergence:
#
# $$\mathrm{KL}(p \,\|\, q) = -\sum_i p_i \log q_i + \sum_i p_i \log p_i$$
#
# What was taken away doesn't depend on the student, so the gradient keeps its direction. Softening shortens it by about $T^2$, hence a factor $T^2$ in front; more of that in lesson 02.
# %% [markdown] lang="zh"
# （奈特就是取自然对数的比特。）连完全一样的学生也要付教师自身的熵。把它减掉，剩下的就是KL散度：
#
# $$\mathrm{KL}(p \,\|\, q) = -\sum_i p_i \log q_i + \sum_i p_i \log p_i$$
#
# 减掉的部分与学生无关，所以梯度方向不变。软化会让梯度缩小到约$1/T^2$，所以前面再乘$T^2$；什么时候要紧，见第02课。

# %% exercise="distillation_kl"

# %% key="same-gradient"
student_logits = torch.randn(
    teacher_logits.shape, generator=torch.Generator().manual_seed(0), requires_grad=True
)
gradients = [
    torch.autograd.grad(loss(student_logits, teacher_logits, 4.0), student_logits)[0]
    for loss in (distillation_kl, soft_cross_entropy)
]
ratio = gradients[0].norm() / gradients[1].norm()
angle = F.cosine_similarity(gradients[0].flatten(), gradients[1].flatten(), dim=0)
print(
    say(
        f"Perfect copy: {distillation_kl(teacher_logits, teacher_logits, 4.0):.2f}. "
        f"Both gradients point the same way (cosine {angle:.3f}), this one {ratio:.1f} times as long: T².",
        f"完全一致时为{distillation_kl(teacher_logits, teacher_logits, 4.0):.2f}。"
        f"两个梯度方向相同（余弦{angle:.3f}），这一个的长度是另一个的{ratio:.1f}倍，正是T²。",
    )
)

# %% [markdown] lang="en"
# Where there are labels, `alpha` weighs the teacher against them.
# %% [markdown] lang="zh"
# 有标签时可以两者都用，`alpha`决定各占多少。

# %% exercise="kd_loss"

# %% [markdown] lang="en"
# ## Which part of the soft label did it?
#
# A soft label says two things: how probable the right intent is against all others together, the teacher's confidence; and how the others share the rest, your colleague's noise. Give the student one half at a time, beside its labels.
#
# **Guess first.** How many points are gained when only the *wrong* half is given?
# %% [markdown] lang="zh"
# ## 软标签的哪一半起了作用？
#
# 软标签说了两件事。一是正确意图相对其余全部有多大可能，这是教师的信心；二是其余意图之间怎样分剩下的概率，也就是同事所说的噪声。下面在标签之外，每次只给学生其中一半。
#
# **先猜一猜。** 只给*错误*的那一半，能提高几个百分点？

# %%
guessed_points = guess(unit=say("points", "个百分点"), low=-5, high=15)
guessed_points


# %%
def wrong_only(logits, own):
    """The other intents among themselves: the right one's column is cut out."""
    return logits[~is_right[own]].view(len(logits), -1)


def right_only(logits, own, temperature=4.0):
    """The right intent against all others, which become one class."""
    others = temperature * (wrong_only(logits, own) / temperature).logsumexp(1)
    return torch.stack([logits[is_right[own]], others], dim=1)


def beside_labels(part):
    """Half the loss from labels, half from one part of the soft label."""

    def loss(logits, own):
        soft = distillation_kl(part(logits, own), part(teacher_logits[own], own), 4.0)
        return 0.5 * soft + 0.5 * F.cross_entropy(logits, labels[own])

    return loss


def taught_by(answers):
    """`kd_loss` with somebody's logits for all commands."""
    return lambda logits, own: kd_loss(logits, answers[own], labels[own])


# %% key="two-halves"
with_teacher = scores(trained(taught_by(teacher_logits), rows))
halves = {
    "the right answer's\nprobability": scores(trained(beside_labels(right_only), rows)),
    "the wrong answers'\nprobabilities": scores(trained(beside_labels(wrong_only), rows)),
    "all of them": with_teacher,
}
gains = {name: paired_t_interval(result, labels_alone) for name, result in halves.items()}
ax = axes(height=2.4)
draw_intervals(ax, gains, unit="points gained over labels alone")
guessed_points.draw(ax, axis="x")
guessed_points.compare(gains["the wrong answers'\nprobabilities"].mean)
right, wrong, everything = map(in_words, gains.values())
print(
    say(
        f"Right answer's probability only: {right} points. Wrong answers' only: {wrong}. All: {everything}.",
        f"只给正确答案的概率：{right}个百分点；只给错误答案的：{wrong}；全给：{everything}。",
    )
)

# %% [markdown] lang="en" caption=true
# Nearly all of the gain is in the wrong answers.
# %% [markdown] lang="zh"
# 提高的分数几乎全来自错误答案上的概率。

# %% [markdown] lang="en"
# The "noise" was the news. Zhao et al. (2022) report the same from images.
#
# **Why.** Take the gradient of each loss with respect to the student's logits:
#
# $$\text{label: } q_i - y_i \qquad\qquad \text{soft label: } T\,(q_i - p_i)$$
#
# A label pushes one logit up and all others down, whichever they are. A soft label has a target for each. Turn `alpha`: 0 is the label alone, 1 the teacher alone.
# %% [markdown] lang="zh"
# 被当成“噪声”的那部分，才是新消息。Zhao等人（2022）在图像上也报告了同样的结果。
#
# **原因。** 两种损失对学生logits的梯度是：
#
# $$\text{标签：} q_i - y_i \qquad\qquad \text{软标签：} T\,(q_i - p_i)$$
#
# 标签只把一个logit往上推，其余一律往下压，不分彼此。软标签则给每个logit都定了目标。拨一拨`alpha`：0是只有标签，1是只有教师。


# %%
def draw_pushes(ax, alpha):
    """How `kd_loss` pushes the logits of a student that knows nothing yet, for the command above."""
    blank = torch.zeros(1, len(names), requires_grad=True)
    kd_loss(blank, teacher_logits[[example]], labels[[example]], 4.0, alpha).backward()
    push = -blank.grad[0]
    rest = [i for i in range(len(names)) if i not in top]
    shown = {names[i]: push[i].item() for i in top} | {"the other 23, mean": push[rest].mean().item()}
    for place, (name, value) in enumerate(shown.items()):
        ax.barh(place, value, color="black" if place == 0 else "white", edgecolor="black")
        ax.text(max(value, 0), place, f" {value:+z.2f}", va="center", fontsize=8)
    ax.set_yticks(range(len(shown)), shown)
    ax.invert_yaxis()
    ax.set(xlim=(-0.1, 1.45), xlabel="push on the logit", title=f"alpha = {alpha:g}")
    return ax.figure


Dial(lambda alpha: draw_pushes(axes(width=5), alpha), "alpha", (0, 0.25, 0.5, 0.75, 1), start=0.5)

# %% key="pushes"
panels = axes(height=3.2, columns=2)
for ax, alpha in zip(panels, (0, 1), strict=True):
    draw_pushes(ax, alpha)

# %% [markdown] lang="en" caption=true
# Left, the label: up for one, down for all others alike. Right, the teacher: up for the related ones too.
# %% [markdown] lang="zh"
# 左边是标签：一个往上，其余一律同样往下。右边是教师：相近的意图也往上推。

# %% [markdown] question="dark-knowledge"

# %% [markdown] lang="en"
# ## What would change our mind: is it only softness?
#
# Four rivals keep the softness and lose the teacher's opinion:
# - **Label smoothing**: a share $\varepsilon$ of the probability, spread evenly. The share is tuned on ten other students.
# - **Evened**: the teacher's own confidence in each command, its wrong answers made equal.
# - **Shuffled**: the teacher's amounts, each given to another wrong intent.
# - **Untrained**: a teacher whose head was never trained.
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法：是不是只因为“软”？
#
# 下面四个对手都留着“软”，去掉教师的看法：
# - **标签平滑**：把$\varepsilon$这么多的概率平均分出去。$\varepsilon$在另外十个学生上调好。
# - **拉平**：对每条指令仍用教师自己的信心，但各个错误答案一律相等。
# - **打乱**：数值还是教师给的，只是都换给了别的错误意图。
# - **未训练**：分类头从未训练过的教师。

# %% key="smoothing"
others = samples(range(STUDENTS, STUDENTS + 10))


def smoothed(epsilon):
    return lambda logits, own: F.cross_entropy(logits, labels[own], label_smoothing=epsilon)


tried = {
    epsilon: scores(trained(smoothed(epsilon), others)).mean().item()
    for epsilon in (0.03, 0.1, 0.3, 0.5, 0.7)
}
epsilon = max(tried, key=tried.get)
for each, score in tried.items():
    print(say(f"ε = {each}: {score:.1f} %", f"ε = {each}：{score:.1f}%"), "←" * (each == epsilon))

# %% key="softness"
generator = torch.Generator().manual_seed(0)
wrong = teacher_logits[~is_right].view(len(labels), -1)
mean_wrong = 4 * ((wrong / 4).logsumexp(1, keepdim=True) - math.log(len(names) - 1))  # the same sum at T = 4
evened = torch.where(is_right, teacher_logits, mean_wrong)
shuffled = teacher_logits.clone()
shuffled[~is_right] = wrong.gather(1, torch.rand(wrong.shape, generator=generator).argsort(1)).flatten()
untrained = vectors @ torch.randn(vectors.shape[1], len(names), generator=generator)

softness = {
    "the teacher": with_teacher,
    "label smoothing": scores(trained(smoothed(epsilon), rows)),
    "evened": scores(trained(taught_by(evened), rows)),
    "shuffled": scores(trained(taught_by(shuffled), rows)),
    "untrained": scores(trained(taught_by(untrained), rows)),
}
gains = {name: paired_t_interval(result, labels_alone) for name, result in softness.items()}
draw_intervals(axes(), gains, "points gained over labels alone")

# %% [markdown] lang="en" caption=true
# Softness alone brings about two points. The same amounts at the wrong addresses do harm.
# %% [markdown] lang="zh"
# 光是“软”，只值两个百分点左右；同样的数值给错了对象，反而有害。

# %% [markdown] lang="en"
# So *here* it is the addresses. (Yuan et al. 2020 find softness at least as important, on images with many labels a class: see "Your turn".)
#
# ## What would change our mind: does it take a teacher?
#
# "Addresses?" says your colleague. "*I* could have told you that timers resemble timers." Five rivals, from the poorest to the richest:
# - **A twin**: the student's own network and labels, from another start. And **five twins**, averaged.
# - **MiniLM, the same labels**: its head trained on the student's 62 commands only.
# - **The names**: "IncreaseTimer" and "DecreaseTimer" share one of three words. A table of such shares, as logits, with a factor tuned on the other ten.
# - **The averages**: the teacher's mean logits for each intent, the same for all its commands.
# %% [markdown] lang="zh"
# 所以在*这里*，要紧的是给了谁。（Yuan等人2020年发现“软”至少同样重要，他们用的是每类标签都很多的图像数据，见“轮到你了”。）
#
# ## 什么会让我们改变看法：非得有教师吗？
#
# 同事说：“给了谁？定时器像定时器，这话*我*也会说。”五个对手，从最穷的到最富的：
# - **孪生模型**：网络和标签都与学生一样，只是起点不同。还有**五个孪生模型**取平均。
# - **MiniLM，同样的标签**：分类头只用学生那62条指令训练。
# - **名字**：“IncreaseTimer”与“DecreaseTimer”三个词里有一个相同。把相同词的比例列成表，乘上一个系数当作logits；系数在那另外十个学生上调好。
# - **平均看法**：教师对每种意图的平均logits，同一意图的指令都一样。

# %% key="names"
shared = shared_words(names)
tried = {
    factor: scores(trained(taught_by(factor * shared[labels]), others)).mean().item()
    for factor in (6, 12, 24)
}
factor = max(tried, key=tried.get)
for each, score in tried.items():
    print(say(f"factor {each}: {score:.1f} %", f"系数{each}：{score:.1f}%"), "←" * (each == factor))


# %% key="controls"
def taught_by_own(answers):
    """As `taught_by`, where each student has a teacher of its own: logits for its own rows."""
    return lambda logits, own: kd_loss(logits, answers, labels[own])


twins = [trained(on_labels, rows, start)(inputs[rows]).detach().flatten(0, 1) for start in range(1, 6)]
few_labels = torch.cat([train_head(vectors[own], labels[own], len(names))(vectors[own]) for own in rows])
averages = torch.stack([teacher_logits[labels == intent].mean(0) for intent in range(len(names))])

sources = {
    "a twin": scores(trained(taught_by_own(twins[0]), rows)),
    "five twins": scores(trained(taught_by_own(sum(twins) / 5), rows)),
    "MiniLM,\nthe same labels": scores(trained(taught_by_own(few_labels), rows)),
    "the names": scores(trained(taught_by(factor * shared[labels]), rows)),
    "the averages": scores(trained(taught_by(averages[labels]), rows)),
    "the teacher": with_teacher,
}
gains = {name: paired_t_interval(result, labels_alone) for name, result in sources.items()}
draw_intervals(axes(height=3.4), gains, "points gained over labels alone")
beyond_names, beyond_averages = (
    in_words(paired_t_interval(with_teacher, sources[name])) for name in ("the names", "the averages")
)
print(
    say(
        f"The teacher's points over the names: {beyond_names}; over the averages: {beyond_averages}.",
        f"教师与名字相比的百分点：{beyond_names}；与平均看法相比：{beyond_averages}。",
    )
)

# %% [markdown] lang="en" caption=true
# The names alone bring more than half of the gain, the teacher's averages most of it, a single twin nothing.
# %% [markdown] lang="zh"
# 光靠名字就得到一大半，靠教师的平均看法得到绝大部分，单个孪生模型则什么也没带来。

# %% [markdown] lang="en"
# Your colleague was half right. Most of what helps is *which intents are alike*, a table of 31 rows, and much of it stands in the names for everybody to read. What the teacher says about the single command is worth the last two points.
#
# And where does the teacher have it from? With the student's labels alone a twin brings nothing, and the pretrained MiniLM a third; the rest came with the labels that only the teacher saw. *Here* distillation mostly moves what the teacher took from data. It isn't a law: five twins saw nothing new and bring a little, and on images networks taught by a twin are reported to overtake it (Furlanello et al. 2018).
# %% [markdown] lang="zh"
# 同事扳回了半局。起作用的主要是*哪些意图彼此相像*：一张31行的表，许多就写在名字里，谁都读得出来。教师对单条指令的看法，只值最后那两个百分点。
#
# 教师又是从哪里知道的？只有学生那些标签时，孪生模型什么也带不来，预训练过的MiniLM带来三分之一；其余的靠只有教师见过的标签。在*这里*，蒸馏主要是把教师从数据里得来的东西搬过去。这并不是定律：五个孪生模型没见过新东西，也带来了一点；而在图像上，据报告，由孪生模型教出来的网络会超过它的老师（Furlanello等，2018）。

# %% [markdown] lang="en"
# ## Side by side
# %% [markdown] lang="zh"
# ## 放在一起看

# %% key="side-by-side"
my_guesses()
show_table(
    *side_by_side(
        {
            say("labels alone", "只用标签"): labels_alone,
            say("soft labels in their place", "用软标签取代标签"): in_its_place,
            say("`kd_loss`: both", "`kd_loss`：两者都用"): with_teacher,
            say("right half beside labels", "标签加正确的一半"): halves["the right answer's\nprobability"],
            say("wrong half beside labels", "标签加错误的一半"): halves["the wrong answers'\nprobabilities"],
            say(f"label smoothing, ε = {epsilon}", f"标签平滑，ε = {epsilon}"): softness["label smoothing"],
            say("evened", "拉平"): softness["evened"],
            say("shuffled", "打乱"): softness["shuffled"],
            say("untrained", "未训练"): softness["untrained"],
            say("a twin", "一个孪生模型"): sources["a twin"],
            say("five twins", "五个孪生模型"): sources["five twins"],
            say("MiniLM, the same labels", "MiniLM，同样的标签"): sources["MiniLM,\nthe same labels"],
            say("the names", "名字"): sources["the names"],
            say("the averages", "平均看法"): sources["the averages"],
        },
        labels_alone,
    )
)

# %% [markdown] lang="en"
# ## Your turn
#
# Two commands an intent are very few. In the experiment's cell set `EACH = 8` and run everything below it, then `EACH = 32` with `STUDENTS = 6` (a minute or two). The teacher's gain shrinks, and one of the first four rivals catches up with it. Which? And what does that do to your answer to the last question below?
#
# ## The interview
#
# A common answer to the first question has three steps: train a large model; train a small one on its outputs; minimise the loss between the two. It leaves out that the last two are one, that labels may join or stay away, and where the gain comes from.
# %% [markdown] lang="zh"
# ## 轮到你了
#
# 每种意图两条指令，实在很少。把实验那一格的`EACH`改成8，运行下面的全部单元格；再改成`EACH = 32`、`STUDENTS = 6`（要一两分钟）。教师带来的提高变小了，前四个对手中也有一个追了上来。是哪一个？你对下面最后一题的回答要怎么改？
#
# ## 面试
#
# 第一题的常见答案是三步：训练大模型；用它的输出训练小模型；最小化两者之间的损失。它没说第二步与第三步是一回事，没说标签可以加进来也可以不要，更没说提高从哪里来。

# %% [markdown] question="what-is-kd"

# %% [markdown] question="cross-entropy-or-kl"

# %% [markdown] question="where-does-the-gain-come-from"

# %% [markdown] lang="en"
# ## Next
#
# You can now build the loss, show which part of it works, and name the rival that came closest. Still open: why $T = 4$, and why $T^2$? That is [lesson 02](02_temperature.ipynb). And here a helper ran the training; the loop you write in [lesson 03](03_the_loop.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你会写蒸馏损失，能证明其中哪一部分起作用，还说得出哪个对手离它最近。还没回答的是：为什么取$T = 4$，为什么乘$T^2$？见[第02课](02_temperature.ipynb)。另外，这里的训练由现成的函数代劳；训练循环到[第03课](03_the_loop.ipynb)由你亲手来写。
