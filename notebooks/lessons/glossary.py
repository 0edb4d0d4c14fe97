# %% [markdown] lang="en"
# # Glossary
#
# One word a thing, in both languages. Behind each meaning: the lessons that use the word. The contents panel at the left lists all of them; Ctrl+F finds one.
# %% [markdown] lang="zh"
# # 术语表
#
# 一个概念只用一个词，中英对照，按英文排序。释义后面是用到它的课程。左侧的目录面板列出了全部术语，也可以用Ctrl+F查找。

# %% [markdown] glossary=true

# %% [markdown] lang="en"
# [Back to the start](00_start.ipynb)

# %% [markdown] lang="zh"
# [回到首页](00_start.ipynb)
