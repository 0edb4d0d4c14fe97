# %% [markdown] lang="en"
# # 06 · Features and relations
#
# *When are logits not enough?* About 45 minutes, and two hours more for its nine exercises.
#
# The box on the wall serves twelve intents: lights, blinds, heating, the robots. Next month timers, music and the shopping list are to come, nineteen intents more. By then the student sits in the wall; the teacher stays in the cloud.
#
# "So copy not only what the teacher *says*," says Mei, "copy what it *thinks*. Between its layers stands all that it knows. And more supervision can't hurt."
#
# Both sentences go on trial.
# %% [markdown] lang="zh"
# # 06 · 特征与关系
#
# *什么时候光有logits不够？* 约45分钟，九道练习另需两小时。
#
# 墙上的盒子管十二种意图：灯、窗帘、暖气、扫地和割草机器人。下个月还要加上定时器、音乐和购物清单，又是十九种。到那时学生模型已经装在墙里，教师留在云端。
#
# 小梅说：“所以别光学教师*说*什么，要学它*想*什么。它知道的全在层与层之间。再说，监督信号多了总没坏处。”
#
# 这两句话，今天都要过堂。

# %% key="world"
import torch

from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_study import guess, my_guesses
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import in_words
from kd_study.lessons.kit.feature_runs import SLOWER, draw_trade, recorded
from kd_study.lessons.kit.features import Beside, Hints, asked_again, by_new_head, gather, labels_alone
from kd_study.lessons.kit.features import labels_of_tomorrow, learn, of_today, scores, scores_tomorrow
from kd_study.lessons.kit.features import soft, vectors_by
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.notebook.views import show_table

SEEDS = range(5)
later = gather()  # with all that people will say to the box
world = of_today(later)  # with what it serves today
today, tomorrow = world.test
for name, commands in {say("today", "今天"): today, say("tomorrow", "明天"): tomorrow}.items():
    print(f"{name} ({commands.kinds}):", " | ".join(commands.texts[:4]))
print(
    say(
        f"In today's log: {len(world.texts)} commands. Held out: {len(today.texts)} of today's intents, "
        f"{len(tomorrow.texts)} of tomorrow's.",
        f"今天的日志里有{len(world.texts)}条指令。留出：今天的意图{len(today.texts)}条，明天的{len(tomorrow.texts)}条。",
    )
)

# %% [markdown] lang="en"
# (Commands sampled from templates, as in lesson 01; the held-out ones have templates of their own, and each intent weighs the same.)
#
# The teacher is MiniLM: six layers of width 384, with a head on today's intents. The student is a transformer as well: two layers of width 48 over the same pieces of words, trained for 80 steps on today's log.
#
# ## Logits first
#
# First the student of logits: it learns what the teacher's head thinks of each text in the log. Then comes tomorrow. Somebody labels five commands of each new intent, and a new linear head is fitted on the student's vectors, which stay as they are: the box can't train more than that.
#
# Beside it stand two rivals who *may* train a whole student tomorrow, with as many steps: one **from scratch** on those labels; and one who **asks the teacher again**: a new head on MiniLM, fitted on the same labels, answers for tomorrow's log, and the student learns these logits.
#
# **Guess first.** How many of tomorrow's commands will the student of today's logits read with its new head?
# %% [markdown] lang="zh"
# （指令和第01课的一样用模板采样；留出的用另一批模板，每种意图权重相同。）
#
# 教师是MiniLM：六层，宽384，带一个管今天那些意图的分类头。学生也是Transformer：两层，宽48，用同样的子词，在今天的日志上训练80步。
#
# ## 先学logits
#
# 第一个学生学logits：日志里的每条文本，教师的分类头怎么看，它就怎么学。然后明天来了。有人给每种新意图标了五条指令，在学生的向量上配一个新的线性分类头；向量本身不动，盒子的训练能力仅此而已。
#
# 旁边有两个对手，它们明天*可以*把整个学生重新训练同样多步：一个只用那些标签**从头训练**；一个**再问教师一遍**：用同样的标签给MiniLM配一个新分类头，由它来回答明天的日志，学生再学这些logits。
#
# **先猜一猜。** 只学过今天logits的学生，换上新分类头，能读对多少明天的指令？

# %%
guessed_logits = guess(unit="%", low=0, high=100)
guessed_logits


# %% key="logits" tags=["nbval-ignore-output"]
def with_new_head(read_by):
    """(students,) percent of tomorrow's commands, read with a new head on vectors by `read_by(seed)`."""
    return torch.tensor([by_new_head(read_by(seed), world, seed, tomorrow) for seed in SEEDS])


by_logits = scores(world, lambda: soft, SEEDS)
rivals = {
    "untrained": with_new_head(lambda seed: vectors_by(learn(world, lambda: soft, seed, steps=0))),
    "from scratch, tomorrow": scores_tomorrow(later, labels_of_tomorrow, labels_alone, SEEDS),
    "logits of today": by_logits.tomorrow,
    "teacher asked again": scores_tomorrow(later, asked_again, soft, SEEDS),
    "MiniLM itself": with_new_head(lambda seed: lambda commands: commands.vectors),
}
ax = axes(height=2.8)
draw_intervals(
    ax, {name: t_interval(found) for name, found in rivals.items()}, "tomorrow's commands, %", None
)
ax.set_xlim(20, 100)
guessed_logits.draw(ax, axis="x")
guessed_logits.compare(by_logits.tomorrow.mean().item())
print(
    say(
        f"Today the student of logits reads {by_logits.today.mean():.0f} %.",
        f"今天的指令，学logits的学生读对{by_logits.today.mean():.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# The student of today's logits reads fewer of tomorrow's commands than one that never learned anything; who may train tomorrow is far ahead.
# %% [markdown] lang="zh"
# 学今天logits的学生，读对的明天指令比什么都没学过的还少；明天还能训练的，远远领先。

# %% [markdown] lang="en"
# A random network keeps the pieces of words apart, and a head can use that; learning today's task has thrown some of it away. Who can go back to teacher and log needs nothing but logits: ask again for each new task. What follows is about the student that can't.
#
# ## Mei's plan: hints
#
# A **hint** is a hidden layer of the teacher that a layer of the student learns to predict. 48 numbers can't be compared with 384, so a small linear **projector** stands between. Build that.
# %% [markdown] lang="zh"
# 随机网络至少把不同的子词分得开，分类头用得上；学了今天的任务，反倒丢掉了一部分。可见只要还能回到教师和日志那里，有logits就够了：每来一个新任务，再问一遍。下面说的是回不去的学生。
#
# ## 小梅的办法：hint
#
# **hint**就是教师的某个隐藏层，让学生的某一层去预测它。48个数没法和384个数比，所以中间放一个小小的线性**投影层**。请你来写。

# %% exercise="hint_loss"

# %% [markdown] lang="en"
# How low can that loss get? A linear projector of 48 numbers reaches 48 directions and no more; what the teacher's states vary in the others is the floor. Ask your loss with the best 48 directions, and with 48 drawn blindly.
# %% [markdown] lang="zh"
# 这个损失能降到多低？48个数的线性投影只够得着48个方向；教师的状态在其余方向上的变化，就是下限。用你写的损失问一问：选最好的48个方向是多少，闭着眼睛抽48个又是多少。

# %% key="floor"
from kd_study.lessons.kit.insides import left_out, main_directions, random_directions

states = world.teacher.hidden[6][world.teacher.kept]  # (pieces, 384), of the teacher's last layer
mean = states.mean(0)
bases = {
    say("best 48 directions", "最好的48个方向"): main_directions(states, 48),
    say("48 drawn blindly", "随机抽的48个"): random_directions(384, 48),
}
nothing = hint_loss(states * 0 + mean, states, torch.nn.Identity())
for name, basis in bases.items():
    floor = hint_loss((states - mean) @ basis, states, lambda numbers, basis=basis: numbers @ basis.T + mean)
    print(
        say(
            f"{name}: {100 * floor / nothing:.0f} % of the loss is left that one pays for knowing the mean alone",
            f"{name}：还剩{100 * floor / nothing:.0f}%的损失（只知道均值时算100%）",
        )
    )

# %% [markdown] lang="en"
# So "the hint loss stays above zero" is no bug. Does the floor hurt? Turn the width. On the right the teacher's own sentence vectors, cut down to so many directions, must read tomorrow's commands.
# %% [markdown] lang="zh"
# 所以“hint损失降不到零”不是bug。那么，这个下限碍事吗？转一转宽度。右图让教师自己的句向量只留这么多方向，再去读明天的指令。

# %%
WIDTHS = (4, 8, 16, 32, 48, 96, 192)
vectors, kinds = world.vectors, ("best", "blind")


def basis_of(kind, rows, width):
    return main_directions(rows, width) if kind == "best" else random_directions(384, width)


def read_cut(basis):
    """Percent of tomorrow's commands from the teacher's vectors, cut down to these directions."""
    return with_new_head(lambda seed: lambda commands: commands.vectors @ basis).mean().item()


missing = {
    kind: [100 * left_out(states, basis_of(kind, states, width)) for width in WIDTHS] for kind in kinds
}
cut = {kind: [read_cut(basis_of(kind, vectors, width)) for width in WIDTHS] for kind in kinds}


def draw_width(width):
    panels = axes(height=2.8, columns=2)
    labels = "variance out of reach, %", "tomorrow's commands, %"
    for ax, curves, label in zip(panels, (missing, cut), labels, strict=True):
        for kind, style in zip(kinds, ("-o", "--s"), strict=True):
            ax.plot(WIDTHS, curves[kind], style, color="black", markersize=4, label=f"{kind} directions")
            ax.annotate(f"{curves[kind][WIDTHS.index(width)]:.0f}", (width, curves[kind][WIDTHS.index(width)]),
                        (6, 6), textcoords="offset points")  # fmt: skip
        ax.axvline(width, color="grey", linestyle=":")
        ax.set(xscale="log", xlabel="numbers that a student has", ylabel=label, ylim=(0, 105))
        ax.set_xticks(WIDTHS, WIDTHS)
        ax.minorticks_off()
        ax.legend(fontsize=8)
    return panels[0].figure


Dial(draw_width, say("width", "宽度"), WIDTHS, start=16)

# %% key="widths"
figure = draw_width(48)

# %% [markdown] lang="en" caption=true
# The best 48 directions leave a quarter of the variance out, blind ones nearly all of it; yet tomorrow is read from either equally well.
# %% [markdown] lang="zh"
# 最好的48个方向漏掉四分之一的变化，随机的漏掉将近九成；可明天的指令，从哪一边都读得一样好。

# %% [markdown] lang="en"
# So a hint loss measures variance, and variance isn't the task. Keep this in mind for later.
#
# What is left to decide is which layer learns from which. Uniform is the usual start.
# %% [markdown] lang="zh"
# 可见hint损失量的是变化的多少，而变化多少不等于任务好坏。先记住这一点。
#
# 还要定哪一层向哪一层学。通常先用均匀映射。

# %% exercise="layer_map"

# %% [markdown] lang="en"
# Now train on hints *alone*: no logits, no labels, nobody has named any intent. (Tuned coarsely: learning rates of logits and hints from two each, on other templates and other seeds. Distances have a lower one, found later; the other losses take over one of these.)
#
# **Guess first.** And this student's share of tomorrow's commands?
# %% [markdown] lang="zh"
# 现在*只*用hint来训练：没有logits，没有标签，意图一个也没有名字。（调参很粗：logits和hint的学习率各从两个里选，用的是别的模板、别的种子；距离的学习率更低，是后来才定的；其他损失沿用这几个。）
#
# **先猜一猜。** 这个学生能读对多少明天的指令？

# %%
guessed_hints = guess(unit="%", low=0, high=100)
guessed_hints

# %% key="hints" tags=["nbval-ignore-output"]
pairs = list(enumerate(layer_map(2, 6), 1))
by_hints = scores(world, lambda: Hints(hint_loss, pairs), SEEDS)
guessed_hints.compare(by_hints.tomorrow.mean().item())
print(say("(student's layer, teacher's):", "（学生的层，教师的层）："), pairs)
print(
    say(
        f"Tomorrow {by_hints.tomorrow.mean():.0f} %; points over the student of logits: "
        f"{in_words(paired_t_interval(by_hints.tomorrow, by_logits.tomorrow))}; over the untrained: "
        f"{in_words(paired_t_interval(by_hints.tomorrow, rivals['untrained']))}",
        f"明天{by_hints.tomorrow.mean():.0f}%；比学logits的学生多的百分点："
        f"{in_words(paired_t_interval(by_hints.tomorrow, by_logits.tomorrow))}；比没训练过的多："
        f"{in_words(paired_t_interval(by_hints.tomorrow, rivals['untrained']))}",
    )
)

# %% [markdown] lang="en"
# Mei's first sentence holds half: from the same texts, none of them about timers or music, hints leave a student far readier for tomorrow than logits do. But put the cheapest rival beside it, the untrained student, and the gain is small: five students can't show it. What hints do here is mostly to *keep*.
#
# ## The projector that never moved
#
# A week later somebody has rewritten the code, and no test complains. Find the fault.
# %% [markdown] lang="zh"
# 小梅的第一句话成立一半：同样的文本，没有一条在说定时器或音乐，学hint的学生为明天做的准备却比学logits的好得多。可要是旁边站着最便宜的对手，那个没训练过的学生，好处就小到五个学生证明不了。hint在这里做的，主要是*留住*。
#
# ## 从没动过的投影层
#
# 一周后，有人把代码重写了一遍，测试全都通过。请把错找出来。

# %% exercise="debug_idle_projector"

# %% key="idle" tags=["nbval-ignore-output"]
lower = world.teacher.hidden[3][world.teacher.kept]
student, projector = torch.nn.Linear(384, 48), torch.nn.Linear(48, 384)
before = projector.weight.detach().clone()
debug_idle_projector(student, projector, [(lower[:200], states[:200])] * 10)
print(say("Does yours move?", "你的会动吗？"), not torch.equal(before, projector.weight))

idle = recorded("hints, idle projector", "tomorrow")
controls = {
    "hints": by_hints.tomorrow,
    "hints, idle projector": idle,
    "hints of another text": recorded("hints of another text", "tomorrow"),
    "untrained": rivals["untrained"],
    "logits of today": by_logits.tomorrow,
}
ax = axes(height=3.2)
draw_intervals(
    ax, {name: t_interval(found) for name, found in controls.items()}, "tomorrow's commands, %", None
)
ax.set_xlim(20, 100)
guessed_hints.draw(ax, axis="x")
change = in_words(paired_t_interval(idle, recorded("hints", "tomorrow")))
print(
    say(
        f"Points of an idle projector against a moving one: {change}",
        f"投影层不动，与会动的相差的百分点：{change}",
    )
)

# %% [markdown] lang="en" caption=true
# A moving projector or an idle one: five students show no clear difference. Hints of another text are worth no more than learning nothing.
# %% [markdown] lang="zh"
# 投影层会动还是不动，五个学生看不出明显差别。别的文本的hint，并不比什么都不学强。

# %% [markdown] lang="en"
# (Two of the rows come from the lesson's record, same seeds, run beforehand to spare your time.) The fault that you mended doesn't show in the score! The idle student chases 48 blind directions of the teacher; you saw above that they leave out nearly all of the variance, and read just as many commands. So no metric warns you: look whether the projector moves, it costs one line. Elsewhere it did matter: one repository's author reports a much better student once the projector was trained (Simple-Recipe-Distillation#1); those of another say that it made no difference to their conclusion (GeometryForcing#13).
#
# **What would change our mind?** That any extra target helps, whatever it says. Hints of *another* text of the same length, same loss, same steps, are the control: with them the student is no better than the untrained one.
# %% [markdown] lang="zh"
# （其中两行取自本课的记录，种子相同，为省你的时间事先跑好。）你刚修好的那个错，在得分上看不出来！投影层不动，学生追的是教师48个随机的方向；前面看到，它们漏掉了将近九成的变化，读对的指令却一样多。所以没有哪个指标会提醒你：看一眼投影层动没动，只要一行代码。在别处它要紧过：有一个仓库的作者报告，投影层训练起来之后学生好得多（Simple-Recipe-Distillation#1）；另一个仓库的作者则说这不影响他们的结论（GeometryForcing#13）。
#
# **什么会让我们改变看法？** 也许随便加个目标就管用，不管它说什么？对照是换成*另一条*同样长的文本的hint，损失一样，步数一样：学生并不比没训练过的强。

# %% [markdown] question="hint-and-projector"

# %% [markdown] lang="en"
# ## Without a projector: relations
#
# Must a student have the teacher's coordinates at all? A relation asks only how far the texts of a batch lie from each other: 32 texts have 496 distances, whatever the width.
# %% [markdown] lang="zh"
# ## 不要投影层：关系
#
# 学生真的需要教师的坐标吗？关系只问一批文本彼此相距多远：32条文本有496个距离，与宽度无关。

# %% exercise="rkd_distance"


# %% key="distances" tags=["nbval-ignore-output"]
def distances(ours, theirs):
    return rkd_distance(ours.vectors, theirs.vectors)


by_distances = scores(world, lambda: distances, SEEDS, SLOWER["distances"])
print(
    say(
        f"Distances alone: tomorrow {by_distances.tomorrow.mean():.0f} %; points over the student of logits: "
        f"{in_words(paired_t_interval(by_distances.tomorrow, by_logits.tomorrow))}; over hints: "
        f"{in_words(paired_t_interval(by_distances.tomorrow, by_hints.tomorrow))}",
        f"只学距离：明天{by_distances.tomorrow.mean():.0f}%；比学logits的学生多的百分点："
        f"{in_words(paired_t_interval(by_distances.tomorrow, by_logits.tomorrow))}；比hint多："
        f"{in_words(paired_t_interval(by_distances.tomorrow, by_hints.tomorrow))}",
    )
)

# %% [markdown] lang="en"
# Nothing to project, nothing to forget in an optimiser, and it, too, keeps what logits throw away; more than an untrained student has, it doesn't bring.
#
# ## Both at once: the price
#
# But the box must work *today*, too. So put the feature loss beside the logits, with a weight. "More supervision can't hurt," says Mei.
#
# **Guess first.** Hints beside the logits at a weight of 300: by how many points does *today's* score change?
# %% [markdown] lang="zh"
# 没有投影层，也就没有东西会忘在优化器外面；logits丢掉的，它同样留住了；只是并不比没训练过的学生多出什么。
#
# ## 两样都要：代价
#
# 可是盒子*今天*也得能用。那就把特征损失放在logits旁边，给它一个权重。小梅说：“监督信号多了总没坏处。”
#
# **先猜一猜。** 在logits旁边加上权重300的hint，*今天*的得分会变几个百分点？

# %%
guessed_price = guess(unit=say("points", "个百分点"), low=-40, high=20)
guessed_price

# %% key="beside" tags=["nbval-ignore-output"]
with_hints = scores(world, lambda: Beside(100, Hints(hint_loss, pairs)), SEEDS)
draw_trade(axes(width=6, height=4))
price = {
    say("100 × hints", "100×hint"): [
        paired_t_interval(getattr(with_hints, day), getattr(by_logits, day)) for day in ("today", "tomorrow")
    ]
}
for weight, name, in_full in (
    (300, "hints", say("300 × hints (record)", "300×hint（记录）")),
    (10, "distances", say("10 × distances (record)", "10×距离（记录）")),
):
    price[in_full] = [
        paired_t_interval(recorded(f"logits + {weight} × {name}", day), recorded("logits", day))
        for day in ("today", "tomorrow")
    ]
guessed_price.compare(price[say("300 × hints (record)", "300×hint（记录）")][0].mean)
for name, (now, then) in price.items():
    print(
        say(
            f"{name} beside the logits: today {in_words(now)} points, tomorrow {in_words(then)}",
            f"在logits旁加{name}：今天{in_words(now)}个百分点，明天{in_words(then)}",
        )
    )

# %% [markdown] lang="en" caption=true
# From the logits alone (star) hints lead up to tomorrow at no price, until a weight of 300 costs today and brings nothing more. Distances lead down.
# %% [markdown] lang="zh"
# 从只学logits（星号）出发，hint一路向上，明天涨了，今天不用付代价；到权重300，今天掉分，明天也不再涨。距离则一路向下。

# %% [markdown] lang="en"
# So up to a point Mei's second sentence holds as well: a hint of the right weight gives tomorrow back what the logits cost it, for nothing. Beyond that point it is false: the same loss, heavier, makes today's student *worse*, and tomorrow's no better. Distances, in turn, keep a space only while they are alone; beside the logits they keep nothing here.
#
# Where that point lies is a matter of weight, layers and pair of models. In the table of the CRD authors hints beat plain training for most pairs and lose for some (ResNet50 to MobileNetV2: 63.2 against 64.6 without any teacher, reported). So a feature loss never goes without a curve over its weight, weight 0 on it.
# %% [markdown] lang="zh"
# 可见在一定限度内，小梅的第二句话也成立：权重合适，logits让明天损失的，hint白白还了回来。过了限度就不成立：同一个损失，再重一些，今天的学生反而*更差*，明天也不见好。至于距离，只有单独用时才留得住一个空间；放在logits旁边，在这里什么也没留住。
#
# 临界点在哪里，取决于权重、层和这一对模型。在CRD作者的表里，多数组合用hint胜过普通训练，也有几对不如（ResNet50教MobileNetV2：63.2，不用教师反而有64.6，据报告）。所以，用特征损失，必须画出它随权重变化的曲线，权重0也要在上面。

# %% [markdown] question="when-features-harm"

# %% [markdown] lang="en"
# ## The rest of the family
#
# Many losses look between the layers. Build four more, and each time ask the students that you have: how near did they come to the teacher by *this* measure, on 100 texts of the log?
# %% [markdown] lang="zh"
# ## 这一家的其他成员
#
# 往层间看的损失有很多。再写几个，每写一个，就拿它去问手上的学生：在日志的100条文本上，按*这个*尺度，他们离教师多近？

# %% key="ask-students" tags=["nbval-ignore-output"]
SOME = torch.arange(100)
theirs = world.teacher.rows(SOME)
cohorts = {
    say("logits", "logits"): by_logits,
    say("hints", "hint"): by_hints,
    say("logits + 100 × hints", "logits + 100×hint"): with_hints,
    say("distances", "距离"): by_distances,
}
nearness = {}


def ask(measure_name, loss):
    """Prints and keeps each cohort's mean of a loss(ours, theirs) on the same texts."""
    with torch.no_grad():
        readings = {
            name: [student(world.numbers[SOME]) for student in found.students]
            for name, found in cohorts.items()
        }
        nearness[measure_name] = {
            name: torch.stack([loss(ours, theirs) for ours in several]).mean().item()
            for name, several in readings.items()
        }
    print(
        f"{measure_name:16}",
        "   ".join(f"{name} {value:.2f}" for name, value in nearness[measure_name].items()),
    )


ask(say("distances", "距离"), distances)

# %% [markdown] lang="en"
# **Angles** are the same idea with three texts instead of two.
# %% [markdown] lang="zh"
# **角度**是同样的想法，只是从两条文本变成三条。

# %% exercise="rkd_angle"

# %% key="angles" tags=["nbval-ignore-output"]
ask(say("angles", "角度"), lambda ours, theirs: rkd_angle(ours.vectors, theirs.vectors))

# %% [markdown] lang="en"
# **Similarities**: which texts excite the same numbers.
# %% [markdown] lang="zh"
# **相似度**：哪些文本激活相同的神经元。

# %% exercise="similarity_preserving"

# %% key="similarities" tags=["nbval-ignore-output"]
ask(
    say("similarities", "相似度") + " × 100",
    lambda ours, theirs: 100 * similarity_preserving(ours.vectors, theirs.vectors),
)

# %% [markdown] lang="en"
# **Contrast**: can each text's vector pick the teacher's vector of the same text out of all? It needs equal widths, hence a projector; here the best linear one, fitted on the other texts of the log.
# %% [markdown] lang="zh"
# **对比**：每条文本的向量，能不能从所有教师向量里挑出同一条文本的那个？这要求宽度相同，所以又要投影层；这里用在日志其余文本上拟合的最优线性映射。

# %% exercise="contrastive_kd"


# %% key="contrast" tags=["nbval-ignore-output"]
def found_again(ours, theirs):
    return contrastive_kd(ours, theirs, 0.1)


others_of_log = torch.arange(100, len(world.texts))
with torch.no_grad():
    nearness[say("contrast", "对比")] = {}
    for name, found in cohorts.items():
        each = []
        for student in found.students:
            ours, others = student(world.numbers[SOME]).vectors, student(world.numbers[others_of_log]).vectors
            fit = torch.linalg.lstsq(others, world.vectors[others_of_log]).solution
            each.append(found_again(ours @ fit, world.vectors[SOME]))
        nearness[say("contrast", "对比")][name] = torch.stack(each).mean().item()
for name, value in nearness[say("contrast", "对比")].items():
    print(
        say(
            f"{name}: {value:.2f} nats of {torch.tensor(100.0).log():.2f} for guessing",
            f"{name}：{value:.2f}奈特，瞎猜是{torch.tensor(100.0).log():.2f}",
        )
    )

# %% [markdown] lang="en"
# **Attention maps** say where a layer looks. The exercise is about images; a transformer's map, (texts, heads, pieces, pieces), has the same form, its heads in the place of the channels.
# %% [markdown] lang="zh"
# **注意力图**说的是一层在看哪里。练习以图像为例；Transformer的注意力图（文本、头、子词、子词）形状相同，头的位置就是通道。

# %% exercise="attention_transfer"

# %% key="attention" tags=["nbval-ignore-output"]
ask(say("attention", "注意力"), lambda ours, theirs: attention_transfer(ours.attention, theirs.attention))

# %% [markdown] lang="en"
# **Value relations** are MiniLM's own invention: which pieces of a text carry alike values. The network that this lesson's teacher grew out of was distilled by them.
# %% [markdown] lang="zh"
# **value关系**是MiniLM论文提出的：一条文本里，哪些子词的value彼此相像。本课的教师，前身就是这样蒸馏出来的。

# %% exercise="minilm_relation"

# %% key="values" tags=["nbval-ignore-output"]
ask(
    say("value relations", "value关系"),
    lambda ours, theirs: minilm_relation(ours.values, theirs.values, 4, ours.kept),
)
alone = ("hints", "distances", "similarities", "contrast", "attention", "value relations", "logits")
ax = axes(height=3.4)
draw_intervals(
    ax, {name: t_interval(recorded(name, "tomorrow")) for name in alone}, "tomorrow's commands, %", None
)
ax.set_xlim(20, 100)
line = ax.axvline(rivals["untrained"].mean(), color="grey", linestyle="--")
note = ax.text(rivals["untrained"].mean() + 0.5, 6.4, "untrained", color="grey", fontsize=8)

# %% [markdown] lang="en" caption=true
# Each loss alone, from the record: only hints and distances keep at least what an untrained student has; the others lose some of it, as the logits do.
# %% [markdown] lang="zh"
# 各种损失单独使用，取自记录：只有hint和距离至少留住了没训练过的学生本来就有的；其余的和logits一样，丢掉了一部分。

# %% [markdown] lang="en"
# It is no verdict on the family. The log is small, the student is read frozen, and each loss looks at one place: attention maps and value relations say how the pieces *of one text* relate, and leave what lies above the values in the student's last layer without any gradient. Their authors fine-tune the whole student afterwards, which this box can't. Others who compared, with fine-tuning, found value relations (Udagawa et al. 2023) or attention (Wang et al. 2023) the best.
#
# ## What would change our mind: the log
#
# Were it really the task that logits lack? Or only the *texts*? Give both students a log in which people already say all that comes tomorrow, still unlabelled. The head of twelve intents must then have opinions about timers, too.
# %% [markdown] lang="zh"
# 这不是给这一家定罪。日志很小，学生是冻结了来读的，每种损失又只看一处：注意力图和value关系说的是*一条文本之内*子词之间的关系，学生最后一层里value以上的部分得不到任何梯度。原作者之后会微调整个学生，而这只盒子做不到。别人在微调的条件下比较过，有的说value关系最好（Udagawa等，2023），有的说注意力最好（Wang等，2023）。
#
# ## 什么会让我们改变看法：日志
#
# logits缺的真是任务吗？还是只缺*文本*？给两个学生换一份日志：明天才上线的那些话，用户已经在说了，仍然没有标签。于是管十二种意图的分类头，也得对定时器发表看法。

# %% key="later-log"
for day_of_log, ways in {
    say("today's log", "今天的日志"): ("logits", "hints"),
    say("tomorrow's log", "明天的日志"): ("logits, later log", "hints, later log"),
}.items():
    by_both = [recorded(way, "tomorrow") for way in ways]
    gap = in_words(paired_t_interval(by_both[1], by_both[0]))
    print(
        say(
            f"{day_of_log}: logits {by_both[0].mean():.0f} %, hints {by_both[1].mean():.0f} %; hints over logits {gap}",
            f"{day_of_log}：logits {by_both[0].mean():.0f}%，hint {by_both[1].mean():.0f}%；hint比logits多{gap}",
        )
    )

# %% [markdown] lang="en"
# The texts do more than any loss: the same logits, asked about commands that are none of the twelve intents, now leave the student far above the untrained one (dark knowledge again, lesson 01), and hints are only a little ahead, if at all. So logits fall short where *both* are missing, the question and the texts.
#
# ## Is it the seeds?
#
# Everything once more with five other seeds, other labels for tomorrow among them; then the whole table.
# %% [markdown] lang="zh"
# 文本比哪种损失都管用：同样的logits，问到不属于那十二种意图的指令，学生就远远超过了没训练过的（又是第01课的暗知识），hint即使领先，也只领先一点。所以logits不够用，是在问题和文本*都*没有的时候。
#
# ## 会不会只是种子凑巧？
#
# 换五个别的种子，连明天的标签也另抽，全部重来一遍；然后是总表。

# %% key="repeated"
for name, (one, other) in {
    say("logits over untrained, tomorrow", "logits比没训练过的，明天"): ("logits", "untrained"),
    say("hints over logits, tomorrow", "hint比logits，明天"): ("hints", "logits"),
    say("hints over untrained, tomorrow", "hint比没训练过的，明天"): ("hints", "untrained"),
    say("idle projector over a moving one, tomorrow", "投影层不动比会动，明天"): (
        "hints, idle projector",
        "hints",
    ),
    say("distances over logits, tomorrow", "距离比logits，明天"): ("distances", "logits"),
    say("logits + 100 × hints over logits, tomorrow", "logits + 100×hint比logits，明天"): (
        "logits + 100 × hints",
        "logits",
    ),
}.items():
    gains = [
        in_words(paired_t_interval(recorded(one, "tomorrow", run), recorded(other, "tomorrow", run)))
        for run in ("lesson", "repeated")
    ]
    print(say(f"{name}: {gains[0]}; other seeds {gains[1]}", f"{name}：{gains[0]}；换种子{gains[1]}"))
for name in ("logits + 100 × hints", "logits + 300 × hints", "logits + 10 × distances"):
    changes = [
        in_words(paired_t_interval(recorded(name, "today", run), recorded("logits", "today", run)))
        for run in ("lesson", "repeated")
    ]
    print(
        say(
            f"{name}, today: {changes[0]}; other seeds {changes[1]}",
            f"{name}，今天：{changes[0]}；换种子{changes[1]}",
        )
    )

# %% key="all-numbers" tags=["nbval-ignore-output"]
my_guesses()


def row(name, days):
    """A row: today and tomorrow of this run or of the record, then of the record's other seeds."""
    return [name, *(f"{day.mean():.0f}" if len(day) else "" for day in [*days, *[NONE] * (4 - len(days))])]


def from_here(name, way, found):
    others = [recorded(way, day, "repeated") for day in ("today", "tomorrow")]
    return row(name, [found.today, found.tomorrow, *others])


NONE = torch.tensor([])
others = {
    way: recorded(way, "tomorrow", "repeated")
    for way in ("labels of tomorrow", "teacher asked again", "hints", "hints, idle projector", "distances")
}
rest_of_record = {
    "logits + 10 × distances": say("logits + 10 × distances", "logits + 10×距离"),
    "logits, later log": say("logits, tomorrow's log", "logits，明天的日志"),
    "hints, later log": say("hints, tomorrow's log", "hint，明天的日志"),
    "hints of another text": say("hints of another text", "别的文本的hint"),
    "hints, layers reversed": say("hints, layers swapped", "hint，层对调"),
    "similarities": say("similarities", "相似度"),
    "contrast": say("contrast", "对比"),
    "attention": say("attention maps", "注意力图"),
    "value relations": say("value relations", "value关系"),
    "logits + 30 × hints": say("logits + 30 × hints", "logits + 30×hint"),
    "logits + 300 × hints": say("logits + 300 × hints", "logits + 300×hint"),
    "logits + 30 × distances": say("logits + 30 × distances", "logits + 30×距离"),
}
UNTRAINED_HEAD = {"hints, layers reversed", "similarities", "contrast", "attention", "hints, later log"}
UNTRAINED_HEAD |= {"value relations"}


def from_record(way, name):
    days = [recorded(way, day, run) for run in ("lesson", "repeated") for day in ("today", "tomorrow")]
    if way in UNTRAINED_HEAD:
        days[0] = days[2] = NONE
    return row(name, days)


show_table(
    [
        say("the student learns from", "学生学的是"),
        say("today, %", "今天，%"),
        say("tomorrow, %", "明天，%"),
        say("five other seeds: today", "另外五个种子：今天"),
        say("tomorrow", "明天"),
    ],
    [
        row(
            say("nothing (untrained)", "什么也没学"),
            [NONE, rivals["untrained"], NONE, recorded("untrained", "tomorrow", "repeated")],
        ),
        row(
            say("tomorrow's labels, from scratch", "明天的标签，从头训练"),
            [NONE, rivals["from scratch, tomorrow"], NONE, others["labels of tomorrow"]],
        ),
        row(
            say("the teacher, asked again tomorrow", "明天再问一遍教师"),
            [NONE, rivals["teacher asked again"], NONE, others["teacher asked again"]],
        ),
        from_here(say("logits", "logits"), "logits", by_logits),
        row(say("hints", "hint"), [NONE, by_hints.tomorrow, NONE, others["hints"]]),
        row(
            say("hints, idle projector", "hint，投影层不动"),
            [NONE, idle, NONE, others["hints, idle projector"]],
        ),
        row(say("distances", "距离"), [NONE, by_distances.tomorrow, NONE, others["distances"]]),
        from_here(say("logits + 100 × hints", "logits + 100×hint"), "logits + 100 × hints", with_hints),
        row(say("From the record:", "取自记录："), []),
        *(from_record(way, name) for way, name in rest_of_record.items()),
    ],
)
print(
    say(
        f"MiniLM itself, tomorrow: {rivals['MiniLM itself'].mean():.0f} %",
        f"MiniLM自己，明天：{rivals['MiniLM itself'].mean():.0f}%",
    )
)

# %% [markdown] lang="en"
# One row deserves a look: with the layers swapped hints are worth as much. That it matters little which layer meets which has been reported elsewhere, too (arXiv:2502.04499).
#
# ## Your turn
#
# FitNets trained in two stages: hints first, the outputs afterwards, so that the hint is a start and no competitor. Write that as a loss that counts its calls, hints for the first 40 and logits for the last 40, and put its point into the picture of the price. Does it lie above both paths? Then give hints a weight that falls from 100 to 0, and compare.
#
# ## The interview
# %% [markdown] lang="zh"
# 有一行值得一看：层对调之后，hint同样管用。哪层对哪层影响不大，别处也有这样的报告（arXiv:2502.04499）。
#
# ## 轮到你了
#
# FitNets分两个阶段训练：先hint，后输出，这样hint只是起点，不与任务争抢。把它写成一个会数自己被调用了几次的损失：前40步hint，后40步logits，把得到的点画进那张“代价”图。它在两条线之上吗？再试试让hint的权重从100降到0，比一比。
#
# ## 面试

# %% [markdown] question="logits-or-features"

# %% [markdown] question="what-a-relation-ignores"

# %% [markdown] question="relations-not-hidden-states"

# %% [markdown] lang="en"
# ## Next
#
# You can now say when logits are enough, what a hint asks of a student and what it costs, and which loss needs no projector. Here teacher and student read the same words. What if the student's language is one that the teacher can't read? [Lesson 07](07_transfer.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你说得出：logits什么时候够用，hint向学生要什么、代价是什么，哪种损失不要投影层。这里教师和学生读的是同样的词。要是学生的语言教师读不懂呢？见[第07课](07_transfer.ipynb)。
