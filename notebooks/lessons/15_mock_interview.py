# %% [markdown] lang="en"
# # 15 · The mock interview
#
# *Where do you stand, and what is to be done about it?* About 6 minutes of reading; each interview takes 45 more.
#
# Mei has read every lesson. "I know all this," she says, and her friend asks across the table: "So, SGD or Adam for the student?" Mei knows that she has read it. Half a minute later she still looks for the first sentence.
#
# Reading and answering aloud, against a clock, are two skills. This page trains the second: first one interview held by a machine, so that you see how it runs and how it is scored, then your own.
# %% [markdown] lang="zh"
# # 15 · 模拟面试
#
# *现在水平如何，接下来该补什么？* 阅读约6分钟；每场面试另需45分钟。
#
# 小梅把每一课都读完了。“这些我都会。”她说。朋友隔着桌子问：“那学生模型用SGD还是Adam？”小梅记得自己读过，可半分钟过去，第一句话还没想出来。
#
# 读懂是一回事，对着时钟开口说出来是另一回事。这一页练的是后者：先看机器走完一场，了解流程和计分，再来你自己的一场。

# %% key="drawn"
from kd_study.interview.following import follow_up
from kd_study.lessons.kit.rehearsal import rehearse, report_on_last_points
from kd_study.notebook.views import show_table
from kd_study.questions import KINDS, question

half = rehearse("h", seed=1)
drawn = [item for item in half.items if not item.follows]
show_table(
    [say("asked", "内容"), say("kind", "类型"), say("clock", "限时")],
    [
        [
            item.name,
            str(KINDS[item.asked.kind]) if item.asked else say("exercise", "练习"),
            say(f"{item.seconds} s", f"{item.seconds}秒"),
        ]
        for item in drawn
    ],
)

# %% [markdown] lang="en"
# Six questions, one of them from the two questions and four design notes that this project began with, one about faulty code, a log or a curve, one design; then two exercises. A short answer has 60 seconds. What the answers leave of the 45 minutes is shared by the design and the exercises.
#
# A seed draws the same interview on every machine: sit it with a friend, or again in a month. Without one your records have a say: what was hard comes three times as often.
#
# Somebody says half of every point, in questions, design and follow-ups, and solves neither exercise. **What score is that?**
# %% [markdown] lang="zh"
# 六个问题：一个出自本项目最初的两道题和四条设计说明，一个是读代码、日志或曲线找错，一个是设计题；然后两道练习。短答限60秒。45分钟里答题剩下的时间，由设计题和练习分配。
#
# 同一个种子在任何机器上抽到同一场：可以和朋友比，也可以一个月后重做。不给种子时，学习记录说了算：薄弱的题出现的机会是平时的三倍。
#
# 有人在问答、设计、追问里每个要点都只说到一半，两道练习都没做出来。**能得多少分？**

# %% tags=["nbval-ignore-output"]
from kd_study import guess

your_guess = guess()
your_guess

# %% key="score"
from kd_study.interview.mock import score_of
from kd_study.interview.report import percent

your_guess.compare(100 * score_of(half.items))
scored = percent(score_of(half.items))
print(say(f"score: {scored}", f"得分：{scored}"))

# %% [markdown] lang="en"
# Questions and exercises count alike, follow-ups half. Code that fails a check is worth half the share of checks that it passes, and what wasn't reached is worth nothing. A design is scored by its rubric, whose points have weights.
#
# ## What is asked next
#
# An interviewer goes on where you left something out. So does this one: of a question's follow-ups it takes the one that shares the rarest words with the points that you missed; after a full answer, the hardest.
# %% [markdown] lang="zh"
# 每个问题、每道练习权重相同，追问减半。没有全部通过检查的代码，按通过比例的一半计分；没做到的不得分。设计题按评分标准打分，各点有权重。
#
# ## 接下来问什么
#
# 面试官会从你漏掉的地方追问，这里也一样：在候选的追问里，选与漏掉的要点共有最罕见词语的那一个；答全了，就问最难的。

# %% key="next"
asked = question("sgd-or-adam")
number = len(asked.points)
for place in range(number):
    marks = "s" * place + "m" + "s" * (number - place - 1)
    following = follow_up(asked, marks).id
    print(say(f"without point {place + 1}: {following}", f"漏掉第{place + 1}点：{following}"))

# %% [markdown] lang="en"
# ## What you are told
#
# The report on somebody who says the last point of every answer and nothing else:
# %% [markdown] lang="zh"
# ## 报告说什么
#
# 假如有人每题只说出最后一点，报告会这样写：

# %% key="told"
for title, lines in report_on_last_points(seed=1):
    print(title, *(f"  {line}" for line in lines), sep="\n")

# %% [markdown] lang="en"
# Yours also says what took longer than its clock, on which day its cards come back in `review()`, and how the score compares with your earlier interviews of that level.
#
# **What would change our mind?** Nobody has compared this score with the outcome of real interviews. You tick your own answers, and people are kind to themselves: let somebody else tick, or record yourself and tick afterwards. What can be trusted more is the difference between two interviews ticked by the same person.
#
# ## Yours
#
# Run the cell, answer aloud, and only then look. Where no buttons are shown: `interview.answer()`, `interview.tick("said", "half", "missed", …)`, `interview.hand_in(your_function)`, `interview.skip()`, and at the end `interview.report()`. Take the seed out for an interview of your own, or choose `level="junior"` or `"staff"`.
# %% [markdown] lang="zh"
# 你自己的报告还会写明：哪些超时了，对应的卡片哪天在`review()`里再来，与你以往同级别的面试相比如何。
#
# **什么会让我们改变看法？** 这个分数从没有与真实面试的结果对照过。钩是你自己打的，而人对自己总是手软：请别人来打，或者先录音，事后再打。更可信的是同一个人打钩的两场之间的差别。
#
# ## 轮到你了
#
# 运行单元格，先开口回答，再看要点。如果没有显示按钮，就用`interview.answer()`、`interview.tick("said", "half", "missed", …)`、`interview.hand_in(你的函数)`、`interview.skip()`，最后是`interview.report()`。去掉seed就是为你新抽的一场；级别可以改成`level="junior"`或`"staff"`。

# %% key="yours"
from kd_study import mock_interview

interview = mock_interview(minutes=45, level="senior", seed=1)
interview

# %% [markdown] lang="en"
# **An open task.** In a terminal `python -m kd_study interview --for two` writes two pages: one for somebody who interviews you, with points, rubric and follow-ups, and one for you, without. Let them ask in their own order. Which of your answers did they tick lower than you would have?
#
# **Next:** all [questions](questions.ipynb), and `review()` tomorrow: what was weak today comes back.
# %% [markdown] lang="zh"
# **一道开放题。** 在终端运行`python -m kd_study interview --for two`，会写出两份网页：一份给面试你的人，带要点、评分标准和追问；一份给你，什么答案都没有。让对方按自己的顺序问。哪些题对方打的钩比你自己会打的低？
#
# **下一课：**[全部面试题](questions.ipynb)；明天再运行`review()`，今天薄弱的题会回来。
