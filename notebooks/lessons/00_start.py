# %% [markdown] lang="en"
# # 00 · Start here
#
# *What will I be able to do in two weeks?* About 30 minutes, one small exercise.
#
# You have built a voice assistant. It lives in a box on the wall, understands English, and people like it. This morning somebody from sales came by: "Hungary is ours, and France and China too. When can it talk to them?"
#
# Nobody will pay for labelled commands in Hungarian. The English model doesn't fit into the box either. All you have is the product's user interface, which was translated long ago.
#
# "That will do," says the engineer at the next desk. "We distil it." On this page you do it once, quickly. In two weeks you can explain every step to an interviewer, and write it on a whiteboard.
# %% [markdown] lang="zh"
# # 00 · 从这里开始
#
# *两周之后我能做到什么？* 约30分钟，一道小练习。
#
# 你做了一个语音助手。它住在墙上的小盒子里，听得懂英语，用户很喜欢。今天早上销售跑来说：“匈牙利谈下来了，法国和中国也是。它什么时候能听懂他们说话？”
#
# 没有人愿意花钱标注匈牙利语指令，那个英语模型也塞不进小盒子。你手头只有产品的界面文字，早就翻译成了各国语言。
#
# 邻座的工程师说：“够用了，蒸馏一下。”在这一页，你先快速做一遍。两周之后，每一步你都能给面试官讲清楚，也能在白板上写出来。

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
from kd_solutions import TeacherModel
from kd_solutions.flagship import QUICK, distill_student, train_teacher_head
from kd_study.lessons.kit.assistant import percent_by_language, side_by_side, some_commands

teacher = TeacherModel.from_pretrained()
train_teacher_head(teacher, limit=QUICK.limit, progress=False)
commands = {language: some_commands(language) for language in ("en", "hu", "fr", "zh")}
by_teacher = percent_by_language(teacher, commands)
for language, percent in by_teacher.items():
    print(say(f"{language}: the teacher reads {percent:.0f} %", f"{language}：教师读对{percent:.0f}%"))

# %% [markdown] lang="en"
# **Guess first.** A *student* a tenth of its size now learns to give a translated text the vector that the teacher gives to the English original. Nobody has labelled a single Hungarian command. How many will it read rightly? Move the slider.
# %% [markdown] lang="zh"
# **先猜一猜。** 现在让一个*学生模型*来学，它的体积只有教师的十分之一：读到译文时，要给出教师读英语原文时给出的那个向量。没有人标注过任何一条匈牙利语指令。它能读对多少？请拖动滑块。

# %%
from kd_study import guess

guessed = guess(unit="%")
guessed

# %% [markdown] lang="en"
# ## The student
#
# The next cell trains it, before your eyes, from nothing. This is a short run: lesson 08 does it for ten languages, and does it well.
# %% [markdown] lang="zh"
# ## 学生模型
#
# 下一个单元格从零开始训练它。这只是简短的一次；第08课会对十种语言认真做一遍。

# %% key="first-student"
flagship = distill_student(["hu", "fr", "zh"], recipe=QUICK, progress=False)
student = flagship.student
by_student = percent_by_language(student, commands)

# %% key="first-picture"
from kd_study.lessons.kit.pictures import axes, draw_two_by_language

ax = axes()
draw_two_by_language(ax, by_teacher, by_student, ["teacher", "student"])
guessed.draw(ax, axis="x")

# %% [markdown] lang="en" caption=true
# Half a minute of distillation, and no label but English ones.
# %% [markdown] lang="zh"
# 只花了半分钟蒸馏，除英语外没有用任何标签。

# %% [markdown] lang="en"
# Only English commands had labels, and yet it reads the others. Ask it something.
# %% [markdown] lang="zh"
# 有标签的只有英语指令，它却读懂了别的语言。来问问它。

# %% key="answers" tags=["nbval-ignore-output"]
from kd_study import show_answers, try_commands

answer = side_by_side(teacher, student)
show_answers(answer, ["kapcsold fel a lámpát a konyhában", "quelle est la météo", "打开厨房的灯"])

# %%
try_commands(answer, "kapcsold fel a lámpát")

# %% [markdown] lang="en"
# ## How an exercise works
#
# Every lesson has you build what it is about. Let us do a tiny one together. Did the student copy its teacher? *Agreement* is the share of commands for which the two give the same answer, right or wrong.
#
# The cell below is a stub. Replace its last line by
#
# ```python
# return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()
# ```
#
# and run it, then the cell after it. Then break it on purpose: leave out `.mean()`, or compare something else, and see what `check` says. `hint("agreement")` has three hints, `solution("agreement")` the answer and what an interviewer asks next.
# %% [markdown] lang="zh"
# ## 练习怎么做
#
# 每一课都让你亲手写出它所讲的东西。我们先一起做一道很小的。学生是不是照抄了教师？*一致率*指两者回答相同的指令所占的比例，不管对错。
#
# 下面的单元格是待填写的框架。把最后一行换成
#
# ```python
# return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()
# ```
#
# 运行它，再运行后面的单元格。然后故意改错：去掉`.mean()`，或者比较别的东西，看看`check`怎么说。`hint("agreement")`有三条提示，`solution("agreement")`给出答案，以及面试官接下来会问什么。

# %% exercise="agreement"

# %% key="agreement-measured" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.assistant import logits_of

hungarian = commands["hu"].texts
agreed = 100 * agreement(logits_of(student, hungarian), logits_of(teacher, hungarian))
print(
    say(
        f"In Hungarian the two agree on {agreed:.0f} % of the commands; "
        f"the student is right on {by_student['hu']:.0f} %, the teacher on {by_teacher['hu']:.0f} %.",
        f"在匈牙利语上，两者有{agreed:.0f}%的回答一致；学生读对{by_student['hu']:.0f}%，教师读对{by_teacher['hu']:.0f}%。",
    )
)

# %% [markdown] lang="en"
# So it is no copy. It learned what the teacher makes of the *English* texts; what the Hungarian means, it learned from translations. That an English-only teacher can teach Hungarian is the thread through this course.
#
# **What would change our mind?** If the same student did as well on English labels alone, nobody would need the teacher. Lesson 08 trains that student too.
#
# ## The way
# %% [markdown] lang="zh"
# 可见它不是照抄。它学到的是教师对*英语*文本的看法；匈牙利语是什么意思，则来自译文。只懂英语的教师也能教匈牙利语，这就是整个课程的主线。
#
# **什么会让我们改变看法？** 如果同样的学生只靠英语标签也能做到这样，教师就是多余的。第08课就会训练这样一个学生。
#
# ## 路线

# %% tags=["nbval-ignore-output"] key="map"
from kd_study import lesson_map

lesson_map()

# %% [markdown] lang="en"
# All coding exercises on one page: [exercises](exercises.ipynb). Words that are new to you: [glossary](glossary.ipynb). What you have solved: run `from kd_study import progress; progress()` in any notebook.
#
# ## Say it in 60 seconds
#
# Five questions that open many an interview. Answer each aloud, then open it and tick your points. After lessons 01 and 08 your answers will be better; that is the idea.
# %% [markdown] lang="zh"
# 全部编程练习在一页上：[练习](exercises.ipynb)。遇到生词：[术语表](glossary.ipynb)。想看自己的进度：在任意notebook里运行`from kd_study import progress; progress()`。
#
# ## 60秒内说清楚
#
# 下面五个问题是很多面试的开场。先出声回答，再展开对照要点。学完第01课和第08课，你会答得更好；用意正在于此。

# %% [markdown] question="what-is-kd"

# %% [markdown] question="advantages-across-languages"

# %% [markdown] question="english-teacher-other-language"

# %% [markdown] question="student-beats-its-teacher"

# %% [markdown] question="zero-shot-or-translate"

# %% [markdown] lang="en"
# **Next:** [01 · What distillation is](01_soft_labels.ipynb), for what a teacher knows that its labels don't say.
# %% [markdown] lang="zh"
# **下一课：**[01 · 什么是蒸馏](01_soft_labels.ipynb)：除了标签，教师还知道什么？
