# %% [markdown] lang="en"
# # 02 · Temperature
#
# *Why soften, and why $T^2$?* About 35 minutes, one exercise.
#
# Jonas is tidying up the distillation loss. Two things look like habit to him: the logits are divided by 4, and the loss is multiplied by 16.
#
# "Why make a teacher less sure than it is? And a constant in front of a loss doesn't move its minimum. I'll delete both."
#
# You have the review. Approve?
# %% [markdown] lang="zh"
# # 02 · 温度系数
#
# *为什么要软化，又为什么要乘$T^2$？* 约35分钟，一道练习。
#
# 小周在整理蒸馏损失的代码。有两处他怎么看都像是习惯使然：logits要除以4，损失要乘以16。
#
# “教师明明那么有把握，何必把它冲淡？再说，损失前面乘个常数，最小值又不会挪地方。两处我都删了。”
#
# 轮到你来评审。批不批？

# %%
import torch
import torch.nn.functional as F

from kd_solutions import distillation_kl
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_study import guess
from kd_study.lessons.kit.experiments import gather_cohort
from kd_study.lessons.kit.pictures import MARKERS, axes, draw_intervals

cohort = gather_cohort()
teacher_logits, labels = cohort.teacher_logits, cohort.labels
labels_alone = cohort.scores(cohort.train(lambda logits: F.cross_entropy(logits, labels)))
print(
    say(
        f"{len(labels_alone)} students, two commands for each of {len(cohort.intents)} intents. "
        f"Blind guessing scores {100 / len(cohort.intents):.0f} %, learning from labels alone {labels_alone.mean():.0f} %.",
        f"{len(labels_alone)}个学生，{len(cohort.intents)}种意图各两条指令。"
        f"瞎猜得{100 / len(cohort.intents):.0f}%，只用标签学得{labels_alone.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# They are the students of lesson 01: the same few commands, the same small networks. Only the loss will change. From here on there are no labels in it, only the teacher.
#
# ## What the division does
#
# Take the command that the teacher is least sure of, at every temperature from freezing to boiling.
# %% [markdown] lang="zh"
# 还是第01课的那些学生：同样的几条指令，同样的小网络，只换损失。从这里起，损失里没有标签，只有教师。
#
# ## 除以温度，做了什么
#
# 取教师最拿不准的那条指令，看它从极冷到极热时各怎么说。

# %% key="one-command"
row = teacher_logits.softmax(-1).amax(-1).argmin()
temperatures = torch.logspace(-1.5, 2, 71)
curves = 100 * (teacher_logits[row] / temperatures[:, None]).softmax(-1)
ax = axes()
for rank, intent in enumerate(teacher_logits[row].topk(4).indices.tolist()):
    name = cohort.intents[intent].removeprefix("Hass")
    ax.plot(temperatures, curves[:, intent], "k-", marker=MARKERS[rank], markevery=8, label=name)
ax.axhline(100 / len(cohort.intents), color="grey", linestyle="--", label="spread evenly")
ax.set(xscale="log", xlabel="temperature", ylabel="probability, %")
ax.legend(fontsize=8)
print(cohort.texts[row])

# %% [markdown] lang="en" caption=true
# From a single answer to no opinion: the order never changes.
# %% [markdown] lang="zh"
# 从认定一个答案到毫无主见，各意图的先后次序始终不变。

# %% [markdown] lang="en"
# At the left end the teacher names one intent: a hard label. At the right end it gives each the same: nothing to learn, it seems. In between it says what lesson 01 was about.
#
# ## The first deletion: no division
#
# Without it, $T$ is 1. **Guess first.** At $T = 4$ the students score 69 %. What will they score at $T = 1$?
# %% [markdown] lang="zh"
# 最左端，教师只报一种意图，那就是硬标签。最右端，它给每种意图的概率都一样，看上去没什么可学。中间那段，才是第01课讲的东西。
#
# ## 第一处删除：不再除
#
# 不除，就是$T = 1$。**先猜一猜。** $T = 4$时学生得69%。$T = 1$时得多少？

# %%
guessed_at_one = guess(unit="%", low=40, high=90)
guessed_at_one

# %%
SWEEP = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 64)


def taught_at(temperature, **options):
    """The students' scores after training on the teacher alone, at one temperature."""
    return cohort.scores(
        cohort.train(lambda logits: distillation_kl(logits, teacher_logits, temperature), **options)
    )


by_temperature = {temperature: taught_at(temperature) for temperature in SWEEP}

# %% key="sweep"
ax = axes()
intervals = [t_interval(scores) for scores in by_temperature.values()]
ax.vlines(SWEEP, [found.low for found in intervals], [found.high for found in intervals], color="black")
ax.plot(SWEEP, [found.mean for found in intervals], "ko-", label="teacher alone, with 95 % interval")
ax.axhline(labels_alone.mean(), color="grey", linestyle="--", label="labels alone")
ax.set(xscale="log", xlabel="temperature", ylabel="score, %")
ax.legend(loc="lower right")
guessed_at_one.draw(ax)
lost = paired_t_interval(by_temperature[4], by_temperature[1])
print(
    say(
        f"T = 1: {by_temperature[1].mean():.0f} %, T = 4: {by_temperature[4].mean():.0f} %; "
        f"the difference over the same students is {lost.mean:.0f} points ({lost.low:.0f} to {lost.high:.0f}).",
        f"T = 1时得{by_temperature[1].mean():.0f}%，T = 4时得{by_temperature[4].mean():.0f}%；"
        f"同一批学生前后相差{lost.mean:.0f}个百分点（{lost.low:.0f}至{lost.high:.0f}）。",
    )
)

# %% [markdown] lang="en" caption=true
# Too cold costs points; from T = 2 on, any temperature will do.
# %% [markdown] lang="zh"
# 太冷会丢分；从T = 2起，用哪个温度都差不多。

# %% [markdown] lang="en"
# So the first deletion costs points: not a catastrophe, but for nothing. Colder still, the students do worse than on plain labels. Does the teacher give wrong answers there? Ask the labels themselves, at the same temperature.
# %% [markdown] lang="zh"
# 可见第一处删除是要丢分的：算不上灾难，却丢得不值。再冷下去，学生还不如只用标签。是教师在那里答错了吗？让标签也在同样的温度下教一遍。

# %% key="cold"
cold_labels = cohort.scores(cohort.train(lambda logits: F.cross_entropy(logits / 0.1, labels)))
teacher_right = 100 * (teacher_logits.argmax(-1) == labels).float().mean()
cold = [10 * round(scores.mean().item() / 10) for scores in (by_temperature[0.1], cold_labels)]
print(
    say(
        f"The teacher is right on {teacher_right:.0f} % of these commands. "
        f"At T = 0.1 it brings about {cold[0]} %, and true labels about {cold[1]} %.",
        f"这些指令教师答对{teacher_right:.0f}%。T = 0.1时，用它教得约{cold[0]}%，用真实标签教也得约{cold[1]}%。",
    )
)

# %% [markdown] lang="en"
# No: it is the cold itself. The student's logits are divided, too. At a tenth, gaps that mean little when it answers at $T = 1$ already satisfy the loss, and it stops learning. A cold teacher is a hard label, taught badly.
#
# The right half is the odd one. At $T = 64$ the teacher's probabilities look perfectly even, and the students learn as much as ever. What are they learning from?
#
# ## What is left at infinity
#
# Write $d = s - t$ for a row of student's minus teacher's logits. Where $T$ is large, $e^{z/T} \approx 1 + z/T$: both softmaxes become straight lines, and what $T^2 \cdot \mathrm{KL}$ tends to is a squared distance. Build it.
# %% [markdown] lang="zh"
# 不是，是冷本身的问题。学生的logits也要除以温度：除以0.1之后，很小的差距就足以让损失满意，学生便不再学了。冷的教师等于硬标签，而且教得更差。
#
# 奇怪的是右半边。$T = 64$时教师的概率看上去完全平均，学生却照学不误。它们究竟在学什么？
#
# ## 到了无穷大，还剩下什么
#
# 把一行学生logits与教师logits之差记作$d = s - t$。$T$很大时$e^{z/T} \approx 1 + z/T$，两个softmax都成了直线，$T^2 \cdot \mathrm{KL}$趋于一个平方距离。请你来实现。

# %% exercise="logit_mse"

# %% key="limit"
blank = torch.zeros_like(teacher_logits, requires_grad=True)


def slope(loss):
    """The loss's gradient into the logits of a student that knows nothing yet."""
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
# *Off by* compares the two gradients. Ten times the temperature, a tenth of the gap. So a hot teacher isn't silent. The differences between its probabilities became tiny, and $T^2$ blew them up again. Which brings us to the second deletion.
#
# ## The second deletion: no $T^2$
#
# "Twice a loss has the same minimum as the loss." True. Jonas trains with SGD, his colleague Mei with Adam; both at $T = 4$, at a learning rate that suits them.
#
# **Guess first.** What do Jonas's students score without the factor 16? Then say to yourself what Mei's will.
# %% [markdown] lang="zh"
# *相差*比的是两个梯度。温度升到十倍，差距缩到十分之一。可见“热”的教师并没有沉默：概率之间的差别变得极小，$T^2$又把它们放大了回来。这就轮到第二处删除了。
#
# ## 第二处删除：不乘$T^2$
#
# “损失翻一倍，最小值还在原处。”这话没错。小周用SGD训练，同事小梅用Adam；都是$T = 4$，学习率各自合适。
#
# **先猜一猜。** 没有16这个因子，小周的学生得多少分？小梅的呢？也在心里报个数。

# %%
guessed_without = guess(unit="%", low=0, high=80)
guessed_without

# %%
SGD = {"optimizer_class": torch.optim.SGD, "rate": 3.0}


def without_square(temperature, **options):
    """As `taught_at`, with the factor T² taken out again."""
    return cohort.scores(
        cohort.train(
            lambda logits: distillation_kl(logits, teacher_logits, temperature) / temperature**2, **options
        )
    )


results = {
    "SGD, with T²": taught_at(4, **SGD),
    "SGD, without": without_square(4, **SGD),
    "Adam, with T²": by_temperature[4],
    "Adam, without": without_square(4),
}

# %% key="t-squared"
ax = axes(height=2.6)
draw_intervals(ax, {name: t_interval(scores) for name, scores in results.items()}, "score, %", baseline=None)
ax.axvline(100 / len(cohort.intents), color="grey", linestyle="--", label="blind guessing")
ax.legend(loc="upper center", fontsize=8)
guessed_without.draw(ax, axis="x")
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
# Same loss, same students, same single line deleted. One of the two ships a student that understands nothing; the other sees no change and approves.
#
# **Why.** Two divisions by $T$ hide in the gradient. The chain rule gives the first, and the flattened softmax the second:
#
# $$\frac{\partial\, \mathrm{KL}}{\partial s_i} = \frac{1}{T}\,(q_i - p_i), \qquad q_i - p_i \approx \frac{d_i - \bar d}{C\,T}$$
# %% [markdown] lang="zh"
# 损失相同，学生相同，删的是同一行。一个发布了什么都听不懂的学生，另一个看不出任何变化，点了批准。
#
# **为什么。** 梯度里藏着两次除以$T$：一次来自链式法则，一次来自变平的softmax：
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
at_one, at_hundred = (int((temperatures - wanted).abs().argmin()) for wanted in (1, 100))
print(
    say(
        f"From T = 1 to T = 100 the gradient shrinks {sizes[at_one] / sizes[at_hundred]:.1f}-fold with T², "
        f"{plain[at_one] / plain[at_hundred]:,.0f}-fold without.",
        f"从T = 1到T = 100，梯度在乘T²时缩小到{sizes[at_one] / sizes[at_hundred]:.1f}分之一，"
        f"不乘则缩小到{plain[at_one] / plain[at_hundred]:,.0f}分之一。",
    )
)

# %% [markdown] lang="en" caption=true
# Above T = 1 the factor T² keeps the gradient from fading.
# %% [markdown] lang="zh"
# T大于1时，因子T²使梯度不致消失。

# %% [markdown] lang="en"
# SGD's step is the learning rate times the gradient, so a gradient of a sixteenth is a learning rate of a sixteenth, and 200 steps are over before anything was learned. If that is all, a rate 16 times as large must give the very same students.
#
# Adam divides each step by the gradient's own running size. A constant factor cancels.
# %% [markdown] lang="zh"
# SGD的一步是学习率乘以梯度，梯度缩到1/16，等于学习率缩到1/16，200步走完还什么都没学到。如果原因仅此而已，那么把学习率调大到16倍，应当得到一模一样的学生。
#
# Adam每一步都除以梯度自身的滑动大小，常数因子正好约掉。

# %% key="rate"
larger_rate = without_square(4, **(SGD | {"rate": 16 * SGD["rate"]}))
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
# Mei could now say: with Adam the factor is decoration. Two experiments to shake her.
#
# **Labels join in.** Half the loss is now cross-entropy on the labels, as in `kd_loss`. Still Adam.
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法
#
# 小梅这时可以说：用Adam，这个因子就是摆设。两个实验来考考她。
#
# **标签加进来。** 损失的一半换成标签上的交叉熵，和`kd_loss`一样。优化器仍是Adam。

# %%
MIXED = (1, 2, 4, 8, 16)


def gain_beside_labels(temperature, factor):
    """Points gained over labels alone when they share the loss with `factor` · KL."""
    half = factor / (2 * temperature**2)  # distillation_kl brings its own T²

    def loss(logits):
        return (
            half * distillation_kl(logits, teacher_logits, temperature) + F.cross_entropy(logits, labels) / 2
        )

    return paired_t_interval(cohort.scores(cohort.train(loss)), labels_alone)


with_factor = [gain_beside_labels(temperature, temperature**2) for temperature in MIXED]
no_factor = [gain_beside_labels(temperature, 1) for temperature in MIXED]

# %% key="beside-labels"
ax = axes()
for gains, style, name in ((with_factor, "ko-", "with T²"), (no_factor, "ks--", "without")):
    ax.plot(MIXED, [gain.mean for gain in gains], style, label=name)
    ax.vlines(MIXED, [gain.low for gain in gains], [gain.high for gain in gains], color="black")
ax.axhline(0, color="grey", linestyle=":")
ax.set(xscale="log", xlabel="temperature", ylabel="points gained over labels alone")
ax.set_xticks(MIXED, MIXED)
ax.set_xticks([], minor=True)
ax.legend(loc="lower left")
print(
    say(
        f"T = 16: {with_factor[-1].mean:+.0f} points with T², {no_factor[-1].mean:+.0f} without.",
        f"T = 16时：乘T²提高{with_factor[-1].mean:.0f}个百分点，不乘只提高{no_factor[-1].mean:.0f}个。",
    )
)

# %% [markdown] lang="en" caption=true
# Beside a label, Adam needs T² as well: without it the teacher falls silent.
# %% [markdown] lang="zh"
# 有标签在旁边时，Adam也离不开T²：没有它，教师就哑了。

# %% [markdown] lang="en"
# The factor cancels for a sum only if it stands before the *whole* sum. Here it stood before one part, and `alpha` no longer means what it says: a change of $T$ changes the mixture too.
#
# **A very hot teacher.** Adam adds a small $\varepsilon$ to what it divides by, $10^{-8}$, against division by zero. At $T = 1000$ the factor is a million.
# %% [markdown] lang="zh"
# 只有乘在*整个*和式前面的因子才会约掉。这里它只乘在一项上，于是`alpha`名不副实：一改$T$，两项的比例也跟着变。
#
# **教师极热。** 为了不除以零，Adam在除数上加了一个很小的$\varepsilon$，即$10^{-8}$。$T = 1000$时，因子是一百万。

# %% key="epsilon"
hot = taught_at(1000), without_square(1000)
print(
    say(
        f"Adam, T = 1000: about {10 * round(hot[0].mean().item() / 10)} % with T², "
        f"about {10 * round(hot[1].mean().item() / 10)} % without.",
        f"Adam，T = 1000：乘T²得约{10 * round(hot[0].mean().item() / 10)}%，不乘得约{10 * round(hot[1].mean().item() / 10)}%。",
    )
)

# %% [markdown] lang="en"
# So "Adam doesn't notice" has two limits: one soft loss, alone, and gradients well above $\varepsilon$. Both deletions go back to Jonas. $T^2$ isn't there to move a minimum; it is there so that one can turn $T$ without turning the learning rate and the mixture with it.
#
# ## And when the student answers?
#
# It was trained at $T = 4$. At which temperature should the box on the wall run?
# %% [markdown] lang="zh"
# 所以“Adam察觉不到”有两个前提：软损失单独一项，并且梯度远大于$\varepsilon$。两处删除都退回给小周。$T^2$不是用来挪最小值的；有了它，转动$T$时，学习率和两项的比例才不会跟着动。
#
# ## 那么学生作答时呢？
#
# 它是在$T = 4$下训练的。墙上的盒子该用哪个温度？

# %% key="answering"
students = cohort.train(lambda logits: distillation_kl(logits, teacher_logits, 4.0))
with torch.no_grad():
    answers = students(cohort.held_out_inputs)
right = 100 * (answers.argmax(-1) == cohort.held_out_labels).float().mean()
for temperature in (1, 4):
    confidence = 100 * (answers / temperature).softmax(-1).amax(-1).mean()
    print(
        say(
            f"T = {temperature}: {right:.0f} % of the answers right, mean confidence {confidence:.0f} %",
            f"T = {temperature}：答对{right:.0f}%，平均置信度{confidence:.0f}%",
        )
    )

# %% [markdown] lang="en"
# The answers are the same; division doesn't change which logit is largest. The confidence is not: at $T = 4$ the student would be asking back all day. It answers at $T = 1$, where its logits were made to resemble the teacher's. (Its confidence is honest to within some points, not more; calibration is a subject of its own.)
#
# ## The interview
# %% [markdown] lang="zh"
# 答案完全一样，因为除法不改变哪个logit最大。置信度却不同：若用$T = 4$，学生整天都得反问用户。它应在$T = 1$下作答，训练正是让它的logits像教师的logits。（它的置信度也只是大致可信，偏差有好些个百分点；校准是另一个话题。）
#
# ## 面试

# %% [markdown] question="why-t-squared"

# %% [markdown] question="who-notices-t-squared"

# %% [markdown] question="temperature-limits"

# %% [markdown] question="large-temperature-limit"

# %% [markdown] question="temperature-when-answering"

# %% [markdown] question="choosing-the-temperature"

# %% [markdown] lang="en"
# ## Next
#
# You can now say what both $T$s do, who notices if one goes missing, and where even Adam does. All of this ran in a loop that somebody else wrote. In [lesson 03](03_the_loop.ipynb) you write it, after finding out what is wrong with a famous one.
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你说得出两处$T$各管什么，少了它谁会察觉，以及Adam在什么时候也会察觉。不过这些实验用的都是别人写的循环。到[第03课](03_the_loop.ipynb)，你先找出一个流行写法错在哪里，再亲手写一个。
