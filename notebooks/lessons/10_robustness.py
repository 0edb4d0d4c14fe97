# %% [markdown] lang="en"
# # 10 · Robustness
#
# *More robust to what?* About 40 minutes, and 35 more for its two exercises.
#
# The text for the box is at the printer's: "Distilled, and therefore robust to the differences between languages." Marketing has it from a blog. Before it is printed, Mei opens last night's tickets. Somebody in Budapest types without accents. Somebody in Riga writes Russian in Latin letters. A grandmother says "Sie" to her lamp. And a child asked for a joke, and the garage door opened.
#
# "More robust," she says. "To *what*?"
# %% [markdown] lang="zh"
# # 10 · 鲁棒性
#
# *对什么更鲁棒？* 约40分钟，两道练习另需35分钟。
#
# 包装盒上的文案已经送去印刷厂：“经过蒸馏，因此对语言差异更鲁棒。”这是市场部从一篇博客上抄来的。开印之前，小梅翻了翻昨晚的工单：布达佩斯有人打字不带变音符号；里加有人用拉丁字母写俄语；一位老奶奶对台灯用“您”；还有个孩子让它讲个笑话，结果车库门开了。
#
# “更鲁棒？”她说，“对*什么*？”

# %%
import torch
import torch.nn.functional as F

from kd_solutions.evaluation import expected_calibration_error, paired_bootstrap, paired_t_interval, t_interval
from kd_solutions.flagship.ladder import few_labels
from kd_solutions.losses.numerics import UNLABELLED
from kd_study import guess, my_guesses
from kd_study.lessons.kit import perturbations as noise
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import in_words, train_head
from kd_study.lessons.kit.pictures import axes, draw_intervals, draw_two_by_language
from kd_study.lessons.kit.robustness import World, above, before_and_after, confidences, logits_of
from kd_study.lessons.kit.robustness import read_rightly, scores
from kd_study.notebook.views import show_table

LANGUAGES, COUNT = ("de", "fr", "hu", "ru", "zh"), 400
world = World(LANGUAGES)
clean = {language: world.sample(language, COUNT) for language in LANGUAGES}
for language, sample in clean.items():
    print(f"{language}: {sample.texts[0]}")

# %% [markdown] lang="en"
# ## Three students, one difference each
#
# All three are one small network with a bag of pieces of words, and take the same number of steps. Five English commands of each intent have a label; the other English ones lie in a log without any. Every command was rewritten word by word in the five languages, as lesson 08 does it.
# - **English labels**: the labelled English commands, nothing else. The baseline.
# - **Translate-train**: these, and their rewritings, which inherit the labels. No teacher.
# - **Distilled**: *all* the English commands and their rewritings, with the probabilities that a teacher gives the English side. The teacher is MiniLM with a head on the same five labels an intent.
# %% [markdown] lang="zh"
# ## 三个学生，每次只差一样
#
# 三个学生用的是同一个小网络，输入都是一袋子词，步数也相同。每种意图有五条英语指令带标签，其余英语指令躺在日志里，没有标签。每条指令都像第08课那样逐词改写成五种语言。
# - **英语标签**：只学带标签的英语指令。这是基线。
# - **translate-train**：外加这些指令的改写，标签随原文继承。没有教师。
# - **蒸馏**：*全部*英语指令和它们的改写，答案是教师读英语原文给出的概率。教师是MiniLM，分类头只用同样那些标签训练。

# %% key="students" study=true
EACH, SEEDS = 5, range(5)


def hard_labels(seed):
    """A row of zeros where there is no label."""
    labels = few_labels(world.labels, EACH, seed)
    return F.one_hot(labels.clamp(min=0), world.classes) * (labels != UNLABELLED).float()[:, None]


def soft_labels(seed):
    """The teacher's probabilities for every English command."""
    hard = hard_labels(seed)
    known = hard.sum(1) > 0
    head = train_head(world.vectors[known], hard[known].argmax(1), world.classes)
    return head(world.vectors).softmax(1) * world.is_command.float()[:, None]


students = {
    "English labels": [world.student(hard_labels(seed), seed, groups=["commands"]) for seed in SEEDS],
    "translate-train": [world.student(hard_labels(seed), seed) for seed in SEEDS],
    "distilled": [world.student(soft_labels(seed), seed) for seed in SEEDS],
}
written = {
    "English labels": say("English labels", "英语标签"),
    "translate-train": "translate-train",
    "distilled": say("distilled", "蒸馏"),
    "with noise": say("translate-train, shown noise", "translate-train，见过噪声"),
    "with nothing": say('translate-train, a class "nothing"', "translate-train，加“无”类"),
}

# %% [markdown] lang="en"
# **Guess first.** Translate-train reads about half of the commands in these languages. How many points will the teacher add?
# %% [markdown] lang="zh"
# **先猜一猜。** 在这几种语言上，translate-train能读对一半左右。教师能再添几个百分点？

# %%
guessed_lead = guess(unit=say("points", "个百分点"), low=-10, high=30)
guessed_lead

# %% key="levels"
by_language = {name: torch.stack([*scores(group, clean).values()]) for name, group in students.items()}


def share(values):
    """A mean over the seeds with its interval, in whole percent."""
    mean, low, high = t_interval(values)
    return say(f"{mean:.0f} ({low:.0f} to {high:.0f})", f"{mean:.0f}（{low:.0f}至{high:.0f}）")


def spread(table):
    return table.max(0).values - table.min(0).values


show_table(
    [
        say("student", "学生"),
        say("mean of five, %", "五种语言平均，%"),
        say("worst language, %", "最差的语言，%"),
        say("best less worst", "最好减最差"),
    ],
    [
        [written[name], share(table.mean(0)), share(table.min(0).values), share(spread(table))]
        for name, table in by_language.items()
    ],
)
pupil, rival = by_language["distilled"], by_language["translate-train"]
lead = paired_t_interval(pupil.mean(0), rival.mean(0))
worst = paired_t_interval(pupil.min(0).values, rival.min(0).values)
narrower = paired_t_interval(spread(rival), spread(pupil))
print(
    say(
        f"Distilled over translate-train: mean {in_words(lead)} points, worst language {in_words(worst)}, "
        f"spread smaller by {in_words(narrower)}.",
        f"蒸馏比translate-train：平均{in_words(lead)}个百分点，最差的语言{in_words(worst)}，"
        f"最好与最差之差缩小{in_words(narrower)}。",
    )
)

# %% key="level-picture"
ax = axes(height=2.8)
means = {name: dict(zip(LANGUAGES, table.mean(1).tolist(), strict=True)) for name, table in by_language.items()}
draw_two_by_language(ax, means["translate-train"], means["distilled"], ["translate-train", "distilled"])
ax.set_xlim(30, 70)
guessed_lead.compare(lead.mean)

# %% exercise="two_level_bootstrap"

# %% key="three-intervals"
gained = (read_rightly(students["distilled"], everything := clean["de"]).mean(0)) if False else None
differences, of_language, of_template = [], [], []
for language, sample in clean.items():
    by_command = [read_rightly(students[name], sample).mean(0) for name in ("distilled", "translate-train")]
    differences.append(by_command[0] - by_command[1])
    of_language += [language] * COUNT
    of_template += [(language, template) for template in sample.templates.tolist()]
differences = torch.cat(differences)
nothing = torch.zeros_like(differences)
intervals = {
    "commands": paired_bootstrap(differences, nothing, samples=1000),
    "templates": two_level_bootstrap(differences, of_template, samples=1000),
    "languages": two_level_bootstrap(differences, of_language, samples=1000),
}
draw_intervals(axes(height=2.2), intervals, unit="points of the teacher")
print(
    say(
        f"{len(differences):,} commands of {len(set(of_template))} templates in {len(LANGUAGES)} languages",
        f"{len(differences):,}条指令，来自{len(LANGUAGES)}种语言的{len(set(of_template))}个模板",
    )
)

# %% key="tickets"
perturbations = {
    "typos": lambda text, language, rng: noise.with_typos(text, rng),
    "no accents": lambda text, language, rng: text if language == "ru" else noise.without_accents(text),
    "Latin letters": lambda text, language, rng: noise.romanised(text) if language == "ru" else text,
    "English words": lambda text, language, rng: noise.in_two_languages(text, world.dictionary(language), rng),
    "another order": lambda text, language, rng: noise.in_any_order(text, rng),
    "polite form": lambda text, language, rng: noise.politely(text, language),
    "as heard": noise.as_heard,
}
noisy = {
    name: {language: world.perturbed(sample, change) for language, sample in clean.items()}
    for name, change in perturbations.items()
}
for name, samples in noisy.items():
    sample = max(samples.values(), key=lambda each: each.changed.float().mean())
    first = sample.changed.nonzero()[0].item()
    print(f"{name:14} {clean[sample.language].texts[first]}  →  {sample.texts[first]}")

# %%
guessed_fall = guess(unit=say("points", "个百分点"), low=0, high=40)
guessed_fall

# %% key="falls"
sides = {
    name: {who: before_and_after(students[who], clean, samples) for who in students}
    for name, samples in noisy.items()
}
ax = axes(height=3.6)
for shift, (who, marker) in zip((-0.15, 0.15), (("translate-train", "o"), ("distilled", "s")), strict=True):
    for place, name in enumerate(noisy):
        before, after = sides[name][who]
        mean, low, high = t_interval(after - before)
        ax.plot([low, high], [place + shift] * 2, color="black")
        ax.plot(mean, place + shift, marker, color="black", markerfacecolor="white" if marker == "o" else "black",
                label=who if place == 0 else None)
ax.set_yticks(range(len(noisy)), noisy)
ax.invert_yaxis()
ax.axvline(0, color="grey", linestyle="--")
ax.set_xlabel("points against the clean command, with 95 % interval")
ax.legend(loc="lower left")

# %% key="extra-fall"
rows = []
for name in noisy:
    (b0, a0), (b1, a1) = sides[name]["translate-train"], sides[name]["distilled"]
    rows.append([name, f"{b0.mean():.0f} → {a0.mean():.0f}", f"{b1.mean():.0f} → {a1.mean():.0f}", in_words(paired_t_interval(b1, b0)), in_words(paired_t_interval(a1, a0)), in_words(paired_t_interval(a1-b1, a0-b0)), f"{world.unknown_words([t for l,s in noisy[name].items() for t,c in zip(clean[l].texts,s.changed) if c]):.0f}",f"{world.unknown_words([t for s in noisy[name].values() for t,c in zip(s.texts,s.changed) if c]):.0f}"])
show_table(["","T","S","lead before","lead after","extra","unknown before","after"], rows)
print("B",{name: f"{b.mean():.0f} → {a.mean():.0f}" for name in noisy for b,a in [sides[name]["English labels"]]})

# %% key="shown"
def as_typed(text, language, rng):
    return noise.romanised(text) if language == "ru" else noise.without_accents(text)

shown = world.rewritings_changed(as_typed)
students["with noise"] = [world.student(hard_labels(seed), seed, bags=shown) for seed in SEEDS]
for name in noisy:
    b,a=before_and_after(students["with noise"],clean,noisy[name]); print(name, f"{b.mean():.0f} → {a.mean():.0f}", in_words(paired_t_interval(a, sides[name]["distilled"][1])))

# %% key="unseen"
unseen = {language: world.sample(language, COUNT) for language in ("nl", "it", "uk", "fi")}
rows=[[who,*(share(v) for v in scores(group,unseen).values())] for who,group in students.items()]
show_table(["",*unseen],rows)

# %% exercise="risk_threshold"

# %% key="thresholds"
english, strings = world.sample("en", 300), world.interface("en", 0, 300)
elsewhere = {language: world.interface(language, 300, 300) for language in LANGUAGES}
students["with nothing"] = [
    world.student(world.with_nothing(hard_labels(seed)), seed, groups=["rewritten", "commands", "interface"])
    for seed in SEEDS
]
for RISK in (.1,.2):
  def threshold_of(student, risk):
    (sure, right), (unsure, wrong) = confidences(student, english), confidences(student, strings)
    return risk_threshold(torch.cat([sure, unsure]), torch.cat([right, wrong]), risk)
  rows=[]
  for who in ("translate-train","distilled","with nothing"):
    found=[]
    for student in students[who]:
        threshold=threshold_of(student,RISK)
        found.append([above(threshold,student,english,strings)]+[above(threshold,student,clean[l],elsewhere[l]) for l in LANGUAGES])
    found=torch.tensor(found)
    rows.append([who,*(f"{v:.0f}" for v in found[:,0].mean(0)),*(f"{v:.0f}" for v in found[:,1:].mean(1).mean(0)), [f"{v:.0f}" for v in found[:,1:,1].nanmean(0)], [f"{v:.0f}" for v in found[:,1:,0].mean(0)]])
  show_table(["","en answered","wrong","refused","others answered","wrong","refused","wrong by l","answered by l"],rows)
for who in ("translate-train","distilled"):
    print(who,[round(100*expected_calibration_error(logits_of(s,clean[l]).softmax(1),clean[l].labels)) for s in students[who][:1] for l in LANGUAGES])
