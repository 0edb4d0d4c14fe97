# %% [markdown] lang="en"
# # 08 · A student for many languages
#
# *Can it teach what it can't read?* About 40 minutes, and three exercises.
#
# You have shown the start page's quick student around, and now every country wants its own: Germany, Spain, Russia, Poland, Catalonia. Ten languages, one box, and still not one labelled command outside English.
#
# Somebody from the research group shakes his head. "Your teacher has never read a word of Polish. It can't teach what it doesn't know. You need a multilingual teacher, and those are huge."
#
# Half of that is true. Let us find out which half.
# %% [markdown] lang="zh"
# # 08 · 服务多种语言的学生模型
#
# *自己读不懂的，教得会吗？* 约40分钟，三道练习另计。
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
def one_minus_cosine(student_vectors, teacher_vectors):
    width = teacher_vectors.shape[-1]
    return width / 2 * multilingual_mse(student_vectors, student_vectors, teacher_vectors)


# %% [markdown] question="why-both-terms"

# %% [markdown] lang="en"
# ## Half a minute of training
#
# Besides the translations the student reads the English training commands, rewritten word by word with a lexicon that was mined from the same translations. They are clumsy ("turn on the lamp" → "włącz lampa"), but they speak of lamps, where a user interface speaks of settings. Their target is the teacher's vector of the English command. A rewriting also keeps the label of its English original: a cross-entropy on it joins the loss with weight 0.1, and the last layer is trained on it. Nothing that somebody really said or wrote in another language is labelled. (Some everyday English paraphrases in the rewriting were listed by hand.)
# %% [markdown] lang="zh"
# ## 训练半分钟
#
# 除了译文，学生还读逐词改写成外语的英语训练指令，所用词典就是从这些译文里挖出来的。改写很笨拙（“turn on the lamp” → “włącz lampa”），但说的是灯，而界面文字说的多是设置。它们的目标是教师对英语指令给出的向量。改写还保留英语原文的标签：标签上的交叉熵以0.1的权重加进损失，最后一层也用它训练。其他语言里真正由人说出或写下的指令，依然一条标签也没有。（改写时用到的一些日常英语同义说法，是手工列出的。）

# %% key="distil"
from dataclasses import replace

from kd_solutions.flagship import SHORTER
from kd_solutions.flagship.ladder import reader_of, settle, translate_train
from kd_solutions.flagship.train import imitate

recipe = replace(SHORTER, steps=500)
setting = settle(TEN_LANGUAGES, recipe=recipe, teacher=teacher, progress=False)
student, _ = imitate(setting.corpus, setting.vectors, recipe, loss_function=one_minus_cosine)
by_student = percent_by_language(reader_of(student), commands)

# %% key="result" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.pictures import axes, draw_two_by_language

ax = axes(height=3.8)
draw_two_by_language(ax, by_teacher, by_student, ["teacher", "student"])
guessed.draw(ax, axis="x")


def mean_of_ten(by_language):
    return mean(by_language[language] for language in TEN_LANGUAGES)


print(
    say(
        f"Mean of the ten: teacher {mean_of_ten(by_teacher):.0f} %, student {mean_of_ten(by_student):.0f} %.",
        f"十种语言平均：教师{mean_of_ten(by_teacher):.0f}%，学生{mean_of_ten(by_student):.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# The student beats its teacher in all ten languages, and isn't behind in English.
# %% [markdown] lang="zh"
# 在全部十种语言上学生都胜过教师，英语也没有落后。

# %% [markdown] lang="en"
# "So it can be taught," you say. The colleague isn't beaten yet: "*Somebody* taught it. Are you sure that it was your teacher? Each rewriting carries the label of its English original. Take the teacher away, and keep these labels."
#
# ## What would change our mind?
#
# He asks for **translate-train** (Conneau et al. 2018): the same student on the same rewritten commands for as many steps, with a plain cross-entropy on the labels that they inherit. No teacher anywhere.
#
# Before you run it: how much of the student's lead will be left?
# %% [markdown] lang="zh"
# “看，教得会。”你说。同事还没认输：“是*有人*教会了它。可你确定是你的教师吗？每条改写都带着英语原文的标签。把教师拿掉，只留这些标签试试。”
#
# ## 什么会让我们改变看法？
#
# 他要的是**translate-train**（Conneau等，2018）：同样的学生、同样的改写、同样的步数，只在继承来的标签上做普通的交叉熵，哪儿都没有教师。
#
# 运行之前先想想：学生的领先还会剩下多少？

# %% key="rival"
by_rival = percent_by_language(translate_train(setting), commands)

# %% key="rivals-compared" tags=["nbval-ignore-output"]
ax = axes(height=3.8)
draw_two_by_language(ax, by_rival, by_student, ["translate-train, no teacher", "student"])
print(
    say(
        f"Mean of the ten: translate-train {mean_of_ten(by_rival):.0f} %, "
        f"student {mean_of_ten(by_student):.0f} %.",
        f"十种语言平均：translate-train {mean_of_ten(by_rival):.0f}%，学生{mean_of_ten(by_student):.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# Without any teacher, the rival comes within a few points of the student.
# %% [markdown] lang="zh"
# 没有教师的对手，与学生只差几个百分点。

# %% [markdown] lang="en"
# The colleague is half right, and in a way that he hadn't meant. The teacher *can* teach what it can't read, and most of it can be had *without* the teacher: the lexicon crosses the border, and the English labels ride along. Whoever shows a weaker rival in its place, such as English labels without any rewriting, sells the lexicon's work as the teacher's.
#
# One run is no result. `python -m benchmarks.ladder` climbs from the teacher alone to the whole recipe: the same student and as many steps on every rung, the learning rate of each tuned alike on the development half, then several seeds on the test half. It takes hours, so here is what it kept.
# %% [markdown] lang="zh"
# 同事说对了一半，却不是他原来想的那一半。教师*确实*教得会自己读不懂的东西；而其中大部分，*不要*教师也能得到：越过语言的是词典，英语标签只是搭了便车。如果换一个弱的来对照，比如只用英语标签、连改写也没有，就等于把词典的功劳记在了教师头上。
#
# 跑一次不算结果。`python -m benchmarks.ladder`从“只有教师”一级一级爬到完整方案：每一级都是同样的学生、同样的步数，学习率用同样的办法在开发集上调好，再用几个种子在测试集上评测。它要跑几个小时，下面是它存下的结果。

# %% key="ladder"
from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_solutions.flagship.record import by_seed, recorded_ladder
from kd_study.lessons.kit.curves import draw_curves
from kd_study.lessons.kit.experiments import in_words
from kd_study.lessons.kit.pictures import draw_intervals
from kd_study.notebook.views import show_table

STEPS = 3000
record = recorded_ladder()
rungs = {
    "teacher": (
        "teacher, English head",
        say("teacher alone, a head on the English labels", "只有教师：英语标签上的一层"),
    ),
    "english_labels_only": ("English labels", say("English labels alone", "只用英语标签")),
    "translations_only": (
        "translations",
        say("teacher's vectors, translations alone", "教师的向量，只有译文"),
    ),
    "translate_train": (
        "translate-train",
        say(
            "translate-train: rewritings with their labels, no teacher",
            "translate-train：改写加标签，没有教师",
        ),
    ),
    "soft_labels": ("soft labels", say("the teacher's probabilities on the rewritings", "改写加教师的概率")),
    "vectors_teacher_head": (
        "vectors, its head",
        say(
            "teacher's vectors on all texts, read by the teacher's head",
            "教师的向量，全部文本，用教师的头来读",
        ),
    ),
    "vectors_fitted_head": (
        "vectors, own head",
        say("the same student, its own head on the rewritings", "同一个学生，换上改写上训练的头"),
    ),
    "full_recipe": (
        "vectors and labels",
        say("vectors and labels together: the student above", "向量加标签：上面的学生"),
    ),
}
reached = {name: by_seed(record, rung=name, steps=STEPS) for name in rungs}
draw_intervals(
    axes(height=4),
    {short: t_interval(reached[name]) for name, (short, _) in rungs.items()},
    unit="commands in ten languages read rightly, %",
    baseline=None,
)

# %% [markdown] lang="en" caption=true
# Two big steps: the translations, by which an English teacher gets across at all, and the rewritten commands, which need no teacher. What the teacher adds on top is small.
# %% [markdown] lang="zh"
# 有两大步：一步是译文，英语教师靠它才过得去；另一步是改写的指令，而这一步不需要教师。教师在此之上添的并不多。

# %% key="ladder-table"
show_table(
    [
        say("what the student learns from", "学生学的是什么"),
        say("ten languages, %", "十种语言，%"),
        say("points against translate-train", "与translate-train相差的百分点"),
    ],
    [
        [
            long,
            f"{mean(reached[name]):.1f}",
            in_words(paired_t_interval(reached[name], reached["translate_train"])),
        ]
        for name, (_, long) in rungs.items()
    ],
)

# %% [markdown] lang="en"
# Read it from below. With nothing but translations of a user interface, and not one rewritten command, the teacher's vectors lift the ten languages far above what the teacher itself reads: "it can't teach what it doesn't know" is false. But the labels on the rewritings reach higher alone. On top of them the teacher's probabilities bring nothing that these seeds could show; its *vectors* do. They are learned from all texts, not just from commands; whether that is the reason, no rung here tells.
#
# So is the teacher worth three points, and that's that? One thing is the same on all rungs so far: eleven thousand English labels.
# %% [markdown] lang="zh"
# 从下往上看。只有界面译文、一条改写都没有时，教师的向量就让十种语言远远高过教师自己的水平：“它不懂的东西教不了”这话不成立。可是单靠改写上的标签，爬得还要更高。再加上教师的概率，这几个种子看不出任何好处；加上教师的*向量*则有。学向量用的是所有文本，不只是指令；是不是这个缘故，这几级台阶没有回答。
#
# 那么教师就值三个百分点，到此为止？到现在为止，每一级都有一样东西没有变：一万一千条英语标签。

# %% key="fewer-labels"
CURVES = {
    "full_recipe": "vectors and pseudo-labels",
    "pseudo_labels": "teacher's pseudo-labels",
    "self_training": "own pseudo-labels, no teacher",
    "translate_train": "translate-train",
    "teacher": "teacher, English head",
}
AMOUNTS = {1: "1", 5: "5", 20: "20", None: "all (about 350)"}
curves = {
    name: {
        AMOUNTS[amount]: by_seed(record, rung=name, labels_a_class=amount, steps=STEPS)
        for amount in AMOUNTS
        if amount or name not in ("pseudo_labels", "self_training")  # nothing would be left to label
    }
    for name in CURVES
}
ax = axes(height=3.6)
draw_curves(
    ax,
    list(AMOUNTS.values()),
    {CURVES[name]: curve for name, curve in curves.items()},
    "English labels a class",
)
ax.set_ylim(0, 100)
ax.legend(frameon=False, fontsize=8)

# %% [markdown] lang="en" caption=true
# Where English labels are few, the teacher's student lies far above translate-train; where they abound, a little. A student that labels the rest of the log by itself lies in between.
# %% [markdown] lang="zh"
# 英语标签少的时候，跟着教师学的学生远高于translate-train；标签充足时，只高一点。给日志里其余指令自己打标签的学生，落在两者中间。

# %% key="worth-by-labels"
show_table(
    [
        say("English labels a class", "每类英语标签"),
        say("the teacher over translate-train, points", "教师比translate-train多的百分点"),
        say("over the student's own pseudo-labels", "比学生自己的伪标签多的百分点"),
    ],
    [
        [
            name,
            in_words(paired_t_interval(curves["full_recipe"][name], curves["translate_train"][name])),
            in_words(paired_t_interval(curves["full_recipe"][name], curves["self_training"][name]))
            if amount
            else "–",
        ]
        for amount, name in AMOUNTS.items()
    ],
)

# %% [markdown] lang="en"
# The left column looks like the teacher's worth, and isn't quite. Translate-train has no use for the English commands that nobody labelled, and the teacher's student has: it gets *two* things, a teacher and a log. The strongest rival has the log as well. It learns the few labels, labels the rest of the log **by itself**, and learns again from both. Against it, the right column, the teacher keeps about two thirds of its lead at one label a class, a third at five, and less than half at twenty.
#
# So the worth has a shape: largest where labels are few, and never as large as the first comparison says. The lines don't cross here; the teacher's student is ahead everywhere, by less and less. Look at the two upper lines, too: nearly all of it is in the teacher's plain hard labels. What its vectors add to them is two points at most.
# %% [markdown] lang="zh"
# 左边一列看着像教师的价值，其实不全是。没人标注过的英语指令，translate-train用不上，跟着教师学的学生却用上了：它多得了*两样*东西，教师和日志。最强的对手也该有日志：先学那几条标签，再**自己**给日志里其余的指令打标签，然后两者一起重新学。和它比（右边一列），教师的领先在每类一条标签时还剩约三分之二，五条时剩三分之一，二十条时不到一半。
#
# 所以这个价值有它的形状：标签越少越大，但从来没有第一种比法说的那么大。在这里几条线始终没有相交：跟着教师学的学生处处领先，只是领先得越来越少。再看上面那两条线：好处几乎全在教师的普通硬标签里，向量在此之上最多再添两个百分点。

# %% [markdown] question="prove-that-it-helped"

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
# The network is the small part. What many languages need is words. So whoever sells in Germany alone can leave most of the words at home: write the function that cuts a table down to the rows in use.
# %% [markdown] lang="zh"
# 网络只占一小部分。语言一多，需要的是词。反过来，只在德国卖的盒子，大部分的词可以不带：请写一个函数，把这张表裁到只剩用得着的行。

# %% exercise="trim_vocabulary"

# %% key="trimmed"
from kd_solutions.flagship import rewritten_commands
from kd_study.lessons.kit.assistant import with_rows_of

rewritten = dict(zip(TEN_LANGUAGES, rewritten_commands(TEN_LANGUAGES, recipe, progress=False), strict=True))
rows = []
for language in ("de", "zh"):
    texts = [text for pair in parallel.training_pairs(language) for text in pair]
    texts += rewritten[language] + setting.corpus.labelled("commands")[0]
    trimmed, kept = with_rows_of(student, texts, trim_vocabulary)
    after = percent_by_language(reader_of(trimmed), {language: commands[language]})[language]
    rows.append([language, f"{100 * kept:.0f}", f"{by_student[language]:.0f}", f"{after:.0f}"])

# %% key="trimmed-table" tags=["nbval-ignore-output"]
show_table(
    [
        say("English and …", "英语和……"),
        say("rows kept, %", "保留的行，%"),
        say("whole table, % read", "完整词表，读对的%"),
        say("cut table, % read", "裁剪后，读对的%"),
    ],
    rows,
)

# %% [markdown] lang="en"
# Less falls away than you hoped, and nothing is lost in reading. A hash has no names: every language scatters its pieces over the whole table, and most rows serve several at once. Chinese, where each short run of characters is a piece, touches even more rows than German. With a *vocabulary*, where each piece has a row of its own, those of the other languages would go, and the cut be deep (Abdaoui et al. 2020).
# %% [markdown] lang="zh"
# 能裁掉的比想象的少，读的准确率则毫无损失。哈希不认名字：每种语言的子词都撒在整张表上，多数行同时为好几种语言服务。中文里每个短短的字串都是一个子词，碰到的行比德语还多。要是每个子词都有自己的一行（而不是靠哈希），别的语言的行就能去掉，那才裁得深（Abdaoui等，2020）。

# %% [markdown] question="where-the-bytes-are"

# %% [markdown] lang="en"
# ## Who gets how much of a batch
#
# Ten languages were easy: each has much text. The translations know dozens more, and some have a handful of strings. Drawn by size, the small ones are never seen; drawn alike, the handful is repeated until the student knows it by heart. The usual middle draws a language with $n$ texts in proportion to $n^\alpha$.
# %% [markdown] lang="zh"
# ## 一批数据怎么分
#
# 前面十种语言不成问题，每种都有很多文本。译文里还有几十种语言，有的只有寥寥几条。按数量抽，小语种永远轮不到；平均抽，那几条会反复出现，学生都背下来了。常见的折中是：有$n$条文本的语言，按$n^\alpha$的比例来抽。

# %% exercise="language_weights"

# %%
from kd_solutions.data import parallel_languages
from kd_study.lessons.kit.dials import Dial

counts = {language: count for language, count in parallel_languages().items() if count}
by_size = sorted(counts, key=counts.get, reverse=True)


def draw_weights(alpha):
    weights = language_weights(counts, alpha)
    ax = axes(height=2.6)
    ax.bar(range(len(by_size)), [100 * weights[language] for language in by_size], color="black")
    ax.set(xlabel=f"{len(by_size)} languages, by their number of texts", ylabel="of a batch, %", ylim=(0, 8))
    ax.set_title(f"alpha = {alpha:g}")
    return ax.figure


Dial(draw_weights, "alpha", (0, 0.3, 0.5, 0.7, 1), start=0.3)

# %% key="weights"
figure = draw_weights(0.3)
largest, smallest = by_size[0], by_size[-1]
for alpha in (1, 0.3, 0):
    weights = language_weights(counts, alpha)
    ratio = weights[largest] / weights[smallest]
    print(
        say(
            f"alpha {alpha:g}: {largest} is drawn {ratio:,.0f} times as often as {smallest}",
            f"alpha为{alpha:g}：抽到{largest}的次数是{smallest}的{ratio:,.0f}倍",
        )
    )

# %% [markdown] lang="en" caption=true
# At alpha 0.3 the smallest languages get a visible share of a batch, and the largest don't fill it.
# %% [markdown] lang="zh"
# alpha取0.3时，最小的语言在一批里也看得见，最大的又不至于占满。

# %% [markdown] lang="en"
# What the small ones gain by it, this page doesn't measure: they have next to no commands to test on. That is the usual trouble with the tail, and it is the honest answer in an interview too.
#
# ## Say it in 60 seconds
#
# Aloud, then open and compare.
# %% [markdown] lang="zh"
# 小语种由此得到多少好处，这一页没有测：它们几乎没有可供测试的指令。长尾语言的麻烦历来如此，面试时也应当这样如实回答。
#
# ## 60秒内说清楚
#
# 先出声回答，再展开对照。

# %% [markdown] question="advantages-across-languages"

# %% [markdown] lang="en"
# **Still open.** How far would a few hundred labels in the target language get you instead? And what is the student robust to? Lessons [09](09_less_data.ipynb) and [10](10_robustness.ipynb) put both on trial. Back to the [start](00_start.ipynb), or to [all exercises](exercises.ipynb).
# %% [markdown] lang="zh"
# **还没回答的。** 换成目标语言的几百条标签，能做到什么程度？学生又对什么鲁棒？这两个问题，第[09](09_less_data.ipynb)课和第[10](10_robustness.ipynb)课来检验。回到[首页](00_start.ipynb)，或去[全部练习](exercises.ipynb)。
