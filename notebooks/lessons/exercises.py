# %% [markdown] lang="en"
# # Exercises
#
# *Every coding exercise on one page.* Each can be done on its own: fill the stub, run it, then run the cell below it. `hint("name")` has three hints, `solution("name")` the reference and what an interviewer asks next.
#
# Rather in your own editor? `python -m kd_study exercise kd_loss > kd_loss.py`, and then `python -m kd_study check kd_loss.py`.
# %% [markdown] lang="zh"
# # 练习
#
# *全部编程练习都在这一页。* 每道题都可以单独做：填好框架，运行，再运行下面的单元格。`hint("name")`有三条提示，`solution("name")`给出参考答案，以及面试官接下来会问什么。
#
# 想用自己的编辑器？`python -m kd_study exercise kd_loss > kd_loss.py`，写完后`python -m kd_study check kd_loss.py`。

# %%
from kd_study import exercise_table

exercise_table()

# %% topic="response"

# %% topic="loop"

# %% topic="features"

# %% topic="crosslingual"

# %% topic="sequences"

# %% topic="measuring"

# %% topic="debugging"
