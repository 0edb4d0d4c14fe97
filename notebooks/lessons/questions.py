# %% [markdown] lang="en"
# # Questions
#
# *Every interview question on one page.* Start the clock, answer aloud, then open the answer and compare, point by point.
#
# ## Foundations
# %% [markdown] lang="zh"
# # 面试题
#
# *全部面试题都在这一页。* 按下计时，先开口回答，再展开答案逐条对照。
#
# ## 基础

# %% [markdown] bank="foundations"

# %% [markdown] lang="en"
# ## Temperature
# %% [markdown] lang="zh"
# ## 温度系数

# %% [markdown] bank="temperature"

# %% [markdown] lang="en"
# ## The loop
# %% [markdown] lang="zh"
# ## 训练循环

# %% [markdown] bank="loop"

# %% [markdown] lang="en"
# ## Across languages
# %% [markdown] lang="zh"
# ## 跨语言

# %% [markdown] bank="crosslingual"

# %% [markdown] lang="en"
# ## Features, relations and debugging
# %% [markdown] lang="zh"
# ## 特征、关系与排错

# %% [markdown] bank="features"

# %% [markdown] lang="en"
# ## Embeddings and more languages
# %% [markdown] lang="zh"
# ## 句向量与更多语言

# %% [markdown] bank="embeddings"

# %% [markdown] lang="en"
# ## Language models
# %% [markdown] lang="zh"
# ## 语言模型的蒸馏

# %% [markdown] bank="sequences"

# %% [markdown] lang="en"
# ## Language models in practice
# %% [markdown] lang="zh"
# ## 语言模型蒸馏的实务

# %% [markdown] bank="llm_practice"

# %% [markdown] lang="en"
# ## Compression and deployment
# %% [markdown] lang="zh"
# ## 压缩与部署

# %% [markdown] bank="compression"

# %% [markdown] lang="en"
# [Back to the start](00_start.ipynb)
# %% [markdown] lang="zh"
# [回到首页](00_start.ipynb)
