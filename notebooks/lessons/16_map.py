# %% [markdown] lang="en"
# # 16 · The map of the field
#
# *What else do you know?* About 25 minutes, most of them to look things up.
#
# The interview went well. Soft labels, $T^2$, the loop: you had it all. Then your interviewer leans back: "And beyond that? What other ways of distilling do you know?" A list of names is what everybody says. You draw a map.
#
# **Say it in 60 seconds:** "I sort them by two questions. *How far must I see into the teacher?* If only its texts: sequence-level distillation and reasoning traces. Its labels: pseudo-labels. Its probabilities: soft targets, from one teacher, several, or an earlier self. Its inside: hints and attention, or relations such as MiniLM's, which need no equal width. *Whose inputs are read?* Given ones by default; made ones where there are no data; the student's own on policy, which mends exposure bias and needs the teacher live. So I ask what access I have and where my student goes wrong, and take the cheapest that covers both. Plain soft targets are the rival to beat, and in the best-known comparison most don't."
# %% [markdown] lang="zh"
# # 16 · 领域地图
#
# *你还知道什么？* 约25分钟，大部分是用来查的。
#
# 面试很顺利。软标签、$T^2$、训练循环，你都答上来了。这时面试官往后一靠：“除了这些呢？还知道哪些蒸馏方法？”人人都会报一串名字。你画一张地图。
#
# **60秒版本：** “我用两个问题来分。*要看到教师内部多深？* 只有文本：序列级蒸馏、推理轨迹。有标签：伪标签。有概率：软标签，教师可以是一个、几个，或以前的自己。能看内部：提示层、注意力，或者MiniLM那样不要求宽度相同的关系。*读的是谁的输入？* 一般是现成的；没有数据就生成；学生自己写的叫同策略，能治曝光偏差，但教师要一直在线。所以我先问能拿到教师的什么、学生错在哪里，再选两者都满足的最便宜的一种。普通软标签是必须赢过的对手；在最有名的那张对比表里，多数没赢。”

# %% [markdown] lang="en"
# ## The map
#
# Each box leads to its entry further down; hold the mouse over it for one sentence.
# %% [markdown] lang="zh"
# ## 地图
#
# 每个方框都通向下面的条目；鼠标停在上面，会显示一句说明。

# %% key="map"
from kd_study import family_map

family_map()

# %% [markdown] lang="en" caption=true
# From left to right one needs more of the teacher, from top to bottom more of the student. Most of what is called distillation needs logits and given inputs.
# %% [markdown] lang="zh"
# 越往右，要用到教师的越多；越往下，要用到学生的越多。大多数叫作蒸馏的方法，用的是logits和现成的输入。

# %% [markdown] lang="en"
# "The teacher is an API. It returns text and nothing else. What is left?" A call answers that; `passes`, `inputs`, `teachers`, `group` and words can be combined:
# %% [markdown] lang="zh"
# “教师是一个API，只返回文本。那还能做什么？”一次调用就有答案；`passes`、`inputs`、`teachers`、`group`和关键词可以组合：

# %% key="table"
from kd_study import family_table

family_table(passes="texts")

# %% [markdown] lang="en"
# **Guess first:** here are six methods that look inside the teacher, all measured on the same pair of networks. How many of them beat plain soft targets?
# %% [markdown] lang="zh"
# **先猜一猜：** 有六种要看教师内部的方法，都在同一对网络上测过。其中几种赢过普通的软标签？

# %% tags=["nbval-ignore-output"]
from kd_study import guess

guessed = guess(unit=say("methods", "种方法"), low=0, high=6)
guessed

# %% key="same-pair"
from kd_study.notebook.views import show_table

alone, soft = 73.26, 74.92
inside = {"FitNet": 73.58, "AT": 74.08, "SP": 73.83, "RKD": 73.35, "PKT": 74.54, "CRD": 75.48}
rows = {say("no teacher", "无教师"): alone, say("soft targets", "软标签"): soft} | inside
show_table(
    [say("method", "方法"), say("accuracy, %", "准确率，%"), say("against soft targets", "与软标签相比")],
    [[name, f"{value:.2f}", f"{value - soft:+.2f}"] for name, value in rows.items()],
)
guessed.compare(sum(value > soft for value in inside.values()))

# %% [markdown] lang="en"
# One of six. (CIFAR-100, WRN-40-2 to WRN-16-2, as reported in the README of HobbitLong/RepDistiller, by the authors of CRD, who have a stake in it. From a ResNet-50 to a MobileNetV2 attention transfer ends *below* no teacher at all.) It is another matter in pre-training, where no task has logits yet: there hidden states and relations are what TinyBERT and MiniLM pass on.
#
# **What would change our mind?** The numbers on this page are each from their own set-up: other tasks, budgets and rivals, chosen by the authors. They tell what a family can do, not which is best. A table in which *you* would believe: one pair of models, equal steps, equal tuning, five seeds, and beside the teacher the cheapest rival without one. The lessons here are built that way, and more than one claim shrank.
#
# ## Look up what you need
#
# Choose or type; without a widget `family_table("MiniLM")` does the same.
# %% [markdown] lang="zh"
# 六种里只有一种。（CIFAR-100，WRN-40-2到WRN-16-2，数字见HobbitLong/RepDistiller的README；它出自CRD的作者，并非局外人。从ResNet-50到MobileNetV2，注意力迁移甚至*不如*没有教师。）预训练是另一回事：那时还没有任务的logits，TinyBERT和MiniLM传递的正是隐藏状态和关系。
#
# **什么会让我们改变看法？** 这一页的数字各有各的设置：任务、预算、对手都不同，而且由作者自己挑选。它们说明一类方法能做到什么，不说明哪一类最好。值得*你*相信的表是这样的：同一对模型、相同步数、相同调参、五个种子，再加上没有教师的最便宜的对手。这里的各课就是这样做的，缩水的结论不止一个。
#
# ## 按需查找
#
# 可以选，也可以输入；没有控件时，`family_table("MiniLM")`的效果相同。

# %% key="find"
from kd_study import find_families

find_families()

# %% [markdown] question="what-else-do-you-know"

# %% [markdown] lang="en"
# Every entry below has one number *as its source reports it*, and what in this course belongs to it. Not on the map, though it shares the name: *dataset distillation*, which shrinks the data and not the model (Wang et al. 2018, arXiv:1811.10959). Nor the distillation of diffusion models into fewer steps, where what passes on is neither logits nor text but an image with less noise (Salimans & Ho 2022, arXiv:2202.00512).
# %% [markdown] lang="zh"
# 下面每个条目都有一个数字，*照来源的说法写*，还有本课程里与它相关的内容。地图上没有*数据集蒸馏*：名字相近，但它压缩的是数据，不是模型（Wang等2018，arXiv:1811.10959）。也没有扩散模型的步数蒸馏：那里传递的既不是logits也不是文本，而是噪声更少的图像（Salimans与Ho 2022，arXiv:2202.00512）。

# %% [markdown] families=true

# %% [markdown] lang="en"
# **An open task.** Take the newest distillation paper that you can find. Where on the map does it lie, what does it need that its rival doesn't, and what would its number be beside plain soft targets at equal cost? If it fits into no box, you have found something; add it to `kd_study/lessons/families.yaml`.
#
# **Next:** the [mock interview](15_mock_interview.ipynb), or [all questions](questions.ipynb).
# %% [markdown] lang="zh"
# **一道开放题。** 找一篇你能找到的最新的蒸馏论文。它在地图的哪里？它需要什么对手不需要的？代价相同时，与普通软标签相比，它的数字会是多少？如果哪个格子都放不下，你就有了新发现：把它加进`kd_study/lessons/families.yaml`。
#
# **下一课：**[模拟面试](15_mock_interview.ipynb)，或[全部面试题](questions.ipynb)。
