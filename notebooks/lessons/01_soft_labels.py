# %% [markdown] lang="en"
# # 01 · What distillation is
#
# *What does a teacher know that its labels don't say?* About 30 minutes, and 35 more for its four exercises.
#
# The box on the wall has room for a tiny model. Somebody labelled two spoken commands for each intent before lunch, and that is all that the student will ever read. In the cloud stands a teacher thousands of times as large. On these commands it is hardly ever wrong.
#
# "Then its answers *are* our labels," says a colleague, "and the labels we have. What else could it tell us?"
#
# Today you let the experiment answer.
# %% [markdown] lang="zh"
# # 01 · 什么是蒸馏
#
# *除了标签，教师还知道什么？* 约30分钟，四道练习另需35分钟。
#
# 墙上的小盒子只放得下一个很小的模型。午饭前有人给每种意图各标注了两条语音指令，学生模型能读到的就这么多。云端有一个教师模型，规模是它的几千倍，而且在这几条指令上几乎从不出错。
#
# 同事说：“那教师的答案*就是*标签，标签我们已经有了。问它还能多问出什么？”
#
# 今天让实验来回答。

# %%
import torch
import torch.nn.functional as F

from kd_solutions.data import load_commands
from kd_solutions.evaluation import paired_t_interval
from kd_study import guess
from kd_study.lessons.kit.experiments import ManyStudents, bags, few_commands, score_by_intent, train_head, train_many
from kd_study.lessons.kit.pictures import axes, draw_intervals, draw_probabilities

commands, held_out = load_commands("en", "train"), load_commands("en", "test")
names = [intent.removeprefix("Hass") for intent in commands.intents]
for row in few_commands(commands.labels, 1, seed=1)[3:9].tolist():
    print(f"{commands.texts[row]:45} → {names[commands.labels[row]]}")
print(
    say(
        f"{len(commands):,} labelled commands, {len(held_out):,} held out, {len(names)} intents",
        f"带标注的指令{len(commands):,}条，留出{len(held_out):,}条，意图{len(names)}种",
    )
)

# %% [markdown] lang="en"
# An *intent* is what a command asks for. The commands are sampled from templates, which is why some sound odd; held-out commands come from templates of their own, so nobody passes by heart. A *score* below is the share of held-out commands read rightly, each intent weighing the same.
#
# ## Step 1: train the teacher
#
# MiniLM, a pretrained English encoder, turns each command into a vector. On top goes one linear layer, trained on all the labels.
# %% [markdown] lang="zh"
# *意图*就是一条指令想让助手做什么。指令是用模板采样出来的，所以有些听起来怪怪的；留出指令用的是另一批模板，死记硬背过不了关。下文的*得分*指留出指令中读对的比例，每种意图权重相同。
#
# ## 第一步：训练教师模型
#
# MiniLM是预训练的英语编码器，把一条指令变成一个向量。上面加一个线性层，用全部标签训练。

# %%
from kd_solutions import TeacherModel
from kd_solutions.signals import CachedSignal

minilm = TeacherModel.from_pretrained()
vectors_of = CachedSignal(minilm)
vectors, held_out_vectors = vectors_of(commands.texts), vectors_of(held_out.texts)
head = train_head(vectors, commands.labels, len(names))
teacher_logits = head(vectors)

score = score_by_intent(head(held_out_vectors), held_out.labels)
on_its_own = score_by_intent(teacher_logits, commands.labels)
size = sum(weights.numel() for weights in minilm.parameters())
print(
    say(
        f"The teacher has {size / 1e6:.0f} million weights. It scores {score:.0f} % on held-out commands, "
        f"{on_its_own:.0f} % on those that it learned from.",
        f"教师有{size / 1e4:.0f}万个权重，在留出指令上得{score:.0f}%，在它学过的指令上得{on_its_own:.0f}%。",
    )
)

# %% [markdown] lang="en"
# ## Step 2: ask it for soft labels
#
# A *hard* label names one intent. The teacher has a number for every intent, its *logits*; a softmax turns them into probabilities, the *soft label*. Divide the logits by a *temperature* $T$ first, and the probabilities become flatter. Build that.
# %% [markdown] lang="zh"
# ## 第二步：向它要软标签
#
# *硬*标签只说出一种意图。教师对每种意图都给出一个数，即*logits*；经过softmax就成了概率，也就是*软标签*。先把logits除以*温度系数*$T$，概率会变平。请你来实现。

# %% exercise="soft_targets"

# %%
command = "take five minutes off the pizza timer"
logits = head(vectors_of([command]))
at_one = soft_targets(logits, 1.0)[0]
print(
    say(
        f'"{command}": {names[at_one.argmax()]} with {100 * at_one.max():.0f} %. '
        f"Spread evenly it would be {100 / len(names):.0f} %.",
        f"“{command}”：{names[at_one.argmax()]}，{100 * at_one.max():.0f}%。若平均分配，则为{100 / len(names):.0f}%。",
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
    probabilities = 100 * soft_targets(logits, temperature)[0]
    draw_probabilities(ax, {names[i]: probabilities[i].item() for i in top}, right=names[top[0]])
    ax.set_title(f"T = {temperature:.0f}", fontsize=10)
guessed_probability.draw(panels[1], axis="x")

# %% [markdown] lang="en" caption=true
# The teacher prefers one answer, and is sensible about the wrong ones.
# %% [markdown] lang="zh"
# 教师偏爱一个答案，对其余的错误答案也自有分寸。

# %% [markdown] lang="en"
# At $T = 1$ one intent stands out, and each of the wrong ones is a sliver. At $T = 4$ it no longer drowns them out, and you can read what the teacher thinks of them: other timer intents come first, and ticking an item off a list is not far behind. No label says that. Hinton called it *dark knowledge*.
#
# One command proves nothing. What about the others?
# %% [markdown] lang="zh"
# $T = 1$时一个意图独占鳌头，每个错误意图都只有一丝。到了$T = 4$，它不再盖过别人，教师对错误意图的看法就读得出来了：排在前面的是其他定时器意图，从清单上划掉一项也相差不远。没有哪个标签会告诉你这些。Hinton称之为*暗知识*（dark knowledge）。
#
# 一条指令说明不了什么。其余的也这样吗？

# %% key="families"
timers = torch.tensor(["Timer" in name for name in names])
of_timers = timers[commands.labels]
is_right = F.one_hot(commands.labels, len(names)).bool()
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
# How far is a student's $q$ from the teacher's $p$? The usual cross-entropy, with $p$ in the place of the one-hot label:
#
# $$-\sum_i p_i \log q_i$$
# %% [markdown] lang="zh"
# ## 第三步：用软标签训练学生模型
#
# 学生的$q$离教师的$p$有多远？还是熟悉的交叉熵，只是one-hot标签换成了$p$：
#
# $$-\sum_i p_i \log q_i$$

# %% exercise="soft_cross_entropy"

# %%
copy = soft_cross_entropy(teacher_logits, teacher_logits, 4.0)
blank = soft_cross_entropy(torch.zeros_like(teacher_logits), teacher_logits, 4.0)
print(
    say(
        f"At T = 4 a perfect copy of the teacher pays {copy:.2f} nats, a student that knows nothing {blank:.2f}.",
        f"T = 4时，与教师完全一样的学生要付{copy:.2f}奈特，一无所知的学生要付{blank:.2f}。",
    )
)

# %% [markdown] lang="en"
# (A nat is what a bit becomes when the logarithm is natural.) Even a perfect copy pays: the teacher's own entropy. Take it away, and what is left is the Kullback–Leibler divergence, zero for a perfect copy:
#
# $$\mathrm{KL}(p \,\|\, q) = -\sum_i p_i \log q_i + \sum_i p_i \log p_i$$
#
# What was taken away doesn't depend on the student, so the gradient is the same. And because softening shrinks the gradient by about $T^2$, the loss is multiplied by $T^2$; lesson 02 shows why, and when it matters.
# %% [markdown] lang="zh"
# （奈特是取自然对数时的信息单位，取以2为底的对数就是比特。）连完全一样的学生也要付出代价：那是教师自身的熵。把它减掉，剩下的就是KL散度，完全一致时为零：
#
# $$\mathrm{KL}(p \,\|\, q) = -\sum_i p_i \log q_i + \sum_i p_i \log p_i$$
#
# 减掉的部分与学生无关，所以梯度不变。另外，软化会让梯度缩小到约$1/T^2$，所以损失要乘回$T^2$；为什么、什么时候要紧，见第02课。

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
        f"两个梯度方向相同（余弦{angle:.3f}），这一个长{ratio:.1f}倍，正是T²。",
    )
)

# %% [markdown] lang="en"
# Where you have labels, use both: `alpha` weighs the teacher against the label. This is the loss that people mean by "KD".
# %% [markdown] lang="zh"
# 有标签时两者都用：`alpha`决定教师与标签各占多少。人们说的“KD损失”就是它。

# %% exercise="kd_loss"

# %% [markdown] lang="en"
# ## The experiment
#
# The student cuts a command into short groups of letters and ignores their order. There are twenty students, each with its own two commands for every intent and its own starting weights, and each is trained twice: on the labels alone, and with your `kd_loss`. Same commands, same start, same steps: the comparison is *paired*.
# %% [markdown] lang="zh"
# ## 实验
#
# 学生把一条指令切成短小的字母片段，不管先后顺序。一共二十个学生，各自从每种意图中抽两条指令，初始权重也各不相同；每个学生训练两次：一次只用标签，一次用你的`kd_loss`。指令、起点、步数都相同，所以是*配对*比较。

# %%
SEEDS, ROWS, HIDDEN = 20, 256, 32
rows = torch.stack([few_commands(commands.labels, 2, seed) for seed in range(SEEDS)])
inputs, held_out_inputs = bags(commands.texts, ROWS)[rows], bags(held_out.texts, ROWS)
labels, soft = commands.labels[rows].flatten(), teacher_logits[rows].flatten(0, 1)


def scores(loss_function):
    """Held-out scores of the twenty students, trained with a loss of their logits."""
    students = ManyStudents(SEEDS, ROWS, HIDDEN, len(names))
    train_many(students, inputs, loss_function, steps=200, rate=0.02)
    with torch.no_grad():
        return score_by_intent(students(held_out_inputs), held_out.labels)


labels_alone = scores(lambda logits: F.cross_entropy(logits, labels))
numbers = (ROWS + 1) * HIDDEN + (HIDDEN + 1) * len(names)
print(
    say(
        f"{rows.shape[1]} commands a student, {numbers:,} weights; on labels alone it scores {labels_alone.mean():.0f} %.",
        f"每个学生{rows.shape[1]}条指令，{numbers:,}个权重；只用标签时得{labels_alone.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# **Guess first.** What will the same students score with the teacher's probabilities beside the same labels? Your colleague says: no difference.
# %% [markdown] lang="zh"
# **先猜一猜。** 同样的学生、同样的标签，再加上教师的概率，能得多少分？同事说：没有差别。

# %%
guessed_score = guess(unit="%", low=30, high=90)
guessed_score

# %% key="gain"
with_teacher = scores(lambda logits: kd_loss(logits, soft, labels))
gain = paired_t_interval(with_teacher, labels_alone)
ax = axes(width=4.5, height=4)
ax.plot(labels_alone, with_teacher, "ko")
limits = labels_alone.min() - 3, with_teacher.max() + 3
ax.plot(limits, limits, color="grey", linestyle="--", label="no difference")
ax.set(xlabel="score on labels alone, %", ylabel="score with kd_loss, %", xlim=limits, ylim=limits)
ax.legend(loc="lower right")
guessed_score.draw(ax)
print(
    say(
        f"With the teacher: {with_teacher.mean():.0f} %. Gain {gain.mean:.0f} points; "
        f"{(with_teacher > labels_alone).sum()} of {SEEDS} students gain.",
        f"有教师时得{with_teacher.mean():.0f}%，提高{gain.mean:.0f}个百分点；{SEEDS}个学生中有{(with_teacher > labels_alone).sum()}个提高。",
    )
)

# %% [markdown] lang="en" caption=true
# All twenty students gain from the teacher.
# %% [markdown] lang="zh"
# 二十个学生无一例外，都从教师那里得到了提高。

# %% [markdown] lang="en"
# ## Which part of the soft label did it?
#
# A soft label says two things. How probable is the right intent, against all others in one lump? And how do the others share the rest? The first is the teacher's confidence. The second is about wrong answers only; your colleague calls it noise. Give the student one half at a time, beside its labels.
#
# **Guess first.** How many of the points gained are left when only the *wrong* half is given?
# %% [markdown] lang="zh"
# ## 软标签的哪一半起了作用？
#
# 软标签说了两件事：正确意图相对其余全部有多大可能；其余意图之间又怎样分剩下的概率。前一半是教师的信心；后一半在同事看来只是噪声，因为说的全是错误答案。下面在标签之外，每次只给学生其中一半。
#
# **先猜一猜。** 只给*错误*的那一半，提高的分数还剩几个百分点？

# %%
guessed_points = guess(unit=say("points", "个百分点"), low=-5, high=15)
guessed_points

# %%
is_label = F.one_hot(labels, len(names)).bool()


def wrong_only(logits):
    """The other intents among themselves: the right one's column is cut out."""
    return logits[~is_label].view(len(logits), -1)


def right_only(logits, temperature=4.0):
    """The right intent against all others, which become one class."""
    others = temperature * (wrong_only(logits) / temperature).logsumexp(1)
    return torch.stack([logits[is_label], others], dim=1)


def with_part(part):
    return lambda logits: (
        0.5 * distillation_kl(part(logits), part(soft), 4.0) + 0.5 * F.cross_entropy(logits, labels)
    )


# %% key="two-halves"
halves = {
    "the right answer's\nprobability": scores(with_part(right_only)),
    "the wrong answers'\nprobabilities": scores(with_part(wrong_only)),
    "all of them": with_teacher,
}
gains = {name: paired_t_interval(result, labels_alone) for name, result in halves.items()}
ax = axes(height=2.4)
draw_intervals(ax, gains, unit="points gained over labels alone")
guessed_points.draw(ax, axis="x")
right, wrong, everything = (found.mean for found in gains.values())
print(
    say(
        f"Right answer's probability only: {right:+.0f} points. Wrong answers' only: {wrong:+.0f}. All: {everything:+.0f}.",
        f"只给正确答案的概率：{right:+.0f}个百分点；只给错误答案的：{wrong:+.0f}；全给：{everything:+.0f}。",
    )
)

# %% [markdown] lang="en" caption=true
# Nearly all of the gain is in the wrong answers.
# %% [markdown] lang="zh"
# 提高的分数几乎全来自错误答案上的概率。

# %% [markdown] lang="en"
# Your colleague had it the wrong way round. What the teacher says about the right answer was known. What it says about the *wrong* ones was not.
#
# **Why.** Take the gradient of each loss with respect to the student's logits:
#
# $$\text{label: } q_i - y_i \qquad\qquad \text{soft label: } T\,(q_i - p_i)$$
#
# A label pushes one logit up and all others down, each in proportion to its $q_i$, whichever intent it is. A soft label has a target for each. So one command about a timer teaches something about every timer intent.
# %% [markdown] lang="zh"
# 看来同事正好说反了。教师对正确答案的看法，标签早已告诉我们；它对*错误*答案的看法，才是新的。
#
# **为什么。** 两种损失对学生logits的梯度是：
#
# $$\text{标签：} q_i - y_i \qquad\qquad \text{软标签：} T\,(q_i - p_i)$$
#
# 标签只把一个logit往上推，其余一律按各自的$q_i$往下压，不分彼此。软标签则给每个logit都定了目标。于是，一条定时器指令就能让学生对每一种定时器意图都多懂一点。

# %% [markdown] lang="en"
# ## What would change our mind
#
# Four ways in which the claim could be hollow:
# - **Softness alone** helps, whoever it comes from. Control: label smoothing, a tenth of the probability spread evenly.
# - **The amounts** help, not the addresses. Control: each row's wrong probabilities, shuffled among the wrong intents.
# - **Any second target** helps. Control: a teacher whose head was never trained.
# - **The teacher's other labels** help: it has read thousands that the student hasn't. Control: a teacher whose head was trained on the student's own few commands.
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法
#
# 这个结论有四种落空的可能：
# - **只要够“软”就有用**，谁给的都行。对照：标签平滑，把十分之一的概率平均分出去。
# - **有用的是数值大小，而不是给了谁**。对照：每一行的错误概率在错误意图之间打乱。
# - **多一个目标就有用**。对照：分类头从未训练过的教师。
# - **有用的是教师看过的其他标签**，那几千条学生没看过。对照：分类头只用学生那几条指令训练的教师。

# %%
generator = torch.Generator().manual_seed(0)
wrong = soft[~is_label].view(len(soft), -1)
shuffled = soft.clone()
shuffled[~is_label] = wrong.gather(1, torch.rand(wrong.shape, generator=generator).argsort(1)).flatten()
untrained = vectors[rows].flatten(0, 1) @ torch.randn(vectors.shape[1], len(names), generator=generator)
same_labels = torch.cat(
    [train_head(vectors[own], commands.labels[own], len(names))(vectors[own]) for own in rows]
)
smooth = 0.9 * is_label + 0.1 / len(names)

# %% key="controls"
controls = {
    "the teacher": with_teacher,
    "label smoothing": scores(lambda logits: F.cross_entropy(logits, smooth)),
    "wrong answers shuffled": scores(lambda logits: kd_loss(logits, shuffled, labels)),
    "an untrained teacher": scores(lambda logits: kd_loss(logits, untrained, labels)),
    "a teacher with the\nstudent's labels only": scores(lambda logits: kd_loss(logits, same_labels, labels)),
}
gains = {name: paired_t_interval(result, labels_alone) for name, result in controls.items()}
draw_intervals(
    axes(), gains, "points gained over labels alone"
)

# %% [markdown] lang="en" caption=true
# It matters who the wrong answers are, and who says so.
# %% [markdown] lang="zh"
# 错误答案是哪些、由谁说出来，都很要紧。

# %% [markdown] lang="en"
# Softness alone does little. Shuffled or invented wrong answers do harm. The last control is the one to remember: without the labels that only the teacher had seen, most of the gain goes. **Distillation creates no knowledge. It moves what the teacher took from its data, through the wrong answers, into the student.** What remains most likely comes from MiniLM's pretraining, which the student lacks too.
#
# ## The interview
#
# The first question is the one that everybody is asked. The textbook's answer has three steps: train a large model on the data; train a small one on its outputs as soft labels; minimise the loss between the two. You have just run all three, and you can say what that answer leaves out: steps two and three are one step, the label may join in, softening makes the wrong answers audible, and the commands need no label at all for the soft part.
# %% [markdown] lang="zh"
# 光是“软”，作用很小。打乱的或瞎编的错误答案则有害。最该记住的是最后一个对照：去掉只有教师看过的那些标签，提高的分数大半就没了。**蒸馏并不创造知识，而是把教师从数据中学到的东西，借错误答案搬给学生。** 剩下的那点多半来自MiniLM的预训练，这也是学生没有的。
#
# ## 面试
#
# 第一个问题人人都会被问到。教科书的答案是三步：用数据训练大模型；把它的输出当软标签训练小模型；最小化两者之间的损失。这三步你刚刚都做过了，也说得出这个答案漏了什么：第二步与第三步其实是一步；标签也可以加进来；软化之后才听得见错误答案；而软损失那一项，指令根本不需要标注。

# %% [markdown] question="what-is-kd"

# %% [markdown] question="soft-and-hard-labels"

# %% [markdown] question="dark-knowledge"

# %% [markdown] question="cross-entropy-or-kl"

# %% [markdown] question="distillation-and-label-smoothing"

# %% [markdown] question="where-does-the-gain-come-from"

# %% [markdown] lang="en"
# ## Next
#
# You can now build the loss, show where its gain comes from, and name the control that nearly killed it. Still open: why $T = 4$, and why $T^2$? That is [lesson 02](02_temperature.ipynb). And here a helper ran the training; in [lesson 03](03_the_loop.ipynb) you write the loop, after finding out what is wrong with a famous one.
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你会写蒸馏损失，能说明它的好处从哪里来，还能说出差点推翻它的那个对照。还没回答的是：为什么取$T = 4$，为什么乘$T^2$？见[第02课](02_temperature.ipynb)。另外，这里的训练由现成的函数代劳；到[第03课](03_the_loop.ipynb)，你先找出一个流行写法错在哪里，再亲手写出训练循环。
