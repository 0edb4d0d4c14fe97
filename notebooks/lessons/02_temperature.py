# %% [markdown] lang="en"
# # 02 · Temperature
#
# *Why soften, and why $T^2$?* About 35 minutes, and 10 more for its exercise.
#
# Jonas is tidying up the distillation loss. Two things look like habit to him: the logits are divided by 4, and the loss is multiplied by 16.
#
# "Why make a teacher less sure than it is? And a constant in front of a loss doesn't move its minimum. I'll delete both."
#
# You have the review. Approve?
# %% [markdown] lang="zh"
# # 02 · 温度系数
#
# *为什么要软化，又为什么要乘$T^2$？* 约35分钟，一道练习另需10分钟。
#
# 小周在整理蒸馏损失的代码。有两处他怎么看都像是习惯使然：logits要除以4，损失要乘以16。
#
# “教师明明那么有把握，何必把它冲淡？再说，损失前面乘个常数，最小值又不会挪地方。两处我都删了。”
#
# 轮到你来评审。批不批？

# %%
from functools import partial

import torch
import torch.nn.functional as F

from kd_solutions import distillation_kl, soft_targets
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_study import guess, my_guesses
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import ADAM, gather_cohort, in_words, side_by_side, typical
from kd_study.lessons.kit.pictures import MARKERS, axes, draw_intervals, draw_probabilities
from kd_study.notebook.views import show_table

cohort = gather_cohort()
teacher_logits, labels = cohort.teacher_logits, cohort.labels
names = [intent.removeprefix("Hass") for intent in cohort.intents]
labels_alone = cohort.scores(cohort.train(lambda logits: F.cross_entropy(logits, labels)))
print(
    say(
        f"{len(labels_alone)} students, two commands for each of {len(names)} intents. "
        f"Blind guessing scores {100 / len(names):.0f} %, learning from labels alone {labels_alone.mean():.0f} %.",
        f"{len(labels_alone)}个学生，{len(names)}种意图各两条指令。"
        f"瞎猜得{100 / len(names):.0f}%，只用标签学得{labels_alone.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# They are the students of lesson 01: 200 steps, a learning rate that falls to zero, and a score in which each intent weighs the same. From here on the teacher alone is in the loss, no label.
#
# ## What the division does
#
# Take lesson 01's command, at every temperature from freezing to boiling.
# %% [markdown] lang="zh"
# 还是第01课的那些学生：训练200步，学习率逐步降到零，得分里每种意图权重相同。从这里起，损失里只有教师，没有标签。
#
# ## 除以温度，做了什么
#
# 还看第01课的那条指令，从极冷到极热，每个温度下教师怎么说。

# %% key="one-command"
first_student = slice(0, cohort.inputs.shape[1])
row = typical(teacher_logits[first_student], labels[first_student])
ranked = teacher_logits[row].topk(8).indices.tolist()
temperatures = torch.logspace(-1.5, 2, 71)
curves = 100 * (teacher_logits[row] / temperatures[:, None]).softmax(-1)
ax = axes()
for rank, intent in enumerate(ranked[:3]):
    style = {"linewidth": 3, "label": f"{names[intent]} (right)"} if rank == 0 else {"label": names[intent]}
    ax.plot(temperatures, curves[:, intent], "k-", marker=MARKERS[rank], markevery=8, **style)
ax.plot(temperatures, 100 - curves[:, ranked[0]], "k--", label="all wrong ones together")
for temperature in (1, 4):
    ax.axvline(temperature, color="grey", linestyle=":")
ax.set(xscale="log", xlabel="temperature (dotted: 1 and 4)", ylabel="probability, %")
ax.legend(fontsize=8, loc="center left")
print(cohort.texts[row])
for temperature in (1, 4, 64):
    right = 100 * soft_targets(teacher_logits[[row]], temperature)[0, labels[row]]
    print(
        say(
            f"T = {temperature}: {right:.0f} % for the right one",
            f"T = {temperature}：正确意图占{right:.0f}%",
        )
    )

# %% [markdown] lang="en" caption=true
# Softening gives the right answer's probability to the wrong ones, to their sum far more than to any of them.
# %% [markdown] lang="zh"
# 软化把正确答案的概率让给错误答案：总和涨得很多，单个却涨得很少。

# %% [markdown] lang="en"
# At the left end stands a hard label. At the right end all 31 intents have the same: nothing to learn, it seems.
#
# ## The first deletion: no division
#
# Without it, $T$ is 1. **Guess first.** At $T = 4$ the students score 69 %. What will they score at $T = 1$?
# %% [markdown] lang="zh"
# 最左端就是硬标签。最右端，31种意图的概率都一样，看上去没什么可学。
#
# ## 第一处删除：不再除
#
# 不除，就是$T = 1$。**先猜一猜。** $T = 4$时学生得69%。$T = 1$时得多少？

# %%
guessed_at_one = guess(unit="%", low=40, high=90)
guessed_at_one


# %%
def taught(cohort, temperature, factor=1.0, **options):
    """A cohort's students after training on factor · T² · KL from the teacher, at one temperature."""
    return cohort.train(
        lambda logits: factor * distillation_kl(logits, cohort.teacher_logits, temperature), **options
    )


students = {temperature: taught(cohort, temperature) for temperature in (0.1, 0.5, 1, 2, 4, 16, 64)}
by_temperature = {temperature: cohort.scores(found) for temperature, found in students.items()}

# %% key="sweep"
ax = axes()
swept, intervals = list(by_temperature), [t_interval(scores) for scores in by_temperature.values()]
ax.vlines(swept, [found.low for found in intervals], [found.high for found in intervals], color="black")
ax.plot(swept, [found.mean for found in intervals], "ko-", label="teacher alone, with 95 % interval")
ax.axhline(labels_alone.mean(), color="grey", linestyle="--", label="labels alone")
ax.set(xscale="log", xlabel="temperature", ylabel="score, %")
ax.legend(loc="lower right")
guessed_at_one.draw(ax)
guessed_at_one.compare(by_temperature[1].mean().item())
lost = paired_t_interval(by_temperature[4], by_temperature[1])
print(
    say(
        f"T = 1: {by_temperature[1].mean():.0f} %, T = 4: {by_temperature[4].mean():.0f} %; "
        f"points from 1 to 4, the same students: {in_words(lost)}.",
        f"T = 1时得{by_temperature[1].mean():.0f}%，T = 4时得{by_temperature[4].mean():.0f}%；"
        f"同一批学生，从1到4的百分点：{in_words(lost)}。",
    )
)

# %% [markdown] lang="en" caption=true
# Too cold costs points; from T = 2 on, these students don't care.
# %% [markdown] lang="zh"
# 太冷会丢分；从T = 2起，这些学生就无所谓了。

# %% [markdown] lang="en"
# So the first deletion costs points. Or is the learning rate to blame, chosen for $T = 4$? Ask ten *other* students. (The last lines are for later.)
# %% [markdown] lang="zh"
# 可见第一处删除是要丢分的。会不会怪学习率，它只适合$T = 4$？问问另外十个学生。（最后几行后面要用。）

# %% key="rates"
others = gather_cohort(range(20, 30))
SGD = {"optimizer_class": torch.optim.SGD}
for name, temperature, rates, options in (
    ("Adam, T = 1", 1, (0.01, 0.02, 0.04), {}),
    ("Adam, T = 4", 4, (0.01, 0.02, 0.04), {}),
    ("SGD, T = 4", 4, (1.0, 3.0, 6.0), SGD),
):
    print(name)
    for rate in rates:
        score = others.scores(taught(others, temperature, rate=rate, **options)).mean()
        print(say(f"    rate {rate:g}: {score:.0f} %", f"    学习率{rate:g}：{score:.0f}%"))

# %% [markdown] lang="en"
# No: another rate helps neither. Colder still, the students do worse than on plain labels. Does the teacher give wrong answers there? Let the true labels teach at the same temperature.
# %% [markdown] lang="zh"
# 不怪它：换个学习率，对两者都没有好处。再冷下去，学生还不如只用标签。是教师在那里答错了吗？让真实标签也在同样的温度下教一遍。

# %% key="cold"
cold = by_temperature[0.1]
cold_labels = cohort.scores(cohort.train(lambda logits: F.cross_entropy(logits / 0.1, labels)))
frozen_targets = soft_targets(teacher_logits, 0.1)
half_cold = cohort.scores(cohort.train(lambda logits: F.cross_entropy(logits, frozen_targets)))
print(say("Points over labels alone:", "比只用标签多的百分点："))
for name, scores in (
    (say("teacher, all at 0.1", "教师，全在0.1"), cold),
    (say("true labels, all at 0.1", "真实标签，全在0.1"), cold_labels),
    (say("teacher at 0.1, student at 1", "教师0.1，学生1"), half_cold),
):
    print(f"    {in_words(paired_t_interval(scores, labels_alone))}  {name}")
difference = in_words(paired_t_interval(cold, cold_labels))
print(say(f"The first line over the second: {difference}", f"第一行比第二行：{difference}"))

# %% [markdown] lang="en"
# No: true labels do as badly. The *student's* logits are divided, too: at 0.1, gaps that mean little at $T = 1$ already satisfy the loss. Spare the student the cold (third line), and what is left is as good as a label.
#
# The hot end is the odd one. At $T = 64$ the teacher's probabilities look even, and the students learn as much as ever. From what?
#
# ## What is left at infinity
#
# Turn the temperature. Left, the teacher's answer; right, how hard the loss, $T^2$ included, pushes the logits of a blank student.
# %% [markdown] lang="zh"
# 不是：真实标签教出来一样差。除以温度的还有*学生*的logits。除以0.1等于放大十倍：在$T = 1$下无足轻重的差距，已足以让损失满意。只要别让学生受冻（第三行），教师就和标签一样好。
#
# 奇怪的是热的那一头。$T = 64$时教师的概率看上去一样平，学生却照学不误。它们究竟在学什么？
#
# ## 到了无穷大，还剩下什么
#
# 拨一拨温度。左边是教师的回答；右边是损失（带$T^2$）对一个什么都不会的学生的每个logit推得多用力。


# %%
def draw_answer_and_push(answer, push, temperature):
    probabilities = soft_targets(teacher_logits[[row]], temperature)[0]
    pushes = temperature * (probabilities - 1 / len(names))
    draw_probabilities(
        answer, {names[i]: 100 * probabilities[i].item() for i in ranked}, right=names[ranked[0]]
    )
    answer.set(title=f"T = {temperature:g}: the answer", xlim=(0, 115))
    for place, intent in enumerate(ranked):
        push.barh(place, pushes[intent], color="black" if place == 0 else "white", edgecolor="black")
    push.set_yticks([])
    push.invert_yaxis()
    push.set(title="the push", xlim=(-0.05, 1), xlabel="on the logit, with T²")
    return push.figure


def turn(temperature):
    return draw_answer_and_push(*axes(columns=2), temperature)


Dial(turn, say("temperature", "温度"), (0.25, 0.5, 1, 2, 4, 8, 16, 64), start=4)

# %% key="answer-and-push"
panels = axes(width=12, columns=4)
for place, temperature in ((0, 4), (2, 64)):
    draw_answer_and_push(*panels[place : place + 2], temperature)

# %% [markdown] lang="en" caption=true
# At 64 the answer has gone flat, and the push still tells the intents apart.
# %% [markdown] lang="zh"
# 到了64，回答已经拉平，推力却照样分得清各个意图。

# %% [markdown] lang="en"
# Now in symbols. Where $T$ is large, $e^{z/T} \approx 1 + z/T$: both softmaxes become straight lines, and $T^2 \cdot \mathrm{KL}$ tends to a squared distance of the logits. Build it.
# %% [markdown] lang="zh"
# 再写成式子。$T$很大时$e^{z/T} \approx 1 + z/T$，两个softmax都成了直线，$T^2 \cdot \mathrm{KL}$趋于logits的一个平方距离。请你来实现。

# %% exercise="logit_mse"

# %% key="limit"
blank = torch.zeros_like(teacher_logits, requires_grad=True)


def slope(loss):
    """The loss's gradient into the logits of students that know nothing yet."""
    return torch.autograd.grad(loss, blank)[0]


target = slope(logit_mse(blank, teacher_logits))
for temperature in (1, 4, 20, 100, 1000):
    gap = (slope(distillation_kl(blank, teacher_logits, temperature)) - target).norm() / target.norm()
    print(
        say(f"T = {temperature:4}: off by {100 * gap:5.1f} %", f"T = {temperature:4}：相差{100 * gap:5.1f}%")
    )
at_infinity = cohort.scores(cohort.train(lambda logits: logit_mse(logits, teacher_logits)))
print(
    say(
        f"Students trained on logit_mse score {at_infinity.mean():.0f} %.",
        f"用logit_mse训练的学生得{at_infinity.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# *Off by* compares the two gradients. A hot teacher isn't silent: the differences between its probabilities became tiny, and $T^2$ blew them up again. Say it aloud before you go on:
# %% [markdown] lang="zh"
# *相差*比的是两个梯度。“热”的教师并没有沉默：概率之间的差别变得极小，$T^2$又把它们放大了回来。往下读之前，先开口说一遍：

# %% [markdown] question="large-temperature-limit"

# %% [markdown] lang="en"
# ## The second deletion: no $T^2$
#
# Jonas trains with SGD, his colleague Mei with Adam; both at $T = 4$, each at the best of the rates tried above.
#
# **Guess first.** What do Jonas's students score without the factor 16? And Mei's?
# %% [markdown] lang="zh"
# ## 第二处删除：不乘$T^2$
#
# 小周用SGD训练，同事小梅用Adam；都是$T = 4$，学习率各取上面试过的里面最好的。
#
# **先猜一猜。** 没有16这个因子，小周的学生得多少分？小梅的呢？

# %%
guessed_without = guess(unit="%", low=0, high=80)
guessed_without

# %%
RATE = 3.0
results = {
    "SGD, with T²": cohort.scores(taught(cohort, 4, rate=RATE, **SGD)),
    "SGD, without": cohort.scores(taught(cohort, 4, factor=1 / 16, rate=RATE, **SGD)),
    "Adam, with T²": by_temperature[4],
    "Adam, without": cohort.scores(taught(cohort, 4, factor=1 / 16)),
}

# %% key="t-squared"
ax = axes(height=2.6)
draw_intervals(ax, {name: t_interval(scores) for name, scores in results.items()}, "score, %", baseline=None)
ax.axvline(100 / len(names), color="grey", linestyle="--", label="blind guessing")
ax.legend(loc="upper center", fontsize=8)
guessed_without.draw(ax, axis="x")
guessed_without.compare(results["SGD, without"].mean().item())
means = [scores.mean().item() for scores in results.values()]
print(
    say(
        f"SGD: {means[0]:.0f} % with T², {means[1]:.0f} % without. Adam: {means[2]:.0f} % and {means[3]:.0f} %.",
        f"SGD：有T²得{means[0]:.0f}%，没有得{means[1]:.0f}%。Adam：{means[2]:.0f}%和{means[3]:.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# Without T², SGD learns next to nothing, and Adam doesn't notice.
# %% [markdown] lang="zh"
# 少了T²，SGD几乎什么也学不到，Adam却毫无察觉。

# %% [markdown] lang="en"
# The same line deleted: one of the two ships a student that understands nothing, the other sees no change and approves.
#
# **Why.** Two divisions by $T$ hide in the gradient. The chain rule gives the first, and the flattened softmax the second. With $d = s - t$, the student's logits minus the teacher's:
#
# $$\frac{\partial\, \mathrm{KL}}{\partial s_i} = \frac{1}{T}\,(q_i - p_i), \qquad q_i - p_i \approx \frac{d_i - \bar d}{C\,T}$$
# %% [markdown] lang="zh"
# 删的是同一行：一个发布了什么都听不懂的学生，另一个看不出任何变化，点了批准。
#
# **原因。** 梯度里藏着两次除以$T$：一次来自链式法则，一次来自变平的softmax。记$d = s - t$，即学生logits减教师logits：
#
# $$\frac{\partial\, \mathrm{KL}}{\partial s_i} = \frac{1}{T}\,(q_i - p_i), \qquad q_i - p_i \approx \frac{d_i - \bar d}{C\,T}$$

# %% key="gradient-size"
sizes = [
    slope(distillation_kl(blank, teacher_logits, temperature)).norm().item() for temperature in temperatures
]
plain = [size / temperature**2 for size, temperature in zip(sizes, temperatures.tolist(), strict=True)]
ax = axes()
ax.plot(temperatures, sizes, "k-", label="T² · KL")
ax.plot(temperatures, plain, "k--", label="KL")
ax.set(xscale="log", yscale="log", xlabel="temperature", ylabel="length of the gradient")
ax.legend()
for low, high in ((1, 10), (10, 100)):
    start, end = (int((temperatures - wanted).abs().argmin()) for wanted in (low, high))
    with_square, without = sizes[start] / sizes[end], plain[start] / plain[end]
    print(
        say(
            f"From T = {low} to {high} the gradient shrinks {with_square:.1f}-fold with T², {without:.0f}-fold without.",
            f"从T = {low}到{high}，梯度在乘T²时缩小到1/{with_square:.1f}，不乘则缩小到1/{without:.0f}。",
        )
    )

# %% [markdown] lang="en" caption=true
# Above T = 10 the factor T² keeps the gradient's length almost as it is; without it, the gradient fades.
# %% [markdown] lang="zh"
# T大于10以后，乘了T²的梯度长度几乎不变；不乘，梯度就越来越弱。

# %% [markdown] lang="en"
# Adam divides each step by the root of a running mean of the squared gradients: a constant factor cancels. SGD's step is the learning rate times the gradient, so a sixteenth of the gradient is a sixteenth of the rate. If that is all, a rate 16 times as large must give the very same students.
# %% [markdown] lang="zh"
# Adam每一步都除以梯度平方的滑动平均再开方，常数因子正好约掉。SGD的一步是学习率乘以梯度，梯度缩到1/16，等于学习率缩到1/16。如果原因仅此而已，那么把学习率调大到16倍，应当得到一模一样的学生。

# %% key="rate"
larger_rate = cohort.scores(taught(cohort, 4, factor=1 / 16, rate=16 * RATE, **SGD))
difference = (larger_rate - results["SGD, with T²"]).abs().max()
print(
    say(
        f"SGD without T² at 16 times the rate: {larger_rate.mean():.0f} %, "
        f"at most {difference:.1f} points from the student with T².",
        f"SGD不乘T²、学习率调到16倍：{larger_rate.mean():.0f}%，与乘T²的学生最多相差{difference:.1f}个百分点。",
    )
)

# %% [markdown] lang="en"
# ## What would change our mind
#
# So with Adam the factor is decoration? Let labels join in: half the loss becomes cross-entropy on the labels, as in `kd_loss`. Still Adam.
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法
#
# 那么用Adam，这个因子就是摆设？让标签加进来：损失的一半换成标签上的交叉熵，和`kd_loss`一样。优化器仍是Adam。


# %%
def beside_labels(temperature, factor):
    """Scores where labels share the loss with `factor` · KL."""
    half = factor / (2 * temperature**2)  # distillation_kl brings its own T²

    def loss(logits):
        return (
            half * distillation_kl(logits, teacher_logits, temperature) + F.cross_entropy(logits, labels) / 2
        )

    return cohort.scores(cohort.train(loss))


MIXED = (1, 4, 16)
with_factor = {temperature: beside_labels(temperature, temperature**2) for temperature in MIXED}
no_factor = {1: with_factor[1]} | {temperature: beside_labels(temperature, 1) for temperature in MIXED[1:]}

# %% key="beside-labels"
ax = axes()
for found, style, name in ((with_factor, "ko-", "with T²"), (no_factor, "ks--", "without")):
    gains = [paired_t_interval(scores, labels_alone) for scores in found.values()]
    ax.plot(MIXED, [gain.mean for gain in gains], style, label=name)
    ax.vlines(MIXED, [gain.low for gain in gains], [gain.high for gain in gains], color="black")
    print(say("with T²", "乘T²") if style == "ko-" else say("without", "不乘"))
    for temperature, gain in zip(MIXED, gains, strict=True):
        print(f"    T = {temperature:2}   {in_words(gain)}")
ax.axhline(0, color="grey", linestyle=":")
ax.set(xscale="log", xlabel="temperature", ylabel="points gained over labels alone")
ax.set_xticks(MIXED, MIXED)
ax.legend(loc="lower left")
ax.minorticks_off()

# %% [markdown] lang="en" caption=true
# Beside a label, Adam needs T² as well: without it the hotter teacher is hardly heard.
# %% [markdown] lang="zh"
# 有标签在旁边时，Adam也离不开T²：没有它，教师越热，声音越听不见。

# %% [markdown] lang="en"
# The factor cancels only if it stands before the *whole* sum. Here it stood before one part, and `alpha` no longer means what it says. Both deletions go back to Jonas: with $T^2$ one can change $T$ without changing the learning rate and the mixture.
#
# ## Two corners
#
# **A very hot teacher.** To avoid dividing by zero, Adam adds a small $\varepsilon = 10^{-8}$ to what it divides by. At $T = 1000$ the factor is a million.
# %% [markdown] lang="zh"
# 只有乘在*整个*和式前面的因子才会约掉。这里它只乘在一项上，于是`alpha`名不副实。两处删除都退回给小周：有了$T^2$，调$T$时，学习率和两项的比例才不会跟着动。
#
# ## 两个角落
#
# **教师极热。** 为了不除以零，Adam在除数上加了一个很小的$\varepsilon = 10^{-8}$。$T = 1000$时，因子是一百万。

# %% key="epsilon"
hot = cohort.scores(taught(cohort, 1000))
hot_without = cohort.scores(taught(cohort, 1000, factor=1e-6))
small_epsilon = partial(ADAM, eps=1e-16)
hot_switched = cohort.scores(taught(cohort, 1000, factor=1e-6, optimizer_class=small_epsilon))
print(
    say(
        f"Adam, T = 1000: {hot.mean():.0f} % with T², {hot_without.mean():.0f} % without; "
        f"points lost: {in_words(paired_t_interval(hot, hot_without))}.\n"
        f"Without T², but ε = 1e-16: {hot_switched.mean():.0f} %.",
        f"Adam，T = 1000：乘T²得{hot.mean():.0f}%，不乘得{hot_without.mean():.0f}%；"
        f"丢掉的百分点：{in_words(paired_t_interval(hot, hot_without))}。\n"
        f"不乘T²，但ε = 1e-16：{hot_switched.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# So "Adam doesn't notice" holds for a soft loss alone, and for gradients well above $\varepsilon$.
#
# **When the student answers.** It was trained at $T = 4$. At which temperature should the box on the wall run?
# %% [markdown] lang="zh"
# 所以“Adam察觉不到”有两个前提：软损失单独一项，并且梯度远大于$\varepsilon$。
#
# **学生作答时。** 它是在$T = 4$下训练的。墙上的盒子该用哪个温度？

# %% key="answering"
with torch.no_grad():
    answers = students[4](cohort.held_out_inputs)
right = 100 * (answers.argmax(-1) == cohort.held_out_labels).float().mean()
for temperature in (1, 4):
    confidence = 100 * (answers / temperature).softmax(-1).amax(-1).mean()
    print(
        say(
            f"T = {temperature}: {right:.0f} % of the answers right, mean confidence {confidence:.0f} %, "
            f"{right - confidence:.0f} points less",
            f"T = {temperature}：答对{right:.0f}%，平均置信度{confidence:.0f}%，低{right - confidence:.0f}个百分点",
        )
    )

# %% [markdown] lang="en"
# (55 and not 69 %, for here each *command* weighs the same, a *micro* average.) Division doesn't change which logit is largest, so the answers are the same. The confidence is not: at $T = 4$ the student would be asking back all day. It answers at $T = 1$, and is then 11 points too modest; calibration is a subject of its own.
# %% [markdown] lang="zh"
# （是55%而不是69%，因为这里每条*指令*权重相同，即*微*平均。）除法不改变哪个logit最大，所以答案完全一样。置信度却不同：若用$T = 4$，学生整天都得反问用户。它应在$T = 1$下作答，这时置信度还低了11个百分点，过于谦虚；校准是另一个话题。

# %% [markdown] question="temperature-when-answering"

# %% [markdown] lang="en"
# ## Side by side
# %% [markdown] lang="zh"
# ## 放在一起看

# %% key="side-by-side"
my_guesses()
show_table(
    *side_by_side(
        {say("labels alone", "只用标签"): labels_alone}
        | {f"T = {temperature}": scores for temperature, scores in by_temperature.items()}
        | {
            say("true labels, T = 0.1", "真实标签，T = 0.1"): cold_labels,
            say("teacher at 0.1, student at 1", "教师0.1，学生1"): half_cold,
            "`logit_mse`": at_infinity,
            say("SGD, T = 4", "SGD，T = 4"): results["SGD, with T²"],
            say("SGD, T = 4, no T²", "SGD，T = 4，不乘T²"): results["SGD, without"],
            say("the same at 16 times the rate", "同上，学习率16倍"): larger_rate,
            say("Adam, T = 4, no T²", "Adam，T = 4，不乘T²"): results["Adam, without"],
            say("beside labels, T = 16", "与标签一起，T = 16"): with_factor[16],
            say("beside labels, T = 16, no T²", "与标签一起，T = 16，不乘T²"): no_factor[16],
            "T = 1000": hot,
            say("T = 1000, no T²", "T = 1000，不乘T²"): hot_without,
            say("T = 1000, no T², ε = 1e-16", "T = 1000，不乘T²，ε = 1e-16"): hot_switched,
        },
        labels_alone,
    )
)

# %% [markdown] lang="en"
# ## Your turn
#
# From $T = 2$ on any temperature would do, for this teacher. Make it surer of the same answers: `surer = dataclasses.replace(cohort, teacher_logits=3 * teacher_logits)`. Where will the plateau begin? Write down a guess and repeat the sweep with `surer`, and an 8 in it. Which rule for choosing a temperature do you read off?
#
# ## The interview
# %% [markdown] lang="zh"
# ## 轮到你了
#
# 从$T = 2$起用哪个温度都行，这是对这个教师而言。让它答案不变，只是更笃定：`surer = dataclasses.replace(cohort, teacher_logits=3 * teacher_logits)`。平台会从哪里开始？先写下猜测，再用`surer`重扫一遍，把8也加进去。该怎么选温度，你看出了什么规律？
#
# ## 面试

# %% [markdown] question="why-t-squared"

# %% [markdown] question="who-notices-t-squared"

# %% [markdown] question="choosing-the-temperature"

# %% [markdown] lang="en"
# ## Next
#
# You can now say what both $T$s do, who notices if one goes missing, and where even Adam does. All of this ran in a loop that somebody else wrote. In [lesson 03](03_the_loop.ipynb) you find out what is wrong with a famous one, and write your own.
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你说得出两处$T$各管什么，少了它谁会察觉，以及Adam在什么时候也会察觉。不过这些实验用的都是别人写的循环。到[第03课](03_the_loop.ipynb)，你先找出一个流行写法错在哪里，再亲手写一个。
