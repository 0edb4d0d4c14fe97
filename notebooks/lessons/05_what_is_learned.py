# %% [markdown] lang="en"
# # 05 · What the student learns
#
# *Does the student copy the teacher?* About 45 minutes, and 80 more for its five exercises.
#
# Two notes hang on the board on Monday. Nora, who signs the releases: "A student is a copy. From now on none ships that agrees with its teacher on fewer than 90 % of the commands." Farid, from the cloud: "The new teacher is better than the old one. Train your students anew, they will be better, too."
#
# Both sound sensible. You have the experiment.
# %% [markdown] lang="zh"
# # 05 · 学生学到了什么
#
# *学生是在复制教师吗？* 约45分钟，五道练习另需80分钟。
#
# 周一，公告板上贴着两张条子。负责发布的小宁写道：“学生就是教师的复制品。从今天起，与教师一致率不到90%的，一律不放行。”云端组的老范写道：“新教师比旧的强。学生重训一遍，也会跟着变强。”
#
# 两张听上去都有道理。实验归你来做。

# %% key="world"
import torch.nn.functional as F

from kd_solutions import distillation_kl, soft_targets
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_study import guess, my_guesses
from kd_study.lessons.kit import what_is_learned as kit
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import in_words, side_by_side, typical
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.lessons.kit.subliminal import taught_on_noise
from kd_study.lessons.kit.what_is_learned_pictures import draw_arrows, draw_copies, draw_draws
from kd_study.lessons.kit.what_is_learned_record import read_record
from kd_study.notebook.views import show_table

world = kit.gather(kit.chosen_seeds())
labels, classes = world.own_labels, len(world.intents)


def on_labels(logits):
    return F.cross_entropy(logits, labels)


answers = {
    "labels": world.learned(on_labels),
    "labels, 600 steps": world.learned(on_labels, steps=600),
}
alone, longer = (world.scores(found) for found in answers.values())
print(
    say(
        f"{len(alone)} students, each with {kit.EACH} labelled commands for each of {classes} intents.\n"
        f"After 200 steps on labels they score {alone.mean():.0f} %, after 600 {longer.mean():.0f} %.",
        f"{len(alone)}个学生，{classes}种意图各{kit.EACH}条带标签的指令。\n"
        f"在标签上训练200步得{alone.mean():.0f}%，训练600步得{longer.mean():.0f}%。",
    )
)

# %% [markdown] lang="en"
# They are the students of lesson 01 with four times its labels: a bag of pieces of words, one hidden layer of 32. All rows below have the same commands and 200 steps, unless they say otherwise.
#
# First the strongest rival that never met a teacher. Label smoothing takes a share $\varepsilon$ from the label and spreads it evenly.
# %% [markdown] lang="zh"
# 学生还是第01课那种，标签是那时的四倍：一袋子词片段，一层32个单元的隐藏层。下面各行除非另外注明，用的都是同样的指令，训练200步。
#
# 先请出从没见过教师的最强对手。标签平滑从标签上拿走$\varepsilon$，平均分给所有类别。

# %% exercise="smooth_labels"

# %% key="smoothing"
others = kit.gather(range(40, 45))  # students of their own, to choose ε on


def smoothed(world, epsilon):
    table = smooth_labels(world.own_labels, classes, epsilon)
    return world.learned(lambda logits: F.cross_entropy(logits, table))


tried = {each: others.scores(smoothed(others, each)).mean().item() for each in (0.1, 0.3, 0.5)}
epsilon = min(each for each, score in tried.items() if score > max(tried.values()) - 0.5)
answers["label smoothing"] = smoothed(world, epsilon)
gain = paired_t_interval(world.scores(answers["label smoothing"]), alone)
print(
    say(
        f"ε = {epsilon}, the smallest within half a point of the best on other students: "
        f"{in_words(gain)} points over labels",
        f"ε = {epsilon}，是另外几个学生上与最好相差不到半分的最小值：比只用标签多{in_words(gain)}个百分点",
    )
)

# %% [markdown] lang="en"
# (In brackets a 95 % interval over paired students.) Keep these points in mind: they cost one line and no teacher.
#
# ## Nora's note: is it a copy?
#
# The teacher that is easiest to copy is a **twin**: the same network, trained on the same labels from another start. Its student, at $T = 4$, is called *born again*. Two things are measured on held-out commands, and they are two: **fidelity**, how often student and teacher answer alike, and the score.
#
# **Guess first.** A student that learned from the labels alone has never met the twin. On how many commands do the two agree?
# %% [markdown] lang="zh"
# （括号里是对配对学生算的95%区间。）请记住这几个百分点：只费一行代码，不要教师。
#
# ## 小宁的条子：它是复制品吗？
#
# 最容易复制的教师是**孪生模型**：同样的网络、同样的标签，只是起点不同。由它在$T = 4$下教出来的学生叫*born again*（再生）。在留出指令上量两样东西，它们是两回事：**保真度**，即学生与教师回答一致的比例；以及得分。
#
# **先猜一猜。** 只用标签训练的学生从没见过这个孪生模型。两者在多少指令上回答一致？

# %%
guessed_agreement = guess(unit="%", low=30, high=100)
guessed_agreement


# %% key="copies"
def taught_by(teacher, temperature=4.0):
    return lambda logits: distillation_kl(logits, teacher.shown, temperature)


twins = [world.train(on_labels, start=world.fresh(start)) for start in range(1, 6)]
twin = world.as_teacher(twins[0])
answers["twin"] = world.learned(taught_by(twin))
inner = kit.first_layer_of(twins[0], world.fresh())
answers["twin's first layer"] = world.learned(taught_by(twin), start=inner)
answers["twin's layers"] = world.learned(taught_by(twin), start=twins[0])
shown = {
    "never met it: labels": "labels",
    "never met it: smoothing": "label smoothing",
    "born again": "twin",
    "born again, twin's first layer": "twin's first layer",
    "born again, all its layers": "twin's layers",
}
points = {
    name: (world.agreement(answers[own], twin), world.scores(answers[own])) for name, own in shown.items()
}
ax = axes(width=8, height=3.4)
draw_copies(ax, points)
guessed_agreement.draw(ax, axis="x")
guessed_agreement.compare(points["never met it: labels"][0].mean().item())
for name, own in (
    (say("labels", "标签"), "labels"),
    (say("label smoothing", "标签平滑"), "label smoothing"),
    ("born again", "twin"),
):
    again = world.mistakes_repeated(answers[own], twin).mean()
    print(
        say(
            f"{name}: repeats {again:.0f} % of the twin's mistakes", f"{name}：重犯孪生模型{again:.0f}%的错误"
        )
    )

# %% [markdown] lang="en" caption=true
# From left to right ever more of a copy; upwards it doesn't go. The student that is most often right is the one that copies least.
# %% [markdown] lang="zh"
# 越往右越像复制品，得分却没有跟着升高。答对最多的，恰恰是最不像的那一个。

# %% [markdown] lang="en"
# Two networks that never met agree on nearly nine commands in ten. So an agreement means little before one knows what strangers reach. Copying shows where the teacher is *wrong*: born again repeats far more of the twin's mistakes than a stranger does. It passes Nora's test, and has gained nothing. The smoothed student fails it.
#
# Is that difference luck? For one pair of students the luck is in the commands: draw them anew, both sides together.
# %% [markdown] lang="zh"
# 两个素不相识的网络，十条里有将近九条答得一样。所以不知道陌生人能到多少，一致率就说明不了什么。复制要看教师答*错*的地方：born again重犯的错误比陌生人多得多。它通过了小宁的检验，却什么也没多得；标签平滑的学生反倒通不过。
#
# 这个差距是运气吗？对一对学生来说，运气在指令里：把指令重新抽样，两边绑在一起抽。

# %% exercise="paired_bootstrap"

# %% key="two-intervals" tags=["nbval-ignore-output"]
hits = {
    name: (answers[name].argmax(-1) == world.held_out_labels).double() for name in ("label smoothing", "twin")
}
one_pair = paired_bootstrap(*(100 * hit[0] for hit in hits.values()), samples=1000)
many = paired_t_interval(*(100 * hit.mean(1) for hit in hits.values()))
draw_intervals(
    axes(height=1.7),
    {"one pair, other commands": one_pair, f"{len(alone)} pairs, other students": many},
    "smoothing less born again, points (every command counts the same)",
)

# %% [markdown] lang="en" caption=true
# Neither interval holds zero. The one answers "on other commands?", the other "with other students?".
# %% [markdown] lang="zh"
# 两个区间都不含零。一个回答“换一批指令呢”，另一个回答“换一批学生呢”。

# %% [markdown] question="agreement-as-a-gate"

# %% [markdown] lang="en"
# ## Farid's note: a better teacher
#
# Now teachers that know more: MiniLM's vectors with a hidden layer on top, trained on four times the student's labels, its own among them. Farid has four. Two learn from labels as they are, two from smoothed ones; and of each kind one is stopped after 200 steps, one after 1,000.
#
# **Guess first.** From the smoothed teacher stopped early to the same one trained to the end the teacher improves. By how many points does its student change, at $T = 4$?
# %% [markdown] lang="zh"
# ## 老范的条子：更好的教师
#
# 现在换上懂得更多的教师：MiniLM的向量，上面加一层隐藏层，用四倍于学生的标签训练（学生的也在其中）。老范手里有四个。两个用原来的标签训练，两个用平滑过的；每种又分两个，一个200步就停，一个训练到1000步。
#
# **先猜一猜。** 标签平滑的教师，从提前停到训练到底，自己变好了。$T = 4$时，它的学生变化几个百分点？

# %%
guessed_change = guess(unit=say("points", "个百分点"), low=-5, high=5)
guessed_change

# %% key="better-teacher"
early, plain = world.from_vectors(kit.MORE, 0.0, (200, 1000))
early_smooth, smooth = world.from_vectors(kit.MORE, epsilon, (200, 1000))
teachers = {"plain, early": early, "plain": plain, "smoothed, early": early_smooth, "smoothed": smooth}
for name, teacher in teachers.items():
    for temperature in (1, 4):
        answers[f"{name}, T = {temperature}"] = world.learned(taught_by(teacher, temperature))


def gained(new, old):
    return paired_t_interval(world.scores(answers[new]), world.scores(answers[old]))


own_scores = {name: world.scores(teacher.held_out) for name, teacher in teachers.items()}
panels = axes(width=8, height=3.2, columns=2)
for ax, temperature in zip(panels, (1, 4), strict=True):
    draw_arrows(
        ax,
        {kind: (own_scores[f"{kind}, early"], own_scores[kind]) for kind in ("plain", "smoothed")},
        {
            kind: [world.scores(answers[f"{name}, T = {temperature}"]) for name in (f"{kind}, early", kind)]
            for kind in ("plain", "smoothed")
        },
    )
    ax.set(title=f"T = {temperature}", ylim=(83, 90))
panels[1].legend(loc="lower left", fontsize=8)
guessed_change.compare(gained("smoothed, T = 4", "smoothed, early, T = 4").mean)

# %% [markdown] lang="en" caption=true
# Each arrow goes from 200 to 1,000 steps. All go right: every teacher improves. The smoothed teacher's arrow goes down at either temperature: its students get worse.
# %% [markdown] lang="zh"
# 每支箭头从200步指向1000步。箭头全都向右：教师个个变好。标签平滑的教师，箭头在两个温度下都向下：它的学生变差了。

# %% key="better-teacher-numbers" tags=["nbval-ignore-output"]
in_tenths = kit.in_tenths
for name, new, old in (
    (say("smoothed, 1,000 over 200 steps", "平滑，1000步比200步"), "smoothed", "smoothed, early"),
    (say("plain, 1,000 over 200 steps", "普通，1000步比200步"), "plain", "plain, early"),
    (say("smoothed over plain, 1,000 steps", "平滑比普通，都是1000步"), "smoothed", "plain"),
):
    itself = in_tenths(paired_t_interval(own_scores[new], own_scores[old]))
    at_1, at_4 = (in_tenths(gained(f"{new}, T = {t}", f"{old}, T = {t}")) for t in (1, 4))
    print(
        say(
            f"{name}: teacher {itself}; student at T = 1 {at_1}, at T = 4 {at_4}",
            f"{name}：教师{itself}；学生在T = 1时{at_1}，T = 4时{at_4}",
        )
    )
at_best = in_tenths(gained("smoothed, T = 1", "plain, T = 4"))
print(
    say(
        f"The last again, each at its better temperature: student {at_best}",
        f"最后一行，各取较好的温度：学生{at_best}",
    )
)

# %% [markdown] lang="en"
# So a better teacher *can* teach worse. Three things are in the picture. The best teacher of the four, smoothed and trained to the end, isn't the best to learn from. At $T = 1$ the plain one is worse still, at $T = 4$ it overtakes: this is what Müller et al. (2019) report of smoothed teachers, and what Chandrasegaran et al. (2022) answer, that a low temperature suits them. (Each at its better temperature, the plain teacher keeps the lead.) And stopped early, the smoothed teacher does about as well at $T = 4$ as the plain one; so "never distil from a smoothed teacher" doesn't hold here.
#
# **Why?** Smoothing asks that all wrong answers be equal. The longer a teacher obeys, the less it says about which of them are near. Look at its wrong logits, then make them equal yourself, and then blow up what differences are left.
# %% [markdown] lang="zh"
# 可见更好的教师*可以*教得更差。图里有三件事。四个教师里最好的，是平滑并训练到底的那个，跟它学却不是最好。$T = 1$时普通教师更不如它，到$T = 4$则反超：这正是Müller等（2019）报告的现象，也正合Chandrasegaran等（2022）的答复，即低温才适合这样的教师。（各取较好的温度，仍是普通教师领先。）而提前停下的平滑教师，$T = 4$时与普通教师教得差不多，所以“切勿向平滑过的教师学”这条，在这里不成立。
#
# **原因？** 标签平滑要求所有错误答案一样。教师照办得越久，越不说哪些错误答案更近。先看看它的错误logits有多不同，再动手把它们拉平，最后把残留的差别放大。

# %% key="erased"
for name, written in (
    ("plain", say("plain", "普通")),
    ("smoothed, early", say("smoothed, early", "平滑，提前停")),
    ("smoothed", say("smoothed, to the end", "平滑，训练到底")),
):
    spread = kit.wrong_spread(teachers[name].shown, labels)
    print(
        say(
            f"{written}: wrong logits differ by {spread:.0f} % of their distance to the right one",
            f"{written}：错误logits之间的差别，是它们到正确logit距离的{spread:.0f}%",
        )
    )


def respread(teacher, factor):
    logits = kit.with_wrong_spread(teacher.shown, labels, factor)
    return world.learned(lambda own: distillation_kl(own, logits, 4.0))


answers["smoothed, early, evened"] = respread(early_smooth, 0)
answers["smoothed, evened"] = respread(smooth, 0)
answers["smoothed, fourfold"] = respread(smooth, 4)
worth = {
    "stopped early:\nits differences": gained("smoothed, early, T = 4", "smoothed, early, evened"),
    "to the end:\nits differences": gained("smoothed, T = 4", "smoothed, evened"),
    "to the end:\nfour times as large": gained("smoothed, fourfold", "smoothed, evened"),
    "to the end, over\nsmoothing alone": gained("smoothed, T = 4", "label smoothing"),
}
draw_intervals(axes(height=2.8), worth, "points of the student at T = 4")

# %% [markdown] lang="en" caption=true
# What a smoothed teacher says about wrong answers is worth some points at first and little at the end; turned up, the rest does harm.
# %% [markdown] lang="zh"
# 平滑的教师对错误答案的看法，起初值几个百分点，到最后所剩无几；把残留的放大，反而有害。

# %% [markdown] lang="en"
# So it looks erased rather than muted: turned up fourfold, what is left only misleads. What the student of the fully trained smoothed teacher has is about what label smoothing gave it without any teacher.
# %% [markdown] lang="zh"
# 看来是抹掉了，而不只是声音小：放大到四倍，残留的只会误导。训练到底的平滑教师给学生的，与不要教师、只做标签平滑大致相当。

# %% [markdown] question="smoothed-teacher"

# %% [markdown] lang="en"
# ## A teacher that is too sure
#
# Back to the plain teacher. At $T = 1$ it brings next to nothing, though it is more than ten points better than its student. The reported *capacity gap*, where a bigger, surer teacher teaches worse (Mirzadeh et al. 2020)? Look at a row of the KL, with $p_t$ for the right answer's probability:
#
# $$\mathrm{KL} = \mathrm{KL}_{\text{right against rest}} + (1 - p_t)\;\mathrm{KL}_{\text{among the rest}}$$
#
# The surer the teacher, the less its wrong answers count. DKD takes the factor $1 - p_t$ away.
# %% [markdown] lang="zh"
# ## 过于笃定的教师
#
# 回到普通教师。它比学生高十几分，$T = 1$时却几乎什么也没带来。这就是文献所说的*容量差距*，即更大、更笃定的教师反而教得更差（Mirzadeh等，2020）吗？看KL的一行，$p_t$是正确答案的概率：
#
# $$\mathrm{KL} = \mathrm{KL}_{\text{正确对其余}} + (1 - p_t)\;\mathrm{KL}_{\text{其余之间}}$$
#
# 教师越笃定，它的错误答案就越没有分量。DKD把$1 - p_t$这个因子拿掉。

# %% exercise="dkd_loss"

# %% key="brake"
answers["plain, T = 1, DKD"] = world.learned(
    lambda logits: dkd_loss(logits, plain.shown, labels, alpha=1.0, beta=1.0, temperature=1.0)
)
sure = 100 * plain.shown.softmax(-1).amax(-1).mean()
bars = {
    "T = 1": gained("plain, T = 1", "labels"),
    "T = 1, DKD, beta = 1": gained("plain, T = 1, DKD", "labels"),
    "T = 4": gained("plain, T = 4", "labels"),
}
draw_intervals(axes(height=2), bars, "points gained over labels alone")
print(
    say(
        f"The plain teacher's mean confidence in what it teaches: {sure:.1f} %",
        f"普通教师对所教指令的平均置信度：{sure:.1f}%",
    )
)

# %% [markdown] lang="en" caption=true
# The same teacher at the same temperature, its wrong answers no longer braked: it teaches. A higher temperature does it better still.
# %% [markdown] lang="zh"
# 同一个教师，同样的温度，只是不再压住错误答案，它就教得动了。提高温度效果更好。

# %% [markdown] lang="en"
# So here the gap is no matter of the student's size: the teacher spoke too softly. The temperature mends it, DKD in part (and over the five other students of the last table not surely).
#
# ## When the teacher has seen nothing new
#
# How can a teacher help that saw the student's own commands and no others? Two answers are told. **Inductive bias**: another network draws other conclusions from the same labels, and its soft labels carry them over. **Variance**: a label is one draw of what might have been said; the whole distribution is steadier. The first in one table:
# %% [markdown] lang="zh"
# 所以在这里，差距不怪学生小：是教师说话太轻。调温度能治好，DKD能治一部分（在最后那张表的另外五个学生上还不能肯定）。
#
# ## 教师没见过新东西的时候
#
# 教师只见过学生自己的指令，凭什么帮得上忙？有两种说法。**归纳偏置**：换一个网络，从同样的标签里得出的结论不同，软标签把这些结论带了过来。**方差**：标签只是“可能怎么标”里抽到的一次，整个分布要稳得多。先用一张表看第一种：

# %% key="same-data" tags=["nbval-ignore-output"]
same_data = {
    "twin": twin,
    "five twins": world.as_teacher(*twins),
    "MiniLM, same labels": world.from_vectors(kit.EACH, stops=(300,))[0],
}
named = {
    "twin": say("a twin", "孪生模型"),
    "five twins": say("five twins, averaged", "五个孪生模型取平均"),
    "MiniLM, same labels": say("MiniLM, the student's labels", "MiniLM，学生的那些标签"),
}
for name, teacher in same_data.items():
    answers[name] = world.learned(taught_by(teacher))
show_table(
    [
        say("teacher, no new labels", "教师（没有新标签）"),
        say("its score", "教师得分"),
        say("its student's", "学生得分"),
        say("points over labels", "比只用标签多"),
        say("agreement", "一致率"),
    ],
    [
        [
            named[name],
            f"{world.scores(teacher.held_out).mean():.0f}",
            f"{world.scores(answers[name]).mean():.0f}",
            in_words(gained(name, "labels")),
            f"{world.agreement(answers[name], teacher).mean():.0f}",
        ]
        for name, teacher in same_data.items()
    ],
)

# %% [markdown] lang="en"
# A twin draws the student's own conclusions: nothing gained. MiniLM, with the same labels, brings some points (over the five others of the last table not surely). (Its bias comes from pretraining, so it did see other *text*.) But hold it against label smoothing: with no new labels, the teacher has no lead over that one line.
#
# For the variance, one teacher and one expected target. Let the plain teacher at $T = 4$ not show its distribution $p$, but draw $k$ labels from it:
#
# $$\hat p_i = \frac{1}{k} \sum_{j=1}^{k} [\,y_j = i\,], \qquad \mathrm{E}\,\hat p_i = p_i, \qquad \mathrm{Var}\,\hat p_i = \frac{p_i (1 - p_i)}{k}$$
#
# Turn $k$. The marks show $p$.
# %% [markdown] lang="zh"
# 孪生模型得出的还是学生自己的结论，什么也没多得。MiniLM用同样的标签，带来了几个百分点（在最后那张表的另外五个学生上还不能肯定）。（它的偏置来自预训练，所以别的*文本*它是见过的。）可是拿标签平滑一比：没有新标签的教师，并不比那一行代码强。
#
# 再看方差：同一个教师，同一个期望目标。让普通教师在$T = 4$时不亮出分布$p$，而是从中抽$k$个标签：
#
# $$\hat p_i = \frac{1}{k} \sum_{j=1}^{k} [\,y_j = i\,], \qquad \mathrm{E}\,\hat p_i = p_i, \qquad \mathrm{Var}\,\hat p_i = \frac{p_i (1 - p_i)}{k}$$
#
# 转动$k$。黑线标出的是$p$。

# %%
soft = soft_targets(plain.shown, 4.0)
row = typical(plain.shown[: kit.EACH * classes], labels[: kit.EACH * classes])
names = [intent.removeprefix("Hass") for intent in world.intents]


def turn(count):
    ax = axes(width=5)
    draw_draws(ax, kit.drawn(soft, count)[row], soft[row], names, labels[row].item(), count)
    return ax.figure


Dial(turn, say("labels drawn, k", "抽取的标签数k"), (1, 4, 16, 64, 256), start=16)

# %% key="draws-picture"
for ax, count in zip(axes(width=9, height=3, columns=2), (1, 64), strict=True):
    draw_draws(ax, kit.drawn(soft, count)[row], soft[row], names, labels[row].item(), count)

# %% [markdown] lang="en" caption=true
# One draw names one intent, here not even the likeliest; sixty-four come far nearer to the marks. On average both are the same.
# %% [markdown] lang="zh"
# 抽一次只得到一种意图，这里连最可能的那个都不是；抽64次就近得多了。两者的期望相同。

# %% key="draws"
for count in (1, 16, 64):
    target = kit.drawn(soft, count)
    answers[f"{count} drawn"] = world.learned(
        lambda own, target=target: 16 * F.cross_entropy(own / 4, target)
    )
by_draws = {f"k = {count}": t_interval(world.scores(answers[f"{count} drawn"])) for count in (1, 16, 64)}
by_draws["all of p"] = t_interval(world.scores(answers["plain, T = 4"]))
draw_intervals(axes(height=2.2), by_draws, "score, %", baseline=None)

# %% [markdown] lang="en" caption=true
# The same expected target; only the variance falls from row to row, and the score rises.
# %% [markdown] lang="zh"
# 期望目标完全相同，逐行下降的只有方差，得分随之上升。

# %% [markdown] question="variance-of-the-target"

# %% [markdown] lang="en"
# ## What would change our mind
#
# Three rivals for the plain teacher's gain at $T = 4$. **Hard pseudo-labels**: its arg max, in the place of its probabilities. **Permuted**: its own numbers, the wrong ones each given to another intent. **Selected**: perhaps one should stop listening where one knows better?
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法
#
# 普通教师在$T = 4$时的提高，有三个对手来挑战。**硬伪标签**：不要概率，只要arg max。**打乱**：数值还是它的，错误意图上的那些全部换位。**挑选**：自己懂得更多的地方，是不是就不该再听？

# %% exercise="selective_kd"

# %% key="controls"
identical = 100 * (plain.shown.argmax(-1) == labels).double().mean()
print(
    say(
        f"The teacher's arg max is the label in {identical:.0f} % of the commands that it teaches.",
        f"在所教的指令上，教师的arg max有{identical:.0f}%就是标签。",
    )
)
answers["permuted"] = world.learned(
    lambda logits: distillation_kl(logits, kit.permuted(plain.shown, labels), 4.0)
)


def beside_labels(select):
    soft = selective_kd if select else distillation_kl
    rest = (labels,) if select else ()
    return lambda own: (soft(own, smooth.shown, *rest, temperature=4.0) + on_labels(own)) / 2


answers["smoothed, beside labels"] = world.learned(beside_labels(select=False))
answers["smoothed, selected"] = world.learned(beside_labels(select=True))
bars = {
    "plain teacher, T = 4": gained("plain, T = 4", "labels"),
    "permuted": gained("permuted", "labels"),
    "smoothed, beside labels": gained("smoothed, beside labels", "labels"),
    "the same, selected": gained("smoothed, selected", "labels"),
    "labels, 600 steps": gained("labels, 600 steps", "labels"),
}
draw_intervals(axes(height=3), bars, "points gained over labels alone")

# %% [markdown] lang="en" caption=true
# Permuted, the gain is gone. Longer training without a teacher brings little. Who stops listening where the label is known better loses points, too.
# %% [markdown] lang="zh"
# 一打乱，提高就没了。没有教师只多训练，得到的很少。标签上自己更懂就不再听，也会丢分。

# %% [markdown] lang="en"
# Hard pseudo-labels *are* the labels here, so they can add nothing; they need texts without labels ([lesson 09](09_less_data.ipynb)). And selecting: this unsure teacher is soon worse on the label than its student, which then stops listening, and misses everything else that it says. Tan et al. (2019) select by whole languages, with a teacher for each; by row, on commands that the student knows by heart, it is the wrong signal.
#
# And does the smoothed teacher fail only because it knows the student's commands by heart, too? Kept apart from them, it fails as badly: a row of the last table.
#
# ## How sure is the student?
#
# Agreement and score both look at the arg max alone. The box asks back when it isn't sure, so its confidence counts, too: the **expected calibration error** is its mean distance from the share of right answers.
# %% [markdown] lang="zh"
# 在这里，硬伪标签*就是*标签，添不了什么；它们要用在没有标签的文本上（见[第09课](09_less_data.ipynb)）。至于挑选：这个不太笃定的教师，在标签上很快就不如学生，学生于是不再听，它别的话也就全错过了。Tan等人（2019）是按整个语言来挑，每种语言一个教师；逐行来挑，又是在学生已经背熟的指令上，这个信号就不对了。
#
# 还有，平滑的教师教不好，会不会只是因为它也把学生的指令背熟了？让它一条都没见过，照样教不好：见最后那张表里的一行。
#
# ## 学生有多大把握？
#
# 一致率和得分都只看arg max。小盒子没把握时会反问，所以置信度也要紧：**期望校准误差**，就是它与答对比例的平均差距。

# %% exercise="expected_calibration_error"

# %% key="calibration" tags=["nbval-ignore-output"]
TAUGHT_BY = {
    "labels": say("labels", "标签"),
    "label smoothing": say("label smoothing", "标签平滑"),
    "twin": say("a twin: born again", "孪生模型：born again"),
    "plain, T = 4": say("plain teacher, T = 4", "普通教师，T = 4"),
    "smoothed, T = 4": say("smoothed teacher, T = 4", "平滑的教师，T = 4"),
    "smoothed, early, T = 4": say("smoothed, stopped early, T = 4", "平滑、提前停，T = 4"),
}


def calibration(found):
    probabilities = found.softmax(-1)
    errors = [expected_calibration_error(each, world.held_out_labels) for each in probabilities]
    right = (found.argmax(-1) == world.held_out_labels).double().mean()
    return [100 * right, 100 * probabilities.amax(-1).mean(), 100 * sum(errors) / len(errors)]


show_table(
    [
        say("the student of", "谁的学生"),
        say("right, %", "答对，%"),
        say("mean confidence, %", "平均置信度，%"),
        say("calibration error, points", "校准误差，百分点"),
    ],
    [
        [written, *(f"{value:.0f}" for value in calibration(answers[name]))]
        for name, written in TAUGHT_BY.items()
    ],
)

# %% [markdown] lang="en"
# (Every command counts the same here, so "right" lies below the score.) The student inherits its teacher's tone. From labels, from a sure twin, from the plain teacher: too sure. From anything smoothed: far too modest. None is calibrated, and the ranking isn't the score's. The usual mend comes after training, whoever taught: one temperature, fitted on other labelled commands (Guo et al. 2017).
# %% [markdown] lang="zh"
# （这里每条指令权重相同，所以“答对”低于得分。）学生连教师的口气也继承了。从标签、从笃定的孪生模型、从普通教师学来的：过于自信。从平滑过的学来的：谦虚过了头。谁也没校准好，名次也与得分不同。常用的补救在训练之后，跟谁学的都一样：用另一批带标签的指令配一个温度（Guo等，2017）。

# %% [markdown] question="tone-of-the-teacher"

# %% [markdown] lang="en"
# ## One minute more: what passes through clean data
#
# Give the network 64 further outputs that nobody trains. A teacher learns its commands. Its student, which starts from the teacher's *starting* weights, never sees a command: it imitates those meaningless outputs, on random inputs. **Subliminal learning** (Cloud et al. 2025) says that it will read commands all the same.
# %% [markdown] lang="zh"
# ## 再多一分钟：干净的数据里混过去了什么
#
# 给网络再加64个谁也不训练的输出。教师学会了它的指令。学生从教师的*起始*权重出发，一条指令都不看，只在随机输入上模仿那些毫无意义的输出。按**潜意识学习**（subliminal learning，Cloud等，2025）的说法，它照样会读指令。

# %% key="noise"
starts = {
    "same start": (),
    "other hidden layer": ("hidden layer",),
    "other extra outputs": ("extra head",),
}
on_noise = taught_on_noise(world, starts)
untrained, taught_them = on_noise.pop("untrained"), on_noise.pop("the teacher")
bars = {name: t_interval(score) for name, score in on_noise.items()}
draw_intervals(axes(height=2.2), {"untrained": t_interval(untrained)} | bars, "score, %", baseline=None)
print(say(f"Their teachers score {taught_them.mean():.0f} %.", f"它们的教师得{taught_them.mean():.0f}%。"))

# %% [markdown] lang="en" caption=true
# Noise alone teaches a student to read some commands, if its extra outputs start as the teacher's did. The hidden layer may start anywhere.
# %% [markdown] lang="zh"
# 光靠噪声就学会了读一部分指令，前提是那些额外输出与教师的起点相同。隐藏层从哪里出发都行。

# %% [markdown] lang="en"
# Cloud et al. explain it by the shared initialisation. Here the shared *heads* are enough, as a paper of 2026 reports for MNIST (2605.23645); with other heads nothing passes. So a filter that reads the data finds nothing to filter: ask where the teacher comes from.
#
# ## Side by side
# %% [markdown] lang="zh"
# Cloud等人用共同的初始化来解释。在这里，只要*输出头*相同就够了，与2026年一篇论文在MNIST上的报告一致（2605.23645）；输出头一换，什么也传不过去。所以，只检查数据内容的过滤器查不出任何东西：要问的是教师从哪里来。
#
# ## 放在一起看

# %% key="side-by-side" tags=["nbval-ignore-output"]
my_guesses()
ROWS = {
    "labels": say("labels alone", "只用标签"),
    "labels, 600 steps": say("labels, 600 steps", "标签，600步"),
    "label smoothing": say(f"label smoothing, ε = {epsilon}", f"标签平滑，ε = {epsilon}"),
    "twin": say("a twin: born again", "孪生模型：born again"),
    "twin's first layer": say("born again, from its first layer", "born again，从它的第一层出发"),
    "twin's layers": say("born again, from all its layers", "born again，从它的全部层出发"),
    "five twins": say("five twins", "五个孪生模型"),
    "MiniLM, same labels": say("MiniLM, the same labels", "MiniLM，同样的标签"),
    "plain, early, T = 1": say("plain teacher, 200 steps, T = 1", "普通教师，200步，T = 1"),
    "plain, early, T = 4": say("plain teacher, 200 steps, T = 4", "普通教师，200步，T = 4"),
    "plain, T = 1": say("plain teacher, T = 1", "普通教师，T = 1"),
    "plain, T = 1, DKD": say("plain teacher, T = 1, DKD", "普通教师，T = 1，DKD"),
    "plain, T = 4": say("plain teacher, T = 4", "普通教师，T = 4"),
    "1 drawn": say("one label drawn from it", "从中抽一个标签"),
    "64 drawn": say("64 labels drawn from it", "从中抽64个标签"),
    "permuted": say("plain teacher, permuted, T = 4", "普通教师，打乱，T = 4"),
    "smoothed, early, T = 1": say("smoothed teacher, 200 steps, T = 1", "平滑的教师，200步，T = 1"),
    "smoothed, early, T = 4": say("smoothed teacher, 200 steps, T = 4", "平滑的教师，200步，T = 4"),
    "smoothed, T = 1": say("smoothed teacher, T = 1", "平滑的教师，T = 1"),
    "smoothed, T = 4": say("smoothed teacher, T = 4", "平滑的教师，T = 4"),
    "smoothed, evened": say("smoothed teacher, evened", "平滑的教师，拉平"),
    "smoothed, beside labels": say("smoothed teacher beside labels", "平滑的教师加标签"),
    "smoothed, selected": say("the same, selected rows", "同上，逐行挑选"),
}
reached = {name: world.scores(answers[name]) for name in ROWS}
show_table(*side_by_side({written: reached[name] for name, written in ROWS.items()}, reached["labels"]))

# %% [markdown] lang="en"
# Six students are few. The same sentences over twenty students, and over five others:
# %% [markdown] lang="zh"
# 六个学生不多。同样的结论，在二十个学生上再看一遍，又在另外五个学生上看一遍：

# %% key="record"
SENTENCES = {
    "smoothing over labels": say("label smoothing over labels", "标签平滑比标签"),
    "twin's student over labels": say("born again over labels", "born again比标签"),
    "twin's student over smoothing": say("born again over label smoothing", "born again比标签平滑"),
    "the same, agreement with the twin": say("the same, in agreement", "同上，比一致率"),
    "MiniLM's student, the same labels, over labels": say(
        "MiniLM, the same labels, over labels", "MiniLM，同样的标签，比标签"
    ),
    "MiniLM's student, the same labels, over smoothing": say(
        "the same over label smoothing", "同上，比标签平滑"
    ),
    "from the twin's layers over from anew": say(
        "from the twin's layers over from anew", "从孪生模型的层出发比从头"
    ),
    "smoothed teacher to the end over stopped early": say(
        "smoothed teacher, 1,000 over 200 steps", "平滑的教师，1000步比200步"
    ),
    "then its student, T = 4": say("its student, T = 4", "它的学生，T = 4"),
    "then its student, T = 1": say("its student, T = 1", "它的学生，T = 1"),
    "then its student, T = 4, on commands that the teacher hadn't": say(
        "T = 4, teacher apart from these commands", "T = 4，教师没见过这些指令"
    ),
    "stopped early, over evened": say("stopped early, over evened, T = 4", "提前停，比拉平，T = 4"),
    "to the end, over evened": say("to the end, over evened, T = 4", "训练到底，比拉平，T = 4"),
    "smoothed teacher over plain": say(
        "smoothed teacher over plain, 1,000 steps", "平滑的教师比普通的，1000步"
    ),
    "its student, T = 4": say("its student, T = 4", "它的学生，T = 4"),
    "its student, T = 1": say("its student, T = 1", "它的学生，T = 1"),
    "each at its better temperature": say(
        "its student at T = 1, the plain one's at T = 4", "它的学生T = 1，普通教师的T = 4"
    ),
    "its student over smoothing alone, T = 4": say(
        "its student over label smoothing, T = 4", "它的学生比标签平滑，T = 4"
    ),
    "plain teacher's student over labels, T = 4": say(
        "plain teacher over labels, T = 4", "普通教师比标签，T = 4"
    ),
    "the same, T = 1": say("the same, T = 1", "同上，T = 1"),
    "the same, T = 1, the brake off": say("the same, T = 1, DKD", "同上，T = 1，DKD"),
    "the same, T = 4, permuted": say("the same, T = 4, permuted", "同上，T = 4，打乱"),
    "whole distribution over 16 draws": say("all of p over 16 draws", "整个p比抽16个"),
    "selected rows over all rows, smoothed teacher": say("selected over all rows", "逐行挑选比全部"),
    "noise: same start": say("noise: same start over untrained", "噪声：起点相同比未训练"),
    "noise: other hidden layer": say("noise: other hidden layer", "噪声：换隐藏层"),
    "noise: other extra head": say("noise: other extra outputs", "噪声：换额外输出"),
    "noise: other class head": say("noise: other class outputs", "噪声：换类别输出"),
}
record = read_record()
show_table(
    [
        say("points, with 95 % interval", "百分点（95%区间）"),
        say("20 students", "20个学生"),
        say("5 others", "另外5个"),
    ],
    [
        [written, *(kit.in_tenths(record[part][name]) for part in ("full", "repeated"))]
        for name, written in SENTENCES.items()
    ],
)

# %% [markdown] lang="en"
# (`FULL=1` in the environment runs this page with the twenty.) Be careful with the comparison of two teachers, smoothed and plain, fully trained: over twenty students the sign changes with the temperature, over the five others both intervals hold zero. The smoothed teacher against itself, stopped early, holds in both.
#
# **The verdict.** *Here a student copies what it is shown and is right by another account: the closest copy gained nothing, a stranger with smoothed labels some points. Not the teacher's score decides how well it teaches, but what its probabilities still say about wrong answers, and whether the temperature lets that be heard.* Both notes come off the board. Limits: one task, one tiny student, a frozen encoder under all teachers; on images, with longer training, born again students are reported to gain (Furlanello et al. 2018), and whether closer is better depends on the teacher (Stanton et al. 2021).
#
# ## Your turn
#
# An assistant between teacher and student is the usual cure for a capacity gap. Train twins of 128 hidden units from the plain teacher at $T = 1$ (`world.fresh(0, 128)` as `start`), and let them teach your students. Does that mend the sure teacher, and what does it cost beside turning $T$ to 4? Write the guess down first.
#
# ## The interview
# %% [markdown] lang="zh"
# （环境变量`FULL=1`会让本页用二十个学生运行。）要小心的是两个教师之间的比较，即都训练到底的平滑教师与普通教师：二十个学生上，正负随温度翻转；另外五个上，两个区间都包含零。平滑教师与提前停下的自己相比，则两边都成立。
#
# **结论。** *在这里，学生复制给它看的东西，答得对不对却是另一本账：最像的复制品什么也没多得，用平滑标签的陌生人倒多得了几个百分点。决定教师教得好不好的不是它的得分，而是它的概率对错误答案还说了些什么，以及温度让不让人听见。* 两张条子都该揭下来。适用范围：一个任务，一种很小的学生，所有教师共用一个冻结的编码器；据报告，在图像上、训练更久时，born again的学生有提高（Furlanello等，2018）；越像是否越好，要看教师（Stanton等，2021）。
#
# ## 轮到你了
#
# 在教师与学生之间加一个助教，是治容量差距的常用办法。让普通教师在$T = 1$下教出128个隐藏单元的孪生模型（`start`用`world.fresh(0, 128)`），再由它们教你的学生。这样能治好过于笃定的教师吗？比起把$T$拧到4，代价是多少？先写下猜测。
#
# ## 面试

# %% [markdown] question="what-makes-a-good-teacher"

# %% [markdown] lang="en"
# ## Next
#
# You can now take "it learned from the teacher" apart: copied or right, sure or calibrated, softness or addresses, and what passed that nobody meant to pass. All of this went through outputs. What a teacher thinks on the way there, its hidden layers, is the matter of lesson [06](06_features.ipynb). Where a teacher answers for texts without labels, which is where it is worth most: [09 · Less target data](09_less_data.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# “它向教师学了”这句话，你现在能拆开来问：是复制还是答对，是笃定还是校准，是“软”还是“给了谁”，还有谁也没打算传、却传过去的东西。这些都经由输出。教师在得出输出之前怎么想，也就是它的隐藏层，是第[06](06_features.ipynb)课的事。至于教师最值钱的场合，即替没有标签的文本作答，见[09 · 更少的目标语言数据](09_less_data.ipynb)。
