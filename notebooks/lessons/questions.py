# %% [markdown] lang="en"
# # Questions
#
# *Every interview question on one page.* Start the clock, answer aloud, then open the answer and compare, point by point.
#
# Run the cell below to choose by topic, level, kind or lesson, or to search; each line of the result leads to its question. Words that no question holds are taken for a question of your own, in any language that a student distilled by you reads; where no widget is shown, `search_questions("…")` does that. Without the cell, the contents panel at the left lists all of them, and Ctrl+F finds a word.
#
# `python -m kd_study sheet` writes two pages to print for the last evening. What public lists get wrong: [errata](errata.ipynb).
# %% [markdown] lang="zh"
# # 面试题
#
# *全部面试题都在这一页。* 按下计时，先开口回答，再展开答案逐条对照。
#
# 运行下面的单元格，就能按主题、难度、题型、课程挑选，也能搜索；结果里每一行都通向它的问题。没有哪道题包含这些词时，就当作你自己的提问来找，你蒸馏出的学生模型读得懂的语言都可以；没有控件时用`search_questions("……")`。不运行也行：左侧的目录面板列出了全部问题，Ctrl+F可以查词。
#
# `python -m kd_study sheet`写出两页纸，供前一晚打印。公开资料里的错误：[勘误](errata.ipynb)。

# %% key="find"
from kd_study import find_questions

find_questions()

# %% [markdown] bank=true

# %% [markdown] lang="en"
# [Back to the start](00_start.ipynb)
# %% [markdown] lang="zh"
# [回到首页](00_start.ipynb)
