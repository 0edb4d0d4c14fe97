# %% [markdown] lang="en"
# # 00 · Start here
#
# *What will I be able to do at the end?* About 15 minutes, and 5 more for a first small exercise.
#
# You have built a voice assistant. It lives in a box on the wall, understands English, and people like it. This morning somebody from sales came by: "Hungary is ours, and France and China too. When can it talk to them?"
#
# Nobody will pay for labelled commands in Hungarian. The English model doesn't fit into the box either. All you have is the product's user interface, which was translated long ago.
#
# "That will do," says the engineer at the next desk. "We distil it." On this page you do it once, quickly. At the end of the course you can explain every step to an interviewer.
# %% [markdown] lang="zh"
# # 00 · 从这里开始
#
# *学完之后我能做到什么？* 约15分钟，第一道小练习另需5分钟。
#
# 你做了一个语音助手。它住在墙上的小盒子里，听得懂英语，用户很喜欢。今天早上销售跑来说：“匈牙利谈下来了，法国和中国也是。它什么时候能听懂他们说话？”
#
# 没有人愿意花钱标注匈牙利语指令，那个英语模型也塞不进小盒子。你手头只有产品的界面文字，早就翻译成了各国语言。
#
# 邻座的工程师说：“够用了，蒸馏一下。”在这一页，你先快速做一遍。学完整个课程，每一步你都能给面试官讲清楚。

# %% [markdown] lang="en"
# ## The teacher
#
# The *teacher* is a pretrained English encoder, MiniLM, with a layer on top that names a command's *intent*: what it asks for. Let it read commands that it has never seen, in English and in three languages that it was never taught.
#
# Click into the next cell and press Shift+Enter. (All cells at once: menu *Run*, *Run All Cells*.)
# %% [markdown] lang="zh"
# ## 教师模型
#
# *教师模型*是预训练的英语编码器MiniLM，上面加一层，用来判断指令的*意图*，也就是它想让助手做什么。让它读一些没见过的指令：英语的，还有三种它从没学过的语言的。
#
# 点一下下面的单元格，按Shift+Enter运行。（一次全部运行：菜单*Run*里的*Run All Cells*。）

# %% key="teacher"
from kd_solutions.flagship import QUICK, distill_student, train_teacher_head
from kd_solutions.models import PretrainedTeacher
from kd_study.lessons.kit.assistant import percent_by_language, some_commands

teacher = PretrainedTeacher()
train_teacher_head(teacher, limit=QUICK.limit)
commands = {language: some_commands(language) for language in ("en", "hu", "fr", "zh")}
by_teacher = percent_by_language(teacher, commands)
for language, percent in by_teacher.items():
    print(say(f"{language}: the teacher reads {percent:.0f} %", f"{language}：教师读对{percent:.0f}%"))

# %% [markdown] lang="en"
# (Its layer was trained on few commands here; in other lessons it reads English better.)
#
# **Guess first.** A smaller *student* now learns to give a text the vector that the teacher gives to the English original. It reads the translated interface, and English commands rewritten word by word. Nobody has labelled a Hungarian command. How many will it read rightly? Move the slider.
# %% [markdown] lang="zh"
# （这里那一层只用了少量指令来训练；在别的课里，它的英语读得更好。）
#
# **先猜一猜。** 现在让一个小一些的*学生模型*来学：读到一段文本时，要给出教师读英语原文时给出的那个向量。它读的是翻译过的界面文字，还有逐词改写成外语的英语指令。没有人标注过任何一条匈牙利语指令。它能读对多少？请拖动滑块。

# %% key="guess"
from kd_study import guess

guessed = guess(unit="%")
guessed

# %% [markdown] lang="en"
# ## The student
#
# The next cell trains it from nothing; a line below the cell counts the steps.
# %% [markdown] lang="zh"
# ## 学生模型
#
# 下一个单元格从零开始训练它；单元格下面有一行字会数步数。

# %% key="first-student"
student = distill_student(["hu", "fr", "zh"], recipe=QUICK).student
for name, model in ((say("teacher", "教师"), teacher.model), (say("student", "学生"), student)):
    weights = sum(parameter.numel() for parameter in model.parameters())
    full, short = 4 * weights / 1e6, weights / 1e6
    print(
        say(
            f"{name}: {weights:,} weights, {full:.0f} MB in float32, {short:.0f} MB in int8",
            f"{name}：{weights:,}个参数，float32占{full:.0f} MB，int8占{short:.0f} MB",
        )
    )

# %% key="first-picture"
from kd_study.lessons.kit.pictures import axes, draw_two_by_language

by_student = percent_by_language(student, commands)
ax = axes()
draw_two_by_language(ax, by_teacher, by_student, ["teacher", "student"], count=len(commands["hu"]))
guessed.draw(ax, axis="x")
guessed.compare(by_student["hu"])

# %% [markdown] lang="en" caption=true
# No label but English ones, and it reads most of what its teacher can't. (Lines: 95 % intervals, from 300 commands each.)
# %% [markdown] lang="zh"
# 除英语外没有用任何标签，教师读不懂的，它大多读懂了。（横线是95%区间，每种语言300条指令。）

# %% [markdown] lang="en"
# It has two fifths of the teacher's weights, and in int8 it takes a tenth of the teacher's float32.
#
# Now single commands. Some the teacher gets right by luck, for it has a favourite answer to whatever it can't read:
# %% [markdown] lang="zh"
# 它的参数是教师的五分之二；以int8发布时，体积是教师float32的十分之一。
#
# 再来看一条条具体的指令。有些教师是碰巧答对的：凡是读不懂的，它都有一个最爱给的答案。

# %% key="favourites"
from kd_study.lessons.kit.assistant import asking_for_else, favourite_answer

shown = {}
for language in ("hu", "fr", "zh"):
    favourite, share = favourite_answer(teacher, commands[language])
    shown |= asking_for_else(commands[language], favourite, count=2)
    print(
        say(
            f"{language}: the teacher answers {favourite} to {share:.0f} % of the commands",
            f"{language}：教师对{share:.0f}%的指令都答{favourite}",
        )
    )

# %% [markdown] lang="en"
# So look only at commands that ask for something else, the first two of each sample. (They come from templates, and some sound odd.)
# %% [markdown] lang="zh"
# 所以只看要做*别的*事的指令，每个样本取最前面的两条。（它们由模板采样而来，有些听起来怪怪的。）

# %% key="answers" tags=["nbval-ignore-output"]
from kd_study import show_answers, try_commands
from kd_study.lessons.kit.assistant import side_by_side

answer = side_by_side(teacher, student)
show_answers(answer, shown)

# %% [markdown] lang="en"
# Ask it yourself: lights, timers, volume, weather. It still gets about a third of the foreign commands wrong. Four stand ready to click on. The last, *turn off the bedroom light*, is a trap: it says 关掉 for *turn off*, where the translations say 关闭.
# %% [markdown] lang="zh"
# 自己来问问它：开关灯、定时、音量、天气都行。外语指令它仍有大约三分之一会读错。下面四条可以直接点。最后一条“关掉卧室的灯”是个陷阱：译文里说的都是“关闭”，没有“关掉”。

# %% key="never-said"
from kd_solutions.data import load_parallel

translations = [text for _, text in load_parallel(["zh"]).training_pairs("zh")]
for word in ("关闭", "关掉"):
    print(word, sum(word in text for text in translations))

# %% key="try-it"
try_commands(
    answer,
    "quelle est la météo",
    examples=["quelle est la météo", "取消计时器", "tedd hangosabbra", "关掉卧室的灯"],
)

# %% [markdown] lang="en"
# ## How an exercise works
#
# Did the student copy its teacher? *Agreement* is the share of commands for which the two give the same answer, right or wrong.
#
# The cell below is a stub. Replace its last line by
#
# ```python
# return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()
# ```
#
# and run it, then the cell after it. Then break it on purpose: leave out `.mean()`, and see what `check` says. `hint("agreement")` has three hints, `solution("agreement")` the answer and what an interviewer asks next.
# %% [markdown] lang="zh"
# ## 练习怎么做
#
# 学生是不是照抄了教师？*一致率*指两者回答相同的指令所占的比例，不管对错。
#
# 下面的单元格是待填写的框架。把最后一行换成
#
# ```python
# return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()
# ```
#
# 运行它，再运行后面的单元格。然后故意改错：去掉`.mean()`，看看`check`怎么说。`hint("agreement")`有三条提示，`solution("agreement")`给出答案，以及面试官接下来会问什么。

# %% exercise="agreement"

# %% key="agreement-measured" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.assistant import logits_of
from kd_study.notebook.views import show_table

agreed = {
    language: 100 * agreement(logits_of(student, sample.texts), logits_of(teacher, sample.texts))
    for language, sample in commands.items()
}
measured = (by_student, by_teacher, agreed)
show_table(
    [
        say("commands in", "指令的语言"),
        say("student, %", "学生，%"),
        say("teacher, %", "教师，%"),
        say("agreement, %", "一致率，%"),
    ],
    [[language, *(f"{each[language]:.0f}" for each in measured)] for language in commands],
)

# %% [markdown] lang="en"
# In English, where both can read, the student is nearly a copy. In Hungarian there is nothing to copy: it learned what the teacher makes of the *English* originals, and reached it from their Hungarian side. Interviewers ask about it:
# %% [markdown] lang="zh"
# 英语两者都会读，这里学生几乎是教师的翻版。匈牙利语则没有什么可抄：它学的是教师对*英语*原文的看法，只不过是从匈牙利语这一侧走到那里的。面试官爱问：

# %% [markdown] question="english-teacher-other-language"

# %% [markdown] lang="en"
# **What would change our mind?** The stronger rival: English commands that are rewritten word by word keep their labels, and this student read such rewritings too. How far would it come on those labels without a teacher? This page doesn't show that, so don't say yet that the teacher did it.
#
# What it does claim, tested on your machine:
# %% [markdown] lang="zh"
# **什么会让我们改变看法？** 有一个难对付的对手：英语指令逐词改写之后，标签可以照旧沿用，而这个学生也读过这样的改写。不要教师，只用这些标签，能走多远？这一页没有回答，所以先别说都是教师的功劳。
#
# 这一页所说的，在你的机器上再核对一遍：

# %% key="claims"
foreign = ("hu", "fr", "zh")
claims = {
    say(
        "reads 60 to 70 % of the foreign commands, give or take five", "外语指令读对60%到70%，上下不差5个点"
    ): all(55 < by_student[language] < 75 for language in foreign),
    say("its teacher reads a quarter of them or fewer", "教师只读对四分之一，甚至更少"): all(
        by_teacher[language] <= 25 for language in foreign
    ),
    say("in English the two agree on nine in ten or more", "英语上两者的一致率不低于九成"): agreed["en"]
    >= 90,
    say("in Hungarian on one in five or fewer", "匈牙利语上不超过两成"): agreed["hu"] <= 20,
}
for claim, holds in claims.items():
    print("✓" if holds else "✗", claim)

# %% [markdown] lang="en"
# **An open task.** Put a language of your choice beside `"hu"`, say `"de"`, in the cell that makes the teacher and in the one that trains the student, and run the page from there. Does a fourth language cost the other three anything?
#
# ## The way
# %% [markdown] lang="zh"
# **一道开放题。** 在加载教师和训练学生的两个单元格里，给`"hu"`旁边加上你想要的语言，比如`"de"`，再从那里往下重新运行。多学一种语言，另外三种会不会变差？
#
# ## 路线

# %% tags=["nbval-ignore-output"] key="map"
from kd_study import lesson_map

lesson_map()

# %% [markdown] lang="en"
# All coding exercises on one page: [exercises](exercises.ipynb); all questions: [questions](questions.ipynb). Words that are new to you: [glossary](glossary.ipynb).
#
# In any notebook, after `from kd_study import plan, progress, review`: `plan(interview="2026-12-12", minutes=60)` lays out the days until your interview, `review()` asks what is due today, and `progress()` shows where you stand.
#
# Three things to know about notebooks. After *Kernel, Restart* nothing is defined any more: choose *Run, Run All Above Selected Cell*. The black square stops a cell. And keep the tab open while cells run: what they print while it is closed is lost.
#
# **Next:** [01 · What distillation is](01_soft_labels.ipynb), for what a teacher knows that its labels don't say.
# %% [markdown] lang="zh"
# 全部编程练习在一页上：[练习](exercises.ipynb)；全部面试题也是：[面试题](questions.ipynb)。遇到生词：[术语表](glossary.ipynb)。
#
# 在任意notebook里先运行`from kd_study import plan, progress, review`：`plan(interview="2026-12-12", minutes=60)`安排好面试前的每一天，`review()`出今天该复习的题，`progress()`显示你现在的水平。
#
# 用notebook要知道三件事。*Kernel, Restart*之后，定义过的东西全都没了：选*Run, Run All Above Selected Cell*。想让单元格停下，点黑色方块。单元格还在跑时不要关掉标签页：关掉期间的输出会丢。
#
# **下一课：**[01 · 什么是蒸馏](01_soft_labels.ipynb)：除了标签，教师还知道什么？
