# %% [markdown] lang="en"
# # 04 · Design choices
#
# *Same structure? MSE or cross-entropy? SGD or Adam?* About 45 minutes, and 50 more for its three exercises.
#
# Mei's design document for the next box on the wall has three lines that came from a blog. *The student has the teacher's structure, or a similar one. The loss is MSE or cross-entropy. The optimiser is SGD or Adam.* Everybody who read them nodded; nobody asked how one would know.
#
# Today each line stands trial, and leaves with one sentence: true, true with a limit, or false.
# %% [markdown] lang="zh"
# # 04 · 设计选择
#
# *结构要相同吗？MSE还是交叉熵？SGD还是Adam？* 约45分钟，三道练习另需50分钟。
#
# 小梅为墙上的下一代小盒子写了设计文档，其中三行来自一篇博客：*学生的结构与教师相同或相似；损失用MSE或交叉熵；优化器用SGD或Adam。* 读过的人都点了头，没有人问过这是怎么知道的。
#
# 今天三行逐一受审，各得一句判词：对、有条件地对，或者错。

# %%
import torch
import torch.nn.functional as F

from kd_solutions import distillation_kl, logit_mse, soft_cross_entropy, soft_targets
from kd_solutions.evaluation import Interval, paired_t_interval, t_interval
from kd_study import guess, my_guesses
from kd_study.lessons.kit.design_choices import OPTIMIZERS, best, draw_two, gather_world, grown
from kd_study.lessons.kit.design_choices import (
    label_loss,
    probability_mse,
    record,
    scores,
    seeds_for,
    taught,
    tried,
    warm_kl,
)
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import in_words
from kd_study.lessons.kit.families import bag, convolution, transformer
from kd_study.lessons.kit.pictures import MARKERS, axes, draw_intervals
from kd_study.notebook.views import show_table

world, BAG = gather_world(), bag()
CLASSES, FEW, MANY = len(world.intents), seeds_for(5), seeds_for(10)
print(
    say(
        f"{len(world.known.labels):,} labelled commands, {CLASSES} intents. Held out: "
        f"{len(world.development.labels):,} to choose on, {len(world.test.labels):,} to report.",
        f"带标注的指令{len(world.known.labels):,}条，意图{CLASSES}种。留出的分两半："
        f"{len(world.development.labels):,}条用来挑选，{len(world.test.labels):,}条用来报告。",
    )
)

# %% [markdown] lang="en"
# The trial has rules. A student gets lesson 01's budget: two commands an intent, 200 steps, MiniLM for a teacher and no label. Every choice gets a learning rate of its own, from as many tries as its rivals, on five *other* students and the half *to choose on*. Reported is the other half only.
#
# ## The first line: the same structure, or a similar one
#
# MiniLM is a transformer. Three kinds of student apply, all with about 9,000 weights, all spelling words by the same pieces: lesson 01's bag of pieces, a convolution over the words in order, and a one-layer transformer.
#
# **Guess first.** The bag scores 70 %. And the transformer, the teacher's own kind?
# %% [markdown] lang="zh"
# 审判有规矩。每个学生的预算与第01课相同：每种意图两条指令，训练200步，教师是MiniLM，不用标签。每个选项各配学习率，尝试次数与对手一样多，只用五个*别的*学生和*用来挑选*的那一半来挑。报告的只有另一半。
#
# ## 第一行：结构相同或相似
#
# MiniLM是transformer。来应聘的学生有三种，都约有9,000个权重，都用同样的子词来拼出单词：第01课的子词袋；按语序读词的卷积；单层的transformer。
#
# **先猜一猜。** 子词袋得70%。与教师同类的transformer呢？

# %%
guessed_transformer = guess(unit="%", low=30, high=100)
guessed_transformer

# %% key="kinds"
KINDS = {
    "bag of pieces": BAG,
    "the same, hidden layer of 8": bag(8),
    "the same, hidden layer of 128": bag(128),
    "convolution": convolution(),
    "transformer": transformer(),
}
kept = record()
rates = kept["rates"]["kinds"]
on_labels, on_minilm = {}, {}
for name, kind in KINDS.items():
    tuned = rates.get(name, rates["bag of pieces"])
    on_labels[name] = scores(world, kind, label_loss, FEW, teacher="labels", rate=tuned["labels"])
    on_minilm[name] = scores(world, kind, warm_kl, FEW, rate=tuned["teacher"])
    print(
        say(
            f"{name:29} {kind.size(world.pieces, CLASSES):6,} weights: labels {on_labels[name].mean():.0f} %, teacher {on_minilm[name].mean():.0f} %",
            f"{name:29} {kind.size(world.pieces, CLASSES):6,}个权重：标签{on_labels[name].mean():.0f}%，教师{on_minilm[name].mean():.0f}%",
        )
    )
ax = axes(height=3)
both = {name: (t_interval(on_labels[name]), t_interval(on_minilm[name])) for name in KINDS}
draw_two(ax, both, ("taught by labels", "taught by MiniLM"), "score, %")
guessed_transformer.draw(ax, axis="x")
guessed_transformer.compare(on_minilm["transformer"].mean().item())

# %% [markdown] lang="en" caption=true
# Each kind's full mark, with the teacher, lies to the right of its hollow one, with labels. The transformer's, with the teacher, lies to the left of the bag's with labels.
# %% [markdown] lang="zh"
# 每一种学生，实心标记（跟教师学）都在空心标记（跟标签学）右边。而transformer跟教师学的，还在子词袋只跟标签学的左边。

# %% [markdown] lang="en"
# Whoever picked the teacher's own kind lost more points than the teacher brought. (Here, with 62 commands. With twenty an intent the gap shrinks to a few points: last table but one.) And beyond the bag's hidden layer of 32, size bought nothing (the two other sizes at its rate).
#
# But the line says something finer: likeness helps *knowledge to pass*. To test that, likeness must change and nothing else. So we raise two teachers on twenty labelled commands an intent, one a bag, one a transformer, equally good; and each teaches students of both kinds.
#
# **Guess first.** How many points does the bag student gain if its teacher is a bag, and not an equally good transformer?
# %% [markdown] lang="zh"
# 挑了与教师同类的学生，丢掉的分比教师带来的还多。（这是在62条指令上；每种意图给二十条，差距就缩小到几个百分点，见倒数第二张表。）至于规模，子词袋的隐藏层超过32就什么也换不来了（另外两种大小沿用它的学习率）。
#
# 不过那一行的意思还要细一层：相似有助于*知识的传递*。要检验它，就只能让相似与否变，别的都不变。于是我们用每种意图二十条标注指令，培养两位水平相当的教师，一位是子词袋，一位是transformer；再让每位都去教两种学生。
#
# **先猜一猜。** 对子词袋学生来说，教师是子词袋，比教师是同样好的transformer，能多得几个百分点？

# %%
guessed_likeness = guess(unit=say("points", "个百分点"), low=-10, high=20)
guessed_likeness

# %% key="likeness"
for name, kind in {"bag": bag(128), "transformer": transformer(32)}.items():
    world.answers[name], score = grown(world, kind, label_loss, rate=0.01)
    print(say(f"teacher, {name}: {score:.0f} %", f"教师，{name}：{score:.0f}%"))

PUPILS = {"bag student": "bag of pieces", "transformer student": "transformer"}


def by(teacher):
    """Scores of both kinds of student, taught by one teacher."""
    return {
        pupil: scores(world, KINDS[kind], warm_kl, FEW, teacher=teacher, rate=rates[kind]["teacher"])
        for pupil, kind in PUPILS.items()
    }


by_bag, by_transformer = by("bag"), by("transformer")
likeness = {pupil: paired_t_interval(by_bag[pupil], by_transformer[pupil]) for pupil in PUPILS}
ax = axes(height=1.8)
draw_intervals(ax, likeness, "points: bag teacher over transformer teacher")
guessed_likeness.draw(ax, axis="x")
guessed_likeness.compare(likeness["bag student"].mean)
bag_over_minilm = paired_t_interval(by_bag["bag student"], on_minilm["bag of pieces"])
print(
    say(
        f"Over MiniLM, the bag teacher brings the bag student {in_words(bag_over_minilm)} points.",
        f"与MiniLM相比，子词袋教师给子词袋学生多带来{in_words(bag_over_minilm)}个百分点。",
    )
)

# %% [markdown] lang="en" caption=true
# To the bag student a teacher of its own kind is worth many points; to the transformer, none that five students could show.
# %% [markdown] lang="zh"
# 对子词袋学生，同类教师值很多个百分点；对transformer学生，五个学生看不出任何差别。

# %% [markdown] lang="en"
# So there is something in the line after all, and it is lopsided: the bag gains from likeness, the transformer doesn't. To the bag, the bag teacher is even worth more than MiniLM, which scored higher in lesson 01. (These intervals cover students. The repeat at the end raises both teachers anew.)
#
# **What would change our mind?** Perhaps these two teachers know different things. Let MiniLM speak for both, through a middleman, a **teacher assistant** that learns MiniLM's answers, never a label, and passes them on; once a bag, once a transformer.
# %% [markdown] lang="zh"
# 看来那一行还是有些道理，只是偏在一边：子词袋得了相似的好处，transformer没有。对子词袋学生，子词袋教师甚至胜过在第01课里得分更高的MiniLM。（区间只涵盖学生；课末重做时，两位教师也都重新培养。）
#
# **什么会让我们改变看法？** 也许这两位教师懂的东西本来就不同。那就都让MiniLM来说，只是隔一个传话人：**助教**从不看标签，只学MiniLM的回答，再转教给学生；一次是子词袋，一次是transformer。

# %% key="assistants"
passed_on = {}
for name, kind in {"bag": bag(128), "transformer": transformer(32)}.items():
    world.answers[f"{name} assistant"], _ = grown(world, kind, warm_kl, rate=0.01, teacher="MiniLM")
    passed_on[name] = scores(world, BAG, warm_kl, FEW, teacher=f"{name} assistant")
    change = in_words(paired_t_interval(passed_on[name], on_minilm["bag of pieces"]))
    print(
        say(
            f"bag student, MiniLM through a {name}: {change} points",
            f"子词袋学生，MiniLM经{name}转达：{change}个百分点",
        )
    )
directly = scores(world, BAG, warm_kl, FEW, each=20)
print(
    say(
        f"shown the assistant's twenty commands an intent itself: {directly.mean():.0f} %",
        f"把助教看过的每种意图二十条指令直接给学生看：{directly.mean():.0f}%",
    )
)

# %% [markdown] lang="en"
# The same knowledge, retold by a bag, teaches the bag more; retold by a transformer it doesn't. Here it is the form that counts. (A probe, not a recipe: whoever has the assistant's texts shows them to the student, last line.) Likely because a bag builds its answers from the student's own pieces, so that what is learned of a piece on one command holds on the next; no cell here tests that.
#
# And nobody has to choose one teacher. How are several made one?
# %% [markdown] lang="zh"
# 同样的知识，由子词袋转述，子词袋学生学得更多；由transformer转述则不然。这里起作用的是形式。（这是探针，不是配方：手里有助教的那些文本，直接给学生看就行，见最后一行。）原因多半是：子词袋用来拼出回答的，正是学生自己的那些子词，在一条指令上学到的，到下一条仍然管用；这里没有单元格验证这一点。
#
# 再说，也不必只选一位教师。几位教师怎么合成一位？

# %% exercise="average_teachers"

# %% key="ensemble"
three = torch.stack([world.answers[name] for name in ("MiniLM", "bag", "transformer")])
world.answers["all three"] = 4 * average_teachers(three, 4.0).log()  # logits with that softmax at T = 4
together = scores(world, BAG, warm_kl, FEW, teacher="all three")
for name, other in {"MiniLM": on_minilm["bag of pieces"], "bag": by_bag["bag student"]}.items():
    change = in_words(paired_t_interval(together, other))
    print(
        say(
            f"Taught by all three: {together.mean():.0f} %, against {name} alone {change} points.",
            f"三位一起教：{together.mean():.0f}%，与{name}单独教相比{change}个百分点。",
        )
    )

# %% [markdown] lang="en"
# Three teachers beat MiniLM alone, and not the bag alone: an average is no substitute for choosing.
#
# **Verdict on the first line: true with a limit.** *A student may learn more from a teacher that is like it, as the bag did here and the transformer didn't; but to choose the student for its likeness to the teacher cost more than that.* Say it aloud:
# %% [markdown] lang="zh"
# 三位教师胜过MiniLM一位，却没有胜过子词袋一位：取平均代替不了挑选。
#
# **第一行的判词：有条件地对。** *学生跟与自己相似的教师学，可能学得更多，这里的子词袋如此，transformer则否；但为了像教师而选学生，丢的比这还多*。开口说一遍：

# %% [markdown] question="same-structure"

# %% [markdown] lang="en"
# ## The second line: MSE or cross-entropy
#
# Between what? One can square differences of logits or of probabilities; cross-entropy takes probabilities, at any temperature. With scales chosen so that their gradients can be compared:
# %% [markdown] lang="zh"
# ## 第二行：MSE还是交叉熵
#
# 谁和谁之间的？平方差可以取logits的，也可以取概率的；交叉熵取概率，温度系数任选。各配一个系数，好让梯度能放在一起比：


# %% study=true
LOSSES = {
    "T²·CE, T = 4": lambda s, t: 16 * soft_cross_entropy(s, t, 4.0),
    "T²·KL, T = 4": warm_kl,
    "KL, T = 1": lambda s, t: distillation_kl(s, t, 1.0),
    "MSE of logits": lambda s, t: F.mse_loss(s, t) / 2,
    "MSE of logits, centred": logit_mse,
    "MSE of probabilities, T = 4": lambda s, t: probability_mse(s, t, 4.0),
    "MSE of probabilities, T = 1": lambda s, t: probability_mse(s, t, 1.0),
}

# %% [markdown] lang="en"
# Which of them share a gradient? Ask at the logits of three students: one that knows nothing, one half way to its teacher, and one that is sure of what its teacher thinks least likely.
# %% [markdown] lang="zh"
# 它们之中哪些梯度相同？拿三个学生的logits来问：一个什么都不会，一个朝教师走了一半，还有一个笃定的恰是教师认为最不可能的答案。

# %% key="gradients"
answers = world.answers["MiniLM"][::100]
states = {
    say("blank", "空白"): torch.zeros_like(answers),
    say("half way", "学到一半"): answers / 2,
    say("sure and wrong", "笃定而错"): 12.0 * F.one_hot(answers.argmin(1), CLASSES),
}


def slope(loss, logits, answers=answers):
    """The loss's gradient into the logits."""
    leaf = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, answers), leaf)[0]


def compared(one, other, logits):
    """Their gradients' cosine, and how many times as long the first is."""
    first, second = slope(ASKED[one], logits), slope(ASKED[other], logits)
    cosine = F.cosine_similarity(first.flatten(), second.flatten(), dim=0)
    ratio = first.norm() / second.norm()
    return f"{cosine:.2f} · {ratio:.1f}" if ratio > 0.1 else f"{cosine:.2f} · {ratio:.3f}"


ASKED = LOSSES | {
    "T²·KL, T = 100": lambda s, t: distillation_kl(s, t, 100.0),
    "MSE of probabilities, T = 100": lambda s, t: probability_mse(s, t, 100.0),
}
PAIRS = [
    ("T²·CE, T = 4", "T²·KL, T = 4"),
    ("MSE of logits", "MSE of logits, centred"),
    ("T²·KL, T = 4", "MSE of logits, centred"),
    ("T²·KL, T = 100", "MSE of logits, centred"),
    ("MSE of probabilities, T = 4", "MSE of logits, centred"),
    ("MSE of probabilities, T = 100", "MSE of logits, centred"),
    ("MSE of probabilities, T = 1", "KL, T = 1"),
]
show_table(
    [say("gradients: cosine · length", "梯度：余弦·长度比"), *states],
    [[f"{a} : {b}", *(compared(a, b, logits) for logits in states.values())] for a, b in PAIRS],
)

# %% [markdown] lang="en"
# - **CE and KL** are one loss: the same gradient everywhere, for they differ by the teacher's entropy, which no student moves.
# - **Centring** takes out of the gradient a shift of each row, which no softmax sees.
# - **KL tends to the centred MSE** as $T$ grows (lesson 02), and so does the MSE of probabilities: with $d$ the centred difference of logits, $q - p \approx d/(CT)$ in both. At $T = 4$ they are near, at $T = 100$ the same.
# - **MSE of probabilities and KL** at one temperature begin with the very same step. Then a factor parts them. With $q$ the student's and $p$ the teacher's probabilities, the squares are differentiated through the softmax:
#
# $$\nabla_s\, \mathrm{MSE} = C\, J(q)\, \nabla_s\, \mathrm{KL}, \qquad J(q) = \mathrm{diag}(q) - q q^{\top}$$
#
# For a blank student $C\,J$ only centres. For a sure one $J$ is nearly zero, whether it is right or wrong. Turn the dial: a student that grows surer of a wrong answer, at $T = 1$.
# %% [markdown] lang="zh"
# - **CE与KL**是同一个损失：梯度处处相同，两者只差教师的熵，而它与学生无关。
# - **中心化**从梯度里去掉每一行的整体平移，softmax本来就看不见它。
# - $T$变大时**KL趋于中心化的MSE**（第02课），概率的MSE也是：记$d$为中心化的logits之差，两者都有$q - p \approx d/(CT)$。$T = 4$时已经接近，$T = 100$时就一样了。
# - 同一温度下，**概率的MSE与KL**迈出的第一步完全相同，之后被一个因子分开。设$q$、$p$是学生与教师的概率，平方差要穿过softmax求导：
#
# $$\nabla_s\, \mathrm{MSE} = C\, J(q)\, \nabla_s\, \mathrm{KL}, \qquad J(q) = \mathrm{diag}(q) - q q^{\top}$$
#
# 对空白学生，$C\,J$只起中心化的作用。对笃定的学生，无论对错，$J$几乎为零。转动旋钮，让学生对一个错误答案越来越笃定，$T = 1$。

# %%
SHOWN = {
    "KL": LOSSES["KL, T = 1"],
    "MSE of\nlogits": logit_mse,
    "MSE of\nprobabilities": LOSSES["MSE of probabilities, T = 1"],
}
one_answer = answers[:1]
fooled_by = one_answer.argmin().item()


def push(loss, lead):
    """How hard the loss pushes the right logit of a student whose wrong one is ahead by so much."""
    logits = torch.zeros(1, CLASSES)
    logits[0, fooled_by] = lead
    return -slope(loss, logits, one_answer)[0, one_answer.argmax()].item()


def draw_push(lead):
    ax = axes(width=5, height=2.4)
    ax.barh([*SHOWN], [push(loss, lead) for loss in SHOWN.values()], color="grey", edgecolor="black")
    ax.set(xscale="log", xlim=(1e-6, 10), xlabel="push on the right intent's logit")
    ax.set_title(f"the wrong logit leads by {lead:g}", fontsize=10)
    return ax.figure


Dial(draw_push, say("lead of the wrong logit", "错误logit领先多少"), (0, 1, 2, 4, 8, 16), start=0)

# %% key="vanishing"
leads = torch.linspace(0, 16, 33)
ax = axes(height=2.8)
for (name, loss), marker in zip(SHOWN.items(), MARKERS, strict=False):
    pushes = [push(loss, lead) for lead in leads.tolist()]
    ax.plot(leads, pushes, "k-", marker=marker, markevery=4, label=name.replace("\n", " "))
ax.set(yscale="log", ylim=(1e-7, 10), xlabel="lead of the wrong logit", ylabel="push on the right one")
ax.legend(fontsize=8, loc="lower left")
for lead in (0, 8, 16):
    print(say(f"lead {lead}: ", f"领先{lead}："), *(f"{push(loss, lead):.2g}" for loss in SHOWN.values()))

# %% [markdown] lang="en" caption=true
# At the left end KL and the MSE of probabilities push alike. The surer the student's mistake, the less the MSE of probabilities minds it.
# %% [markdown] lang="zh"
# 最左端，KL与概率的MSE推得一样用力。学生错得越笃定，概率的MSE越不在意。

# %% [markdown] lang="en"
# One more candidate, which asks the student only to *correlate* with its teacher.
# %% [markdown] lang="zh"
# 再添一个候选：它只要求学生与教师*相关*。

# %% exercise="dist_loss"

# %% [markdown] lang="en"
# Now the trial itself. Five learning rates each, chosen as the rules say and kept in the record; Adam for all.
#
# **Guess first.** KL at $T = 4$ scores 70 %. And the MSE of probabilities at $T = 1$?
# %% [markdown] lang="zh"
# 现在正式开审。每个损失各试过五个学习率，照规矩挑选，记在记录里；优化器都是Adam。
#
# **先猜一猜。** $T = 4$的KL得70%。$T = 1$时概率的MSE呢？

# %%
guessed_probabilities = guess(unit="%", low=30, high=90)
guessed_probabilities

# %% key="losses"
LOSSES["DIST, T = 4"] = lambda s, t: dist_loss(s, t, temperature=4.0)
chosen = {"T²·CE, T = 4": 0.02} | kept["rates"]["losses"]
by_loss = {name: scores(world, BAG, loss, MANY, rate=chosen[name]) for name, loss in LOSSES.items()}
labels_alone = scores(world, BAG, label_loss, MANY, teacher="labels", rate=rates["bag of pieces"]["labels"])
ax = axes(height=3.6)
draw_intervals(ax, {name: t_interval(found) for name, found in by_loss.items()}, "score, %", baseline=None)
ax.axvline(labels_alone.mean(), color="grey", linestyle="--", label="labels alone")
ax.legend(loc="upper left", fontsize=8)
guessed_probabilities.draw(ax, axis="x")
guessed_probabilities.compare(by_loss["MSE of probabilities, T = 1"].mean().item())
over_kl = {name: paired_t_interval(found, by_loss["T²·KL, T = 4"]) for name, found in by_loss.items()}
for name, found in over_kl.items():
    if name != "T²·KL, T = 4":
        print(
            say(
                f"{name:28} rate {chosen[name]:5}: {in_words(found)} points",
                f"{name:28} 学习率{chosen[name]:5}：{in_words(found)}个百分点",
            )
        )

# %% [markdown] lang="en" caption=true
# Five losses are level at the top, squares and cross-entropies among them. What falls behind was cold, or only correlates.
# %% [markdown] lang="zh"
# 顶上五个损失不相上下，平方差和交叉熵都有。落后的，不是太冷，就是只求相关。

# %% [markdown] lang="en"
# *MSE or cross-entropy* makes no difference that ten students could show, as long as both are warm: the MSE of probabilities loses everything at $T = 1$ and nothing at $T = 4$. Lesson 03 had left a gap of three points open between MSE and KL; with a rate for each it is gone. (Kim et al. 2021 report MSE on logits ahead of KL, on images.)
#
# **What would change our mind?** All these students began blank, where by the formula the losses hardly differ. So begin with those that are sure and wrong, as in a box that was shipped with shifted labels, and tune again.
# %% [markdown] lang="zh"
# 只要两边都够“暖”，*MSE还是交叉熵*就没有十个学生看得出的差别：概率的MSE在$T = 1$时丢光了好处，在$T = 4$时一分不丢。第03课里MSE与KL之间留下的三个百分点，各自调好学习率就没了。（Kim等（2021）在图像上报告logits的MSE领先于KL。）
#
# **什么会让我们改变看法？** 这些学生起步时都是空白的，而按公式，那里各损失几乎没有差别。那就从笃定而错的学生起步，好比小盒子带着错位的标签出了厂，并且重新调学习率。

# %% key="sure-and-wrong"
world.answers["wrong labels"] = world.answers["labels"].roll(1, dims=1)
wrong = taught(world, BAG, label_loss, FEW, teacher="wrong labels", steps=100)
retaught = {
    name: scores(world, BAG, LOSSES[name], FEW, rate=rate, start=wrong)
    for name, rate in kept["rates"]["second"].items()
}
ax = axes(height=2.4)
draw_intervals(ax, {name: t_interval(found) for name, found in retaught.items()}, "score, %", baseline=None)
for name, found in retaught.items():
    print(f"{name:28} {found.mean():.0f} %")

# %% [markdown] lang="en" caption=true
# Begun sure and wrong, students taught by KL end far ahead of those taught by the MSE of probabilities.
# %% [markdown] lang="zh"
# 从笃定而错起步，用KL教的学生最后远远领先于用概率的MSE教的。

# %% [markdown] lang="en"
# So the place to look is not the name of the loss but what it stands on: hot or cold, logits or probabilities, and how much of the teacher's answer reaches it. How much is enough? Where a vocabulary is large, only the $k$ most probable classes are stored.
# %% [markdown] lang="zh"
# 所以该看的不是损失叫什么，而是它架在什么上：热还是冷，logits还是概率，以及教师的回答有多少送到了它手里。多少才够？词表很大时，只存概率最大的$k$个类别。

# %% exercise="top_k_kd"

# %% key="top-k"


def of_the_top(k):
    """`top_k_kd` at T = 4, of a teacher whose k most probable intents were stored."""

    def loss(logits, answers):
        values, intents = soft_targets(answers, 4.0).topk(k)
        return top_k_kd(logits, values, intents, 4.0)

    return loss


by_k = {}
for k, rate in kept["rates"]["stored"].items():
    by_k[k] = scores(world, BAG, of_the_top(int(k)), FEW, rate=rate)
    stored = soft_targets(world.answers["MiniLM"], 4.0).topk(int(k)).values.sum(1).mean()
    print(
        say(
            f"{k:>2} of {CLASSES} intents stored, {100 * stored:.0f} % of the probability: score {by_k[k].mean():.0f} %",
            f"存下{CLASSES}种意图中的{k}种，占概率的{100 * stored:.0f}%：得分{by_k[k].mean():.0f}%",
        )
    )

# %% [markdown] lang="en"
# At $T = 4$ the tail is no dust: with the first intent alone the student does worse than with a label, and half of the intents still aren't all.
#
# **Verdict on the second line: true with a limit.** *Either will do, on logits or on softened probabilities, each with a rate of its own; at $T = 1$ both lose, and squares of probabilities lose everything, the more the surer the student is.*
# %% [markdown] lang="zh"
# 在$T = 4$下，尾部可不是灰尘：只存第一名，学生还不如用标签；存下一半类别，仍然不够。
#
# **第二行的判词：有条件地对。** *两者都行，但要架在logits上，或架在软化的概率上，学习率各自调好；到了$T = 1$两者都丢分，概率的平方差则丢光，学生越笃定，丢得越惨。*

# %% [markdown] question="mse-or-cross-entropy"

# %% [markdown] lang="en"
# ## The third line: SGD or Adam
#
# Four candidates: SGD, SGD with momentum 0.9, Adam, and AdamW, which also shrinks the weights a little in each step (decay 0.1). Each gets eight rates, a factor of two apart. Loss: KL at $T = 4$.
#
# **Guess first.** The blog's code says `Adam(lr=0.001)`. What do students score with it after 200 steps?
# %% [markdown] lang="zh"
# ## 第三行：SGD还是Adam
#
# 四位候选：SGD；动量为0.9的SGD；Adam；AdamW，它每一步还把权重缩小一点（衰减0.1）。每位都试八个学习率，相邻差两倍。损失是$T = 4$的KL。
#
# **先猜一猜。** 博客的代码写的是`Adam(lr=0.001)`。200步之后，学生得多少分？

# %%
guessed_default = guess(unit="%", low=0, high=80)
guessed_default

# %% key="rates"
LOWEST = {"SGD": 0.1, "momentum": 0.08, "Adam": 0.001, "AdamW": 0.001}
sweeps = {
    name: tried(world, BAG, warm_kl, [low * 2**step for step in range(8)], optimizer=OPTIMIZERS[name])
    for name, low in LOWEST.items()
}
ax = axes(height=3)
for (name, found), marker in zip(sweeps.items(), MARKERS, strict=False):
    ax.plot(found.keys(), found.values(), "k-", marker=marker, markerfacecolor="white", label=name)
    enough = [rate for rate, score in found.items() if score > max(found.values()) - 3]
    print(
        say(
            f"{name:9} best at {best(found):5.3g}; within 3 points of it from {min(enough):.2g} to {max(enough):.2g}",
            f"{name:9} 最好在{best(found):5.3g}；与之相差不到3个百分点：从{min(enough):.2g}到{max(enough):.2g}",
        )
    )
ax.set(xscale="log", xlabel="learning rate", ylabel="score to choose by, %")
ax.legend(fontsize=8)
guessed_default.draw(ax)
guessed_default.compare(sweeps["Adam"][0.001])

# %% [markdown] lang="en" caption=true
# Every curve reaches about the same height. They differ in where, in how wide the top is, and in the cliff behind it.
# %% [markdown] lang="zh"
# 每条曲线都升到差不多的高度。不同的是在哪里到顶、顶有多宽，以及后面的悬崖有多陡。

# %% key="optimizers"
by_optimizer = {
    name: scores(world, BAG, warm_kl, MANY, rate=best(found), optimizer=OPTIMIZERS[name])
    for name, found in sweeps.items()
}
over_adam = {
    name: paired_t_interval(found, by_optimizer["Adam"])
    for name, found in by_optimizer.items()
    if name != "Adam"
}
draw_intervals(axes(height=2), over_adam, "points over Adam, each at its best rate")
HIGH = 0.128
print(
    say(
        f"At a rate of {HIGH}: Adam {sweeps['Adam'][HIGH]:.0f} %, AdamW {sweeps['AdamW'][HIGH]:.0f} %. "
        f"Adam at 0.001: {sweeps['Adam'][0.001]:.0f} %.",
        f"学习率{HIGH}时：Adam得{sweeps['Adam'][HIGH]:.0f}%，AdamW得{sweeps['AdamW'][HIGH]:.0f}%。"
        f"Adam在0.001时：{sweeps['Adam'][0.001]:.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# Tuned alike, all four end within a few points of each other, plain SGD last.
# %% [markdown] lang="zh"
# 一样用心地调过，四个优化器相差不过几个百分点，朴素SGD垫底。

# %% [markdown] lang="en"
# Plain SGD has one good rate among those tried, the others have several. It is the decay that carries AdamW past Adam's edge: at the high rate above, nothing else differs between them. Momentum's lead over Adam melted with twenty students (table below). But the dearest choice is not to choose: the blog's default rate costs more than half of the score. (After 200 steps; who trains longer may take smaller ones.)
# %% [markdown] lang="zh"
# 试过的学习率里，朴素SGD只有一个好用，其他几位都有好几个。让AdamW越过Adam那道边的是衰减：在上面那个高学习率处，两者别的都一样。动量对Adam的领先，换成二十个学生就没了（见下表）。而最贵的选择是不选：博客里的默认学习率丢掉一半以上的分数。（这是200步之后；训练得久，步子可以小些。）

# %% [markdown] question="sgd-or-adam"

# %% [markdown] lang="en"
# ## Side by side
# %% [markdown] lang="zh"
# ## 放在一起看

# %% key="side-by-side"
my_guesses()
again = {name: in_words(Interval(*values)) for name, values in kept["repeated"]["points"].items()}
longer = {name: in_words(Interval(*values)) for name, values in kept["full"]["points"].items()}
transformer_over_bag = paired_t_interval(on_minilm["transformer"], on_minilm["bag of pieces"])
claims = {
    "transformer over bag": (
        say("transformer over bag student", "transformer学生比子词袋"),
        transformer_over_bag,
    ),
    "bag over transformer teacher, bag of pieces": (
        say("bag over transformer teacher, bag student", "子词袋教师比transformer教师，子词袋学生"),
        likeness["bag student"],
    ),
    "bag over transformer teacher, transformer": (
        say("the same, transformer student", "同上，transformer学生"),
        likeness["transformer student"],
    ),
    "bag assistant over MiniLM": (
        say("through a bag assistant, over MiniLM", "经子词袋助教，比MiniLM"),
        paired_t_interval(passed_on["bag"], on_minilm["bag of pieces"]),
    ),
    "transformer assistant over MiniLM": (
        say("through a transformer assistant", "经transformer助教"),
        paired_t_interval(passed_on["transformer"], on_minilm["bag of pieces"]),
    ),
    "MSE of logits over KL": (
        say("MSE of logits over KL, T = 4", "logits的MSE，比T = 4的KL"),
        over_kl["MSE of logits"],
    ),
    "MSE of probabilities, T = 4 over KL": (
        say("MSE of probabilities, T = 4", "概率的MSE，T = 4"),
        over_kl["MSE of probabilities, T = 4"],
    ),
    "KL, T = 1 over KL": (say("KL, T = 1", "KL，T = 1"), over_kl["KL, T = 1"]),
    "MSE of probabilities, T = 1 over KL": (
        say("MSE of probabilities, T = 1", "概率的MSE，T = 1"),
        over_kl["MSE of probabilities, T = 1"],
    ),
    "sure and wrong": (
        say(
            "the same, students that began sure and wrong, over KL, T = 1",
            "同上，从笃定而错起步，比T = 1的KL",
        ),
        paired_t_interval(retaught["MSE of probabilities, T = 1"], retaught["KL, T = 1"]),
    ),
    "SGD over Adam": (say("SGD over Adam", "SGD比Adam"), over_adam["SGD"]),
    "momentum over Adam": (say("momentum over Adam", "动量比Adam"), over_adam["momentum"]),
    "AdamW over Adam": (say("AdamW over Adam", "AdamW比Adam"), over_adam["AdamW"]),
}
show_table(
    [
        say("points, with 95 % interval", "百分点（95%区间）"),
        say("here", "这里"),
        say("five other students", "另外五个学生"),
        say("twenty students", "二十个学生"),
    ],
    [[title, in_words(found), again[name], longer[name]] for name, (title, found) in claims.items()],
)
first_word = say("labels alone", "只用标签")
show_table(
    [
        say("score, %", "得分（%）"),
        first_word,
        "MiniLM",
        say("bag teacher", "子词袋教师"),
        say("transformer teacher", "transformer教师"),
        say("20 commands an intent", "每种意图20条"),
    ],
    [
        [
            name,
            f"{on_labels[name].mean():.0f}",
            f"{on_minilm[name].mean():.0f}",
            *(f"{found[pupil].mean():.0f}" if pupil else "" for found in (by_bag, by_transformer)),
            f"{kept['twenty_commands'][name]:.0f}" if name in kept["twenty_commands"] else "",
        ]
        for name in KINDS
        for pupil in [next((pupil for pupil, kind in PUPILS.items() if kind == name), "")]
    ],
)
show_table(
    [say("bag student", "子词袋学生"), say("score, %", "得分（%）"), say("rate", "学习率")],
    [[name, f"{found.mean():.0f}", f"{chosen[name]:g}"] for name, found in by_loss.items()]
    + [[name, f"{found.mean():.0f}", f"{best(sweeps[name]):.3g}"] for name, found in by_optimizer.items()],
)
print(
    say(
        f"The last columns: `{kept['command']}`, {kept['date']}, {kept['machine']}.",
        f"后面几列：`{kept['command']}`，{kept['date']}，{kept['machine']}。",
    )
)

# %% [markdown] lang="en"
# **Verdict on the third line: true with a limit.** *Any of the four, once its rate is tuned; what differs is how much a wrong rate costs, and an untuned default costs more than any of today's choices.*
#
# The limits of the whole trial: one task, 62 commands a student, 200 steps of full batches, very small students. (With `FULL=1` in the environment, every cell runs twenty students.) On transformers of real size Adam's lead over SGD is reported to be large (Zhang et al. 2024); nothing here contradicts that.
#
# **An open task.** Is it a bag's *form* that passes on so well, or that teacher and student hash pieces alike? Raise a bag teacher that reads other pieces: build its inputs with `bags(texts, 300)`, and let it teach the same students. What would each answer predict?
#
# ## The interview
# %% [markdown] lang="zh"
# **第三行的判词：有条件地对。** *四个都行，前提是学习率调好；不同的是学习率错了要赔多少，而不调、直接用默认值，比今天任何一个选项赔得都多。*
#
# 整场审判的限度：一个任务，每个学生62条指令，200步全批量训练，学生都很小。（设环境变量`FULL=1`，每个单元格都跑二十个学生。）据报告，在真正大小的transformer上，Adam对SGD的领先很大（Zhang等，2024）；这里没有与之矛盾的结果。
#
# **一道开放题。** 传得这么好，是因为子词袋的*形式*，还是因为师生把子词哈希到了同样的行？请培养一位读别的子词的子词袋教师：用`bags(texts, 300)`做它的输入，再去教同样的学生。两种答案各会预测什么？
#
# ## 面试

# %% [markdown] question="which-losses-share-a-gradient"

# %% [markdown] question="tuned-alike"

# %% [markdown] lang="en"
# ## Next
#
# You can now take a rule of thumb, name what it varies and what it forgot to hold still, and give it one honest sentence. A student that learned so well from a worse teacher raises the next question, what a student learns at all: [05 · What the student learns](05_what_is_learned.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在拿到一条经验之谈，你说得出它变动了什么、又忘了固定什么，并给它一句诚实的判词。学生竟能跟较差的教师学得更好，那么学生究竟学了什么？见[05 · 学生学到了什么](05_what_is_learned.ipynb)。
