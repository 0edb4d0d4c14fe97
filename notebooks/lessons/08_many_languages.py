# %% [markdown] lang="en"
# # 08 · A student for many languages
#
# *How small can one model for all of them be?* About 30 minutes, one exercise.
#
# You have shown the start page's quick student around, and now every country wants its own: Germany, Spain, Russia, Poland, Catalonia. Ten languages, one box, and still not one labelled command outside English.
#
# Somebody from the research group shakes his head. "Your teacher has never read a word of Polish. It can't teach what it doesn't know. You need a multilingual teacher, and those are huge."
#
# Half of that is true. Let us find out which half.
# %% [markdown] lang="zh"
# # 08 · 服务多种语言的学生模型
#
# *服务所有语言的一个模型，能做到多小？* 约30分钟，一道练习。
#
# 首页上那个速成的学生，你拿给大家看过了，这下谁都想要：德国、西班牙、俄罗斯、波兰、加泰罗尼亚。十种语言，一个盒子，英语之外仍然没有一条带标签的指令。
#
# 研究组的同事摇头：“你的教师一个波兰语单词都没读过，它不懂的东西教不了。得用多语言教师，可那种模型都很大。”
#
# 这话对了一半。我们来看看是哪一半。

# %% key="teacher"
from statistics import mean

from kd_solutions import TeacherModel
from kd_solutions.data import TEN_LANGUAGES
from kd_solutions.flagship import train_teacher_head
from kd_study.lessons.kit.assistant import percent_by_language, some_commands

teacher = TeacherModel.from_pretrained()
train_teacher_head(teacher, progress=False)
commands = {language: some_commands(language, 200) for language in ("en", *TEN_LANGUAGES)}
by_teacher = percent_by_language(teacher, commands)
print(
    say(
        f"The teacher reads {by_teacher['en']:.0f} % of the English commands and, on average, "
        f"{mean(by_teacher[language] for language in TEN_LANGUAGES):.0f} % of those in ten other languages.",
        f"教师读对{by_teacher['en']:.0f}%的英语指令；在另外十种语言上平均读对"
        f"{mean(by_teacher[language] for language in TEN_LANGUAGES):.0f}%。",
    )
)

# %% [markdown] lang="en"
# The colleague is right about the teacher. (The commands are a sample that no training touches. In the ten languages it is not from the test half, on which the table further down rests.)
#
# **Guess first.** How many of the commands in the ten languages will a student read that learned from *this* teacher?
# %% [markdown] lang="zh"
# 同事说教师不懂，这话不错。（这里的指令是训练从不接触的样本；那十种语言的样本也不取自下文那张表所用的测试集。）
#
# **先猜一猜。** 跟着*这个*教师学的学生，在这十种语言上能读对多少指令？

# %%
from kd_study import guess

guessed = guess(unit="%")
guessed

# %% [markdown] lang="en"
# ## Who knows what
#
# The teacher knows what an English text means. The translators of the user interface knew, years ago, which foreign text means the same. Put the two together:
# %% [markdown] lang="zh"
# ## 谁知道什么
#
# 教师知道一段英语是什么意思。界面的译者早就知道哪段外语与它同义。把两者合起来：

# %%
from kd_solutions.data import load_parallel

parallel = load_parallel(TEN_LANGUAGES)
for language in ("de", "pl", "zh"):
    pairs = [pair for pair in parallel.training_pairs(language) if 20 < len(pair[0]) < 36]
    english, translation = pairs[200]
    print(f"{language}: {english}  =  {translation}")
total = sum(len(parallel.training_pairs(language)) for language in TEN_LANGUAGES)
print(say(f"{total:,} such pairs in ten languages", f"十种语言共有{total:,}个这样的句对"))

# %% [markdown] lang="en"
# The teacher $T$ reads the left side, $s$, and gives a vector. The student $M$ reads both sides, and both times it must give *that* vector. Only the student ever reads the right side. That is the whole trick (Reimers & Gurevych 2020), and it is yours to write. ($T$ is the teacher here, not the temperature. And look at the Polish pair: 1 minute has become 15. Real translations have errors, and the student learns from those too.)
# %% [markdown] lang="zh"
# 教师$T$读左边的$s$，给出一个向量。学生$M$两边都读，两次都要给出*这个*向量。右边除了学生没有别人读。诀窍就这么多（Reimers & Gurevych 2020），由你来写。（这里的$T$指教师，不是温度系数。再看波兰语那一对：1分钟变成了15分钟。真实的译文会有错，学生连错误也一起学。）

# %% exercise="multilingual_mse"

# %% [markdown] lang="en"
# In our batches each row is one text, English or translated, with the vector that it must reach. So we hand the same rows to both terms. All vectors have length one and $D$ numbers; $\frac{D}{2}$ times your loss is then one minus the cosine, which is easy to read: 0 for a perfect copy, 1 for an unrelated direction.
# %% [markdown] lang="zh"
# 在我们的批次里，每一行是一条文本（英语或译文）和它应当到达的向量，所以两项用的是同样这些行。向量的长度都是一，维数为$D$：你的损失乘以$\frac{D}{2}$，就是一减余弦，一看便懂：完全一致时为0，方向毫不相干时为1。


# %%
def imitate(student_vectors, teacher_vectors):
    width = teacher_vectors.shape[-1]
    return width / 2 * multilingual_mse(student_vectors, student_vectors, teacher_vectors)


# %% [markdown] lang="en"
# ## Half a minute of training
#
# Besides the translations the student reads the English training commands, rewritten word by word with a lexicon that was mined from the same translations. They are clumsy ("turn on the lamp" → "włącz lampa"), but they speak of lamps, where a user interface speaks of settings. Their target is the teacher's vector of the English command. A rewriting also keeps the label of its English original: a cross-entropy on it joins the loss with weight 0.1, and the last layer is trained on it. Nothing that somebody really said or wrote in another language is labelled. (Some everyday English paraphrases in the rewriting were listed by hand.)
# %% [markdown] lang="zh"
# ## 训练半分钟
#
# 除了译文，学生还读逐词改写成外语的英语训练指令，所用词典就是从这些译文里挖出来的。改写很笨拙（“turn on the lamp” → “włącz lampa”），但说的是灯，而界面文字说的多是设置。它们的目标是教师对英语指令给出的向量。改写还保留英语原文的标签：标签上的交叉熵以0.1的权重加进损失，最后一层也用它训练。其他语言里真正由人说出或写下的指令，依然一条标签也没有。（改写时用到的一些日常英语同义说法，是手工列出的。）

# %% key="distil"
from kd_solutions.flagship import SHORTER, distill_student

flagship = distill_student(
    TEN_LANGUAGES, teacher=teacher, recipe=SHORTER, loss_function=imitate, progress=False
)
student = flagship.student
by_student = percent_by_language(student, commands)

# %% key="result" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.pictures import axes, draw_two_by_language

ax = axes(height=3.8)
draw_two_by_language(ax, by_teacher, by_student, ["teacher", "student"])
guessed.draw(ax, axis="x")
print(
    say(
        f"Mean of the ten: teacher {mean(by_teacher[x] for x in TEN_LANGUAGES):.0f} %, "
        f"student {mean(by_student[x] for x in TEN_LANGUAGES):.0f} %.",
        f"十种语言平均：教师{mean(by_teacher[x] for x in TEN_LANGUAGES):.0f}%，"
        f"学生{mean(by_student[x] for x in TEN_LANGUAGES):.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# The student beats its teacher in all ten languages, and isn't behind in English.
# %% [markdown] lang="zh"
# 在全部十种语言上学生都胜过教师，英语也没有落后。

# %% [markdown] lang="en"
# So the colleague is wrong about the teaching. Knowledge of the *languages* comes from the translations; knowledge of the *task* from the teacher, and from the labels that the rewritings keep.
#
# ## What would change our mind?
#
# Perhaps the teacher isn't needed: commands share words across languages, such as "timer" and "Timer". Train the same student on the English labels alone.
# %% [markdown] lang="zh"
# 所以“教不了”这一半是错的。关于*语言*的知识来自译文；关于*任务*的知识来自教师，也来自改写所保留的标签。
#
# ## 什么会让我们改变看法？
#
# 也许根本不需要教师：不同语言的指令里有些词是共通的，比如“timer”和“Timer”。那就让同样的学生只用英语标签训练。

# %% key="control" tags=["nbval-ignore-output"]
from kd_solutions.flagship import train_on_english_labels

control = train_on_english_labels(progress=False)
by_control = percent_by_language(control, commands)
print(
    say(
        f"English labels alone: English {by_control['en']:.0f} %, the ten languages "
        f"{mean(by_control[x] for x in TEN_LANGUAGES):.0f} %.",
        f"只用英语标签：英语{by_control['en']:.0f}%，十种语言平均{mean(by_control[x] for x in TEN_LANGUAGES):.0f}%。",
    )
)

# %% [markdown] lang="en"
# It reads English as well as any of them, and elsewhere it knows loan words at best. What the ten languages gain over this, they owe to the translations, to the labels that these carry, and to the teacher; how much to which, this control can't tell.
#
# ## The long run
#
# `python -m kd_study distill` trains longer; with everything around it, it takes several minutes. Its result for several seeds, on the test half, which had no say in the choice of the recipe:
# %% [markdown] lang="zh"
# 英语上它谁也不输，到了别的语言，顶多认得几个外来词。十种语言比它多出来的部分，来自译文、译文带来的标签和教师；各占多少，这个对照说不出来。
#
# ## 完整训练
#
# `python -m kd_study distill`训练得更久，全部跑完要几分钟。下面是它用多个随机种子在测试集上得到的结果；选定方案时没有参考过测试集：

# %% key="long-run"
from kd_solutions.flagship.record import recorded_flagship

record = recorded_flagship()
for language, row in record.languages.items():
    low, high = min(row.student), max(row.student)
    print(
        say(
            f"{language}: teacher {row.teacher:3.0f} %, student {mean(row.student):3.0f} % (seeds: {low:.1f} to {high:.1f})",
            f"{language}：教师{row.teacher:3.0f}%，学生{mean(row.student):3.0f}%（各种子：{low:.1f}至{high:.1f}）",
        )
    )
print(
    say(
        f"Mean of the ten: {record.mean_of_others:.1f} %, {record.megabytes:.1f} MB on disk, {record.seeds} seeds",
        f"十种语言平均{record.mean_of_others:.1f}%，磁盘占用{record.megabytes:.1f} MB，{record.seeds}个种子",
    )
)

# %% [markdown] lang="en"
# ## Ask it yourself
#
# First a few commands, then a box for your own, in any of the languages.
# %% [markdown] lang="zh"
# ## 自己问问看
#
# 先看几条现成的指令，再在输入框里试试你自己的，哪种语言都行。

# %% key="answers" tags=["nbval-ignore-output"]
from kd_study import show_answers, try_commands
from kd_study.lessons.kit.assistant import side_by_side

answer = side_by_side(teacher, student)
show_answers(
    answer,
    [
        "turn off the light",
        "mach das Licht in der Küche aus",
        "pon un temporizador de cinco minutos",
        "关掉客厅的灯",
    ],
)

# %%
try_commands(answer, "włącz światło w kuchni")

# %% [markdown] lang="en"
# ## Where it fails
#
# A mean hides what one user gets every day. Which language is worst, and what goes wrong most?
# %% [markdown] lang="zh"
# ## 它在哪里失败
#
# 平均数掩盖了某个用户天天遇到的问题。哪种语言最差？最常出什么错？

# %% key="worst" tags=["nbval-ignore-output"]
from kd_solutions.evaluation import worst_language
from kd_study.lessons.kit.assistant import common_mistakes

others = {language: by_student[language] for language in TEN_LANGUAGES}
worst, percent = worst_language(others)
print(say(f"Worst: {worst}, {percent:.0f} %", f"最差：{worst}，{percent:.0f}%"))
for mistake in common_mistakes(student, [commands[language] for language in TEN_LANGUAGES])[:5]:
    print(f"{mistake.intent} → {mistake.read_as}: {mistake.count} ({mistake.example})")

# %% [markdown] lang="en"
# Look at the pairs. Setting a volume and changing it, pausing and cancelling a timer, lengthening and shortening it: the sentences share nearly all their words, and this student sees a bag of words, without their order. Others fail because everyday verbs are missing from a user interface, and so from the lexicon. And “关掉客厅的灯” (turn off the living-room light) is at times read as a question: no translation contains 关掉, as lesson 00 counts, so its pieces lie in rows that other texts trained. What would you try first?
#
# ## Where the bytes are
# %% [markdown] lang="zh"
# 看看这些混淆：设定音量与调节音量、暂停与取消定时器、延长与缩短定时器：句子里的词几乎全一样，而这个学生看到的只是一袋词，没有先后。另一些错误是因为日常动词在界面文字里不出现，词典里也就没有。还有，“关掉客厅的灯”有时会被当成询问：第00课数过，译文里没有“关掉”，它的子词落在别的文本训练过的行里。换作你，先试什么？
#
# ## 字节都在哪里

# %% key="bytes"
parameters = {
    name: sum(p.numel() for p in part.parameters())
    for name, part in student.named_children()
    if part is not student.features
}
table_bytes = parameters["table"] + 2 * student.sizes["rows"]  # int8, and a float16 scale a row
other_bytes = 2 * (sum(parameters.values()) - parameters["table"])  # float16
share = table_bytes / (table_bytes + other_bytes)
print(
    say(
        f"{(table_bytes + other_bytes) / 1e6:.1f} MB on disk, {share:.0%} of them in the table of subwords.",
        f"磁盘占用{(table_bytes + other_bytes) / 1e6:.1f} MB，其中{share:.0%}是子词表。",
    )
)

# %% [markdown] lang="en"
# The network is the small part. What many languages need is words.
#
# ## Say it in 60 seconds
#
# Aloud, then open and compare.
# %% [markdown] lang="zh"
# 网络只占一小部分。语言一多，需要的是词。
#
# ## 60秒内说清楚
#
# 先出声回答，再展开对照。

# %% [markdown] question="advantages-across-languages"

# %% [markdown] question="why-both-terms"

# %% [markdown] question="mse-or-cosine"

# %% [markdown] question="where-the-bytes-are"

# %% [markdown] question="mean-or-worst-language"

# %% [markdown] question="prove-that-it-helped"

# %% [markdown] question="confused-neighbours"

# %% [markdown] lang="en"
# **Still open.** How far would a few hundred labels in the target language get you instead? And is the student robust where the translations end? Those are questions for later lessons. Back to the [start](00_start.ipynb), or to [all exercises](exercises.ipynb).
# %% [markdown] lang="zh"
# **还没回答的。** 换成目标语言的几百条标签，能做到什么程度？在译文覆盖不到的地方，学生还鲁棒吗？这些留给以后的课。回到[首页](00_start.ipynb)，或去[全部练习](exercises.ipynb)。
