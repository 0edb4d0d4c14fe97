# %% [markdown] lang="en"
# # Errata of the field
#
# *Sentences in public lists that would cost you a point.* The lists named here have helped many people, this project among them. Each place was opened twice, at the commit that the link shows; the authors may have corrected it since. Below each sentence stands what is right, and where that is written.
#
# Have you found such a sentence, in a list or here? Name file, line and date, and say what is right with a source.
# %% [markdown] lang="zh"
# # 勘误
#
# *公开资料里会让你丢分的句子。* 这里提到的资料帮过很多人，也帮过这个项目。每一处都按链接所指的提交打开核对过两次；作者也许已经改正。每句下面写着正确的说法，以及它的出处。
#
# 你也发现了这样的句子，不论在别处还是在这里？请写明文件、行号和日期，并附上正确的说法和出处。

# %% [markdown] errata=true

# %% [markdown] lang="en"
# [All questions](questions.ipynb) · [Back to the start](00_start.ipynb)
# %% [markdown] lang="zh"
# [全部面试题](questions.ipynb) · [回到首页](00_start.ipynb)
