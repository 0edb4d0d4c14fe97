# %% [markdown] lang="en"
# # 11 · Labels across languages
#
# *What if the vectors can't carry it?* About 40 minutes, and 35 more for its three exercises.
#
# "Set the office to 19 degrees", says a user in Madrid, in Spanish, and the box knows what is wanted: a temperature. Which room, and how many degrees? Mei shrugs. "The vector has the whole sentence in it. Put another head on it."
#
# What a command leaves open is called a slot. Here are some.
# %% [markdown] lang="zh"
# # 11 · 跨语言的标签
#
# *向量装不下的，怎么带过去？* 约40分钟，三道练习另需35分钟。
#
# 马德里的一位用户用西班牙语说：“把办公室调到19度。”盒子听懂了要干什么：调温度。可是哪个房间，多少度？小梅耸耸肩：“整句话都在向量里，再加一个分类头不就行了。”
#
# 一条指令里等着填的空，叫做槽位。先看几条。

# %% key="slots"
import torch
import torch.nn.functional as F

from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_solutions.models import PretrainedTeacher, StudentModel
from kd_solutions.signals import CachedSignal
from kd_study import guess, my_guesses
from kd_study.lessons.kit.crossing import carry, lexicon_of
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import few_commands, in_words, score_by_intent
from kd_study.lessons.kit.neighbours import ask_neighbours
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.lessons.kit.slots import LABELS, Gazetteer, load_slot_commands, marked, slot_f1, spans
from kd_study.lessons.kit.tagging import Imitators, Readers, Taggers, Vocabulary, WordTeacher
from kd_study.lessons.kit.tagging import answers, cut, fitted_logits, train_students
from kd_study.notebook.views import show_table

english = load_slot_commands("en", "train")
foreign = {language: load_slot_commands(language, "dev", 500) for language in ("de", "es")}
with_two = [row for row, labels in enumerate(english.labels) if len(spans(labels)) == 2]
for row in with_two[:5]:
    print(marked(english.words[row], english.labels[row]))
print(
    say(
        f"{len(english):,} English commands, {len(LABELS) - 1} kinds of slots; "
        f"to measure on: {sum(map(len, foreign.values())):,} German and Spanish ones.",
        f"英语指令{len(english):,}条，槽位{len(LABELS) - 1}种；用来测量的德语和西班牙语指令{sum(map(len, foreign.values())):,}条。",
    )
)

# %% [markdown] lang="en"
# They are sampled from templates, hence their odd grammar. The German and Spanish slots come from those languages' own templates and serve to measure alone: nothing below is trained on them.
#
# ## One vector, many words
#
# Take two commands that differ in *which room gets what*.
# %% [markdown] lang="zh"
# 指令是用模板采样出来的，所以语法有点怪。德语和西班牙语的槽位出自它们自己的模板，只用来测量，下面的训练一概不碰。
#
# ## 一个向量，许多个词
#
# 取两条指令，区别只在*哪个房间要干什么*。

# %% key="one-vector"
pair = [
    "open the kitchen blinds and close the office blinds",
    "open the office blinds and close the kitchen blinds",
]
vectors_of = CachedSignal(PretrainedTeacher())
both = {
    say("teacher, MiniLM", "教师MiniLM"): vectors_of(pair),
    say("student of lesson 08", "第08课的学生"): StudentModel(["any"]).encode(pair).detach(),
}
for name, found in both.items():
    cosine = F.cosine_similarity(found[:1], found[1:]).item()
    print(say(f"{name}: cosine {cosine:.3f}", f"{name}：余弦{cosine:.3f}"))

# %% [markdown] lang="en"
# The student averages pieces of words, so the order is gone before any weight is trained: no head can bring it back. MiniLM does see the order, and its sentence vector keeps next to nothing of it here. And for either, a head on *one* vector gives *one* answer, while the command above needs nine, one a word.
#
# Mei doesn't give up: "Then read the sentence through a window. Give the student one word with its neighbours, as if that were the sentence." Remember this; we shall run it.
#
# If vectors can't carry the task, something else must cross: the **answers**. First for whole sentences, where we know what to expect.
#
# ## The teacher's opinion, translated
#
# Somebody labelled two English commands for each intent. A head on MiniLM's vectors learns from these and reads all the others. The student reads the same commands rewritten in German and Spanish (lesson 08's word-by-word rewriting), and is told the teacher's opinion of the *English* one.
# %% [markdown] lang="zh"
# 学生对子词取平均，一个权重还没训练，词序就已经丢了，什么分类头也找不回来。MiniLM看得到词序，可它的句向量在这里几乎没把词序留下来。何况不论哪一个，*一个*向量上的分类头只给*一个*回答，而上面的指令一词一答，需要九个。
#
# 小梅不服：“那就隔着窗口读。每次只给学生一个词和它左右的邻居，当作一句话。”先记着，待会儿真跑一遍。
#
# 向量带不动，就得让别的东西过去：**答案**本身。先看整句的答案，这里心里有数。
#
# ## 把教师的看法翻译过去
#
# 有人给每种意图标注了两条英语指令。MiniLM向量上的分类头从中学习，再去读其余所有指令。学生读的是同样的指令，逐词改写成了德语和西班牙语（第08课的办法），学的是教师对*英语原句*的看法。

# %% key="teacher"
SEEDS, EACH, INTENTS = range(5), 2, int(english.intents.max()) + 1
STUDENTS = len(SEEDS)
own = torch.arange(STUDENTS)[:, None]  # each student has a teacher with labels of its own
samples = [few_commands(english.intents, EACH, seed) for seed in SEEDS]
teacher = fitted_logits(vectors_of(english.texts), english.intents, samples, INTENTS)
confidence, named = teacher.softmax(-1).max(-1)
print(say(f"{len(samples[0])} labelled commands a teacher", f"每位教师有{len(samples[0])}条带标签的指令"))
for least in (0.0, 0.5, 0.7):
    sure = confidence >= least
    kept, right = 100 * sure.float().mean(), 100 * (named == english.intents)[sure].float().mean()
    print(
        say(
            f"confidence at least {least}: {kept:3.0f} % of the commands, {right:.0f} % of them named rightly",
            f"置信度不低于{least}：占全部指令的{kept:.0f}%，其中说对{right:.0f}%",
        )
    )

# %% [markdown] lang="en"
# A mediocre teacher, but it knows when it is good. Shouldn't the student listen only then? Build the loss with that choice in it.
# %% [markdown] lang="zh"
# 教师不算好，但它知道自己什么时候好。那么，是不是只该听它有把握的？写出带这个选择的损失。

# %% exercise="transfer_soft_labels"

# %%
carried = carry(english.words, [lexicon_of(language) for language in foreign])
measured = [words for commands in (english, *foreign.values()) for words in commands.words]
vocabulary = Vocabulary(carried.words + measured)
numbers = vocabulary(carried.words)
asked = {language: vocabulary(commands.words) for language, commands in foreign.items()}
labelled = [torch.isin(carried.commands, rows).nonzero().squeeze(1) for rows in samples]


def read_intents(loss_function, rows_of=None):
    """Each student's percent of German and Spanish commands whose intent it names."""
    readers = Readers(vocabulary, STUDENTS, INTENTS)
    train_students(readers, numbers, loss_function, rows_of, steps=100)
    right = [answers(readers, asked[name]).argmax(-1) == foreign[name].intents for name in foreign]
    return 100 * torch.cat(right, dim=1).float().mean(1)


def on_labels(logits, rows):
    return F.cross_entropy(logits.flatten(0, 1), english.intents[carried.commands[rows]].flatten())


def on_named(logits, rows):
    return F.cross_entropy(logits.flatten(0, 1), named[own, carried.commands[rows]].flatten())


def on_opinions(least=0.0):
    def loss(logits, rows):
        opinions = teacher[own, carried.commands[rows]]
        return transfer_soft_labels(opinions.flatten(0, 1), logits.flatten(0, 1), min_confidence=least)

    return loss


shuffled = confidence[:, torch.randperm(len(english), generator=torch.Generator().manual_seed(0))]


def on_as_many(logits, rows):
    """The opinions of as many commands as have a confidence of 0.7, but drawn blindly."""
    commands = carried.commands[rows]
    kept = shuffled[own, commands] >= 0.7
    return transfer_soft_labels(teacher[own, commands][kept], logits[kept])


# %% [markdown] lang="en"
# Five students, each with labels and a teacher of its own, 100 steps each. Their rivals: the two labels an intent, carried along without any teacher (translate-train); and the teacher's hard answers, its pseudo-labels.
#
# **Guess first.** What share of the German and Spanish commands will the students of *soft* labels name rightly, listening to everything?
# %% [markdown] lang="zh"
# 五个学生，各有自己的标签和教师，各训练100步。对手有两个：不要教师，把每种意图的两条标签随改写带过去（translate-train）；以及教师的硬答案，即伪标签。
#
# **先猜一猜。** 什么都听的*软标签*学生，能读对多少德语和西班牙语指令？

# %%
guessed_intents = guess(unit="%", low=0, high=100)
guessed_intents

# %% key="intents"
intents = {
    "labels, no teacher": read_intents(on_labels, labelled),
    "hard pseudo-labels": read_intents(on_named),
    "soft labels": read_intents(on_opinions()),
    "soft, sure ≥ 0.5": read_intents(on_opinions(0.5)),
    "soft, sure ≥ 0.7": read_intents(on_opinions(0.7)),
    "soft, as many, blindly": read_intents(on_as_many),
}
ax = axes(height=3.2)
draw_intervals(ax, {name: t_interval(found) for name, found in intents.items()}, "intents named, %", None)
ax.set_xlim(0, 60)
guessed_intents.draw(ax, axis="x")
guessed_intents.compare(intents["soft labels"].mean().item())

# %% [markdown] lang="en" caption=true
# Listening to everything is best here; the stricter the choice, the less is learned, and a blind choice of as many does no worse.
# %% [markdown] lang="zh"
# 在这里，全听最好；挑得越严，学得越少；闭着眼睛挑同样多条，也不比它差。

# %% key="intents-compared"
in_full = {
    "labels, no teacher": say("labels carried over, no teacher", "标签带过去，没有教师"),
    "hard pseudo-labels": say("hard pseudo-labels", "硬伪标签"),
    "soft labels": say("soft labels", "软标签"),
    "soft, sure ≥ 0.5": say("soft labels, confidence ≥ 0.5", "软标签，置信度≥0.5"),
    "soft, sure ≥ 0.7": say("soft labels, confidence ≥ 0.7", "软标签，置信度≥0.7"),
    "soft, as many, blindly": say("soft labels, as many, drawn blindly", "软标签，同样多条，随机抽"),
}


def against(found, baseline, words):
    """Rows of name, mean and points against one of the rows."""
    return [
        [
            words[name],
            f"{result.mean():.0f}",
            "" if name == baseline else in_words(paired_t_interval(result, found[baseline])),
        ]
        for name, result in found.items()
    ]


intent_rows = against(intents, "soft labels", in_full)
show_table(
    [
        say("the student learns from", "学生学的是"),
        say("intents, %", "意图，%"),
        say("points against soft labels", "与软标签相差的百分点"),
    ],
    intent_rows,
)

# %% [markdown] lang="en"
# The teacher's opinions of all commands carry more than two labels an intent do. Choosing the sure ones costs as much as throwing the same number away blindly: what is lost is *text*, and the cleaner labels don't pay for it. Soft against hard is too close to call with five students.
#
# That is this set-up: 60 labels a teacher, a short training. With a noisier teacher and plenty of text the trade can turn.
# %% [markdown] lang="zh"
# 教师对全部指令的看法，带过去的东西多于每种意图两条标签。只挑有把握的，损失和闭着眼睛扔掉同样多条一样大：丢掉的是*文本*，标签干净了也补不回来。软的与硬的，凭五个学生分不出高下。
#
# 这说的是此处的设定：每位教师60条标签，训练很短。教师更差、文本更多时，得失可能反过来。

# %% [markdown] question="confidence-selection"

# %% [markdown] lang="en"
# ## Several teachers
#
# Labels may exist in several languages. Catalan has none; Spanish, French, Italian, German and Hungarian have ten an intent, and a small teacher each. They read Catalan as it stands, by the pieces of words that the languages share. Whom should one believe, and how much?
# %% [markdown] lang="zh"
# ## 几位教师
#
# 有时好几种语言都有标签。加泰罗尼亚语没有；西班牙语、法语、意大利语、德语、匈牙利语每种意图有十条，各教出一位小教师。它们直接读加泰罗尼亚语，靠的是语言之间相同的子词。该信谁，信多少？

# %% exercise="weight_teachers"

# %% key="neighbours"
SOURCES = ("es", "fr", "it", "de", "hu")
found = ask_neighbours("ca", SOURCES, SEEDS)


def mixed(factor):
    """Each time's score of the five teachers together, weighted by this factor times the similarities."""
    similarities = factor * found.similarities
    return torch.stack(
        [score_by_intent(weight_teachers(logits, similarities), found.labels) for logits in found.logits]
    )


alone = score_by_intent(found.logits, found.labels)
catalan = {
    say("Spanish alone", "只信西班牙语"): alone[:, 0],
    say("all alike", "一视同仁"): mixed(0),
    say("by likeness, as it is", "按相似度，原样"): mixed(1),
    say("by likeness × 4", "按相似度×4"): mixed(4),
    say("one teacher on all labels", "全部标签教一位教师"): score_by_intent(found.together, found.labels),
}
baseline = catalan[say("all alike", "一视同仁")]
catalan_rows = [
    [name, f"{result.mean():.0f}", in_words(paired_t_interval(result, baseline))] if result is not baseline
    else [name, f"{result.mean():.0f}", ""]
    for name, result in catalan.items()
]  # fmt: skip
for name, likeness, score in zip(SOURCES, found.similarities, alone.mean(0), strict=True):
    print(
        say(
            f"{name}: likeness {likeness:.2f}, alone {score:.0f} %",
            f"{name}：相似度{likeness:.2f}，单独{score:.0f}%",
        )
    )
show_table(
    [
        say("who reads Catalan", "谁来读加泰罗尼亚语"),
        say("score, %", "得分，%"),
        say("points against all alike", "与一视同仁相差的百分点"),
    ],
    catalan_rows,
)

# %% [markdown] lang="en"
# Likeness, a cosine of counts that needs no label, ranks the Romance languages first. As cosines lie close together, their softmax is nearly even; it takes a factor to make it mean something (4 was chosen on other samples). And the cheap rival wins: throw all the labels into one teacher. Weighted teachers are for when you *can't* do that: labels that may not leave their owner, or teachers that are there already.
#
# ## A label for every word
# %% [markdown] lang="zh"
# 相似度是子词计数的余弦，不需要任何标签，它把罗曼语族排在前面。余弦值彼此接近，softmax之后几乎均匀；乘上一个系数，权重才有意义（4是在另外的样本上选的）。而便宜的对手赢了：把所有标签倒在一起，教一位教师。只有*做不到*这一点时，才轮到加权：标签不许离开主人，或者教师早已现成。
#
# ## 每个词一个标签

# %% [markdown] lang="en"
# Now the slots. The teacher answers for each *word*: a head on MiniLM's states before they are pooled, in its middle layer, learned from the same 60 commands. The rewriting knows which English word each new word comes from, its alignment. So the opinion can follow the word. Here is the third command from the top of this page.
# %% [markdown] lang="zh"
# 回到槽位。教师这回对每个*词*作答：分类头加在MiniLM池化之前、中间一层的状态上，从同样的60条指令里学。改写的时候，每个新词出自哪个英语词是知道的，这就是对齐。于是看法可以跟着词走。拿本页开头的第三条指令来看。

# %% key="alignment"
word_vectors = CachedSignal(WordTeacher())(WordTeacher.asked(english.words))
gold = english.flat_labels
known_words = [torch.isin(english.command_of_word, rows).nonzero().squeeze(1) for rows in samples]
tagger = fitted_logits(word_vectors, gold, known_words, len(LABELS))
spoken = [word for words in english.words for word in words]
example = int((carried.commands == with_two[2]).nonzero()[-1])
rows = []
for word, origin in zip(carried.words[example], carried.origins[example].tolist(), strict=False):
    opinion = tagger[0, origin].softmax(-1)
    best = opinion.argmax()
    rows.append([word, spoken[origin], LABELS[best], f"{100 * opinion[best]:.0f}", LABELS[gold[origin]]])
show_table(
    [
        say("Spanish word", "西班牙语词"),
        say("comes from", "出自"),
        say("the first teacher says", "第一位教师说"),
        "%",
        say("right", "正确答案"),
    ],
    rows,
)

# %% [markdown] lang="en"
# A sentence is now a row of soft labels, and rows have different lengths. Build the loss for that: its mask says which words count.
# %% [markdown] lang="zh"
# 现在一句话就是一排软标签，各句长短不一。写出这样的损失：掩码说明哪些词算数。

# %% exercise="masked_kd"

# %%
there, own_word = numbers > 0, own[..., None]
gold_for_all = gold.expand(STUDENTS, -1)


def slots_filled(labels_of):
    """Each student's F1 of the slots, mean of German and Spanish, from its labels in each language."""
    each = [
        [slot_f1(cut(labels, commands.words), commands.labels) for labels in labels_of[name]]
        for name, commands in foreign.items()
    ]
    return torch.tensor(each).mean(0)


def tag(loss_function, rows_of=None):
    taggers = Taggers(vocabulary, STUDENTS, len(LABELS))
    return train_students(taggers, numbers, loss_function, rows_of, steps=125)


def filled_by(taggers):
    return slots_filled({name: answers(taggers, asked[name]).argmax(-1) for name in foreign})


def with_labels(labels):
    """The loss on one label for each English word, (students, words), at the words that come from it."""

    def loss(logits, rows):
        kept = there[rows]
        return F.cross_entropy(logits[kept], labels[own_word, carried.origins[rows]][kept])

    return loss


def with_opinions(opinions, counts=None):
    """The same with logits for each English word; counts: which words count."""

    def loss(logits, rows):
        origins, kept = carried.origins[rows], there[rows]
        if counts is not None:
            kept = kept & counts[own_word, origins]
        return masked_kd(logits.flatten(0, 1), opinions[own_word, origins].flatten(0, 1), kept.flatten(0, 1))

    return loss


# %% [markdown] lang="en"
# The student is small: pieces of the word, of two neighbours on either side, and the mean of the sentence; 125 steps. A slot counts if its words *and* its name are right; F1 weighs slots missed and slots invented alike.
#
# Beside it stand: the same student on the **labels** of the 60 commands, carried over without a teacher; on English alone (**zero-shot**); a **gazetteer**, the list of the words in those carried labels, each with its usual slot; and Mei's **windows**, a student of MiniLM's sentence vectors that reads every word with its neighbours, with a head on the carried labels.
#
# **Guess first.** Which F1 do soft labels reach?
# %% [markdown] lang="zh"
# 学生很小：这个词的子词、左右各两个邻居、全句的平均；训练125步。一个槽位，词和名字*都*对才算；F1对漏掉的和多填的一视同仁。
#
# 旁边站着：同样的学生，只学60条指令带过去的**标签**，没有教师；只学英语（**零样本**）；**槽位词典**，把带过去的标签里的词列出来，每个词配上它最常见的槽位；还有小梅的**窗口**：一个模仿MiniLM句向量的学生，隔着窗口读每个词，再在带过去的标签上训练分类头。
#
# **先猜一猜。** 软标签能达到多少F1？

# %%
guessed_slots = guess(unit="%", low=0, high=100)
guessed_slots


# %%
def words_and_labels(rows):
    """The words of these carried sentences, and the numbers of the English words that they come from."""
    words = [word for row in rows.tolist() for word in carried.words[row]]
    return words, carried.origins[rows][there[rows]]


def gazetteer(rows_of):
    lists = [Gazetteer(words, gold[origins]) for words, origins in map(words_and_labels, rows_of)]
    filled = [
        [slot_f1(listed(commands.words), commands.labels) for listed in lists]
        for commands in foreign.values()
    ]
    return torch.tensor(filled).mean(0)


def through_windows(rows_of):
    targets = vectors_of(english.texts)
    imitator = Imitators(vocabulary, 1, targets.shape[1], hidden=128)
    train_students(
        imitator,
        numbers,
        lambda ours, rows: (1 - (ours * targets[carried.commands[rows]]).sum(-1)).mean(),
        steps=300,
        rate=0.01,
    )
    asked_through = {name: imitator.through_windows(asked[name]) for name in foreign}
    labels_of = {name: [] for name in foreign}
    for rows in rows_of:
        seen, labels = imitator.through_windows(numbers[rows]), gold[words_and_labels(rows)[1]]
        for name in foreign:
            every = [torch.arange(len(labels))]
            (logits,) = fitted_logits(seen, labels, every, len(LABELS), asked_through[name])
            labels_of[name].append(logits.argmax(-1))
    return slots_filled(labels_of)


english_alone = [rows[~carried.rewritten[rows]] for rows in labelled]
by_labels = tag(with_labels(gold_for_all), labelled)
slots = {
    "zero-shot": filled_by(tag(with_labels(gold_for_all), english_alone)),
    "windows": through_windows(labelled),
    "labels carried": filled_by(by_labels),
    "gazetteer": gazetteer(labelled),
    "hard opinions": filled_by(tag(with_labels(tagger.argmax(-1)))),
    "soft opinions": filled_by(tag(with_opinions(tagger))),
}

# %% key="slots-filled"
ax = axes(height=3.2)
draw_intervals(ax, {name: t_interval(found) for name, found in slots.items()}, "F1 of slots, %", None)
ax.set_xlim(0, 80)
guessed_slots.draw(ax, axis="x")
guessed_slots.compare(slots["soft opinions"].mean().item())

# %% [markdown] lang="en" caption=true
# Mei's windows fill about as many as the labels alone, a list of words somewhat more; MiniLM's opinions on each word, hard or soft, fill the most.
# %% [markdown] lang="zh"
# 小梅的窗口填得和只用标签差不多，槽位词典略多；MiniLM对每个词的看法，不论硬软，填得最多。

# %% [markdown] lang="en"
# So "a pooled vector can't fill slots" needs its small print. The vector of the *sentence* can't, by construction. A student of sentence vectors, bent to read pieces of sentences, can; but MiniLM's vectors gain it nothing over a student without a teacher, and a list of words does no worse. And it, too, needed word labels for its head.
#
# Soft or hard makes no difference that five students could show. So dark knowledge isn't what helps here. Is it the teacher at all?
#
# **What would change our mind?** The strongest cheap rival has everything but MiniLM: the student that learned the carried labels reads the other English commands *itself*, and its answers are carried over in the teacher's place. And all of it once more with five labels an intent instead of two.
# %% [markdown] lang="zh"
# 可见“池化向量填不了槽位”这句话要加上小字。*句子*的向量填不了，这是结构决定的。模仿句向量的学生，硬拿来读半句话，倒是能填；可是MiniLM的句向量并没有让它胜过没有教师的学生，一本槽位词典也不比它差。何况它的分类头同样要靠词的标签来训练。
#
# 软的还是硬的，五个学生看不出差别。所以在这里起作用的不是暗知识。那么，是教师吗？
#
# **什么会让我们改变看法？** 最强的便宜对手，除了MiniLM什么都有：学了那些标签的学生，*自己*去读其余的英语指令，用它的回答代替教师的看法带过去。然后把每种意图两条标签换成五条，全部再来一遍。


# %%
def its_own_teacher(taggers):
    """Students of what these taggers say of the English commands."""
    numbers_of_english = vocabulary(english.words)
    says = answers(taggers, numbers_of_english)[:, numbers_of_english > 0]
    return filled_by(tag(with_labels(says.argmax(-1))))


slots["its own teacher"] = its_own_teacher(by_labels)

more = [few_commands(english.intents, 5, seed) for seed in SEEDS]
more_labelled = [torch.isin(carried.commands, rows).nonzero().squeeze(1) for rows in more]
more_words = [torch.isin(english.command_of_word, rows).nonzero().squeeze(1) for rows in more]
by_more = tag(with_labels(gold_for_all), more_labelled)
with_five = {
    "labels carried": filled_by(by_more),
    "gazetteer": gazetteer(more_labelled),
    "its own teacher": its_own_teacher(by_more),
    "soft opinions": filled_by(
        tag(with_opinions(fitted_logits(word_vectors, gold, more_words, len(LABELS))))
    ),
}

# %% key="own-teacher"
panels = axes(columns=2, height=2.6)
for ax, each, results in zip(panels, (EACH, 5), (slots, with_five), strict=True):
    draw_intervals(ax, {name: t_interval(results[name]) for name in with_five}, "F1, %", None)
    ax.set(title=f"{each} labels an intent", xlim=(0, 80))
panels[1].tick_params(axis="y", labelleft=False)

# %% [markdown] lang="en" caption=true
# With two labels an intent MiniLM leads on average; with five, a student that was its own teacher is level with it.
# %% [markdown] lang="zh"
# 每种意图两条标签时，MiniLM平均领先；五条时，自己教自己的学生与它持平。

# %% [markdown] lang="en"
# What does most of the work is neither softness nor MiniLM. It is the **unlabelled English commands**, answered in English, where answering is easy, and carried over by the alignment. A strong teacher matters while labels are so few that the student can't answer for itself (five students leave some doubt even there).
#
# ## Sure words only?
#
# A mask can also choose. Let only those words count of which the teacher is sure, as with the sentences. Turn the dial: what is left?
# %% [markdown] lang="zh"
# 出力最多的既不是软，也不是MiniLM，而是那些**没有标签的英语指令**：在英语里回答，容易答对，再靠对齐带过去。标签少到学生自己答不了的时候，强教师才要紧（就连这一点，五个学生也还留有疑问）。
#
# ## 只要有把握的词？
#
# 掩码也可以用来挑选：像前面挑句子那样，只让教师有把握的词算数。转动旋钮，看看还剩下什么。

# %%
certainty = tagger.softmax(-1).amax(-1)


def draw_kept(least):
    """Shares of the words, and of those in a slot, that are left at this confidence."""
    sure = certainty >= least
    shares = {
        "all words kept": sure.float().mean(),
        "words in a slot kept": sure[:, gold > 0].float().mean(),
        "kept words labelled rightly": (tagger.argmax(-1) == gold)[sure].float().mean(),
    }
    ax = axes(height=1.8)
    for place, (share, hatch) in enumerate(zip(shares.values(), ("", "///", "..."), strict=True)):
        ax.barh(place, 100 * share, facecolor="white", edgecolor="black", hatch=hatch)
        ax.text(100 * share, place, f" {100 * share:.0f}", va="center")
    ax.set_yticks(range(len(shares)), shares)
    ax.invert_yaxis()
    ax.set(xlim=(0, 110), xlabel=f"%, at a confidence of {least:g} or more")
    return ax.figure


Dial(draw_kept, say("least confidence", "最低置信度"), (0, 0.3, 0.5, 0.7, 0.9), start=0)

# %% key="kept"
figure = draw_kept(0.7)

# %% [markdown] lang="en" caption=true
# The sure words are the ones in no slot: at 0.7 most words stay, and half of those that matter are gone.
# %% [markdown] lang="zh"
# 有把握的恰恰是不在槽位里的词：0.7时大多数词还在，要紧的词却没了一半。

# %% [markdown] lang="en"
# **Guess first.** How many points of F1 does that choice bring or cost? Beside it the control: as many words, drawn blindly.
# %% [markdown] lang="zh"
# **先猜一猜。** 这样挑，F1会变几个百分点？旁边是对照：同样多的词，随机抽。

# %%
guessed_points = guess(unit=say("points", "个百分点"), low=-20, high=20)
guessed_points

# %% key="sure-words"
sure = certainty >= 0.7
blind = sure[:, torch.randperm(len(gold), generator=torch.Generator().manual_seed(0))]
slots["sure ≥ 0.7"] = filled_by(tag(with_opinions(tagger, sure)))
slots["as many, blindly"] = filled_by(tag(with_opinions(tagger, blind)))
chosen = {
    name: paired_t_interval(slots[name], slots["soft opinions"])
    for name in ("sure ≥ 0.7", "as many, blindly")
}
ax = axes(height=1.8)
draw_intervals(ax, chosen, "points of F1 against all words")
guessed_points.draw(ax, axis="x")
guessed_points.compare(chosen["sure ≥ 0.7"].mean)

# %% [markdown] lang="en" caption=true
# Sure words alone cost points; as many drawn blindly cost none that one could see.
# %% [markdown] lang="zh"
# 只留有把握的词，会掉分；随机留同样多的词，看不出掉分。

# %% [markdown] lang="en"
# With sentences the choice cost because *fewer* were left; with words, because of *which* were left. Most words are in no slot, that is the easy answer, and so confidence picks the easy answer. Before you filter, look at what each class keeps.
# %% [markdown] lang="zh"
# 挑句子吃亏，是因为剩下的*少*；挑词吃亏，是因为剩下的是*哪些*。大多数词不在槽位里，那是容易的答案，所以置信度挑出来的都是容易的答案。过滤之前，先看看每一类还剩多少。

# %% [markdown] question="pooled-vectors-and-slots"

# %% [markdown] lang="en"
# ## All numbers
#
# And how far is it to the top? One more row: *all* English labels carried over, no teacher.
# %% [markdown] lang="zh"
# ## 全部数字
#
# 离顶还有多远？再添一行：*全部*英语标签都带过去，不要教师。

# %% key="all-numbers"
slots["all labels carried"] = filled_by(tag(with_labels(gold_for_all)))
slot_words = {
    "zero-shot": say("English labels alone (zero-shot)", "只用英语标签（零样本）"),
    "windows": say("windows on sentence vectors", "隔着窗口读句向量"),
    "labels carried": say("labels carried over", "标签带过去"),
    "gazetteer": say("gazetteer of these", "由此列出的词典"),
    "its own teacher": say("the student as its own teacher", "学生自己教自己"),
    "hard opinions": say("MiniLM's hard labels", "MiniLM的硬标签"),
    "soft opinions": say("MiniLM's soft labels", "MiniLM的软标签"),
    "sure ≥ 0.7": say("the same, confidence ≥ 0.7", "同上，置信度≥0.7"),
    "as many, blindly": say("the same, as many words, blindly", "同上，随机抽同样多的词"),
    "all labels carried": say("all labels carried over, no teacher", "全部标签带过去，没有教师"),
}
slots = {name: slots[name] for name in slot_words}


def section(title, rows):
    return [[title, "", ""], *rows]


show_table(
    [
        say("experiment", "实验"),
        "%",
        say("points against the soft labels, or all alike", "与软标签（或一视同仁）相差的百分点"),
    ],
    [
        *section(say("Intents, 2 labels each:", "意图，每种2条标签："), intent_rows),
        *section(say("Catalan:", "加泰罗尼亚语："), catalan_rows),
        *section(
            say("Slots, 2 labels an intent:", "槽位，每种意图2条标签："),
            against(slots, "soft opinions", slot_words),
        ),
        *section(
            say("Slots, 5 labels an intent:", "槽位，每种意图5条标签："),
            against(with_five, "soft opinions", slot_words),
        ),
    ],
)
my_guesses()

# %% [markdown] lang="en"
# The table has a word for budgets, too: with two labels an intent, the teacher's answers to the log close half of the way between these labels and *all* the labels, which need no teacher.
#
# **An open task.** The rewriting keeps English word order. Sort the words of each carried sentence into another order before training (say, verbs last), with their origins, and see whether German gains what its window needs.
#
# ## The interview
# %% [markdown] lang="zh"
# 这张表对预算也有话说：从每种意图两条标签到*全部*标签（那就不需要教师了），教师对日志的回答补上了一半的路。
#
# **一道开放题。** 改写保留了英语的词序。训练之前，把每个改写句的词连同出处换一种次序（比如动词放到最后），看看德语的窗口是不是因此得利。
#
# ## 面试

# %% [markdown] question="labels-or-vectors"

# %% [markdown] question="noisy-pseudo-labels"

# %% [markdown] lang="en"
# ## Next
#
# You can now say what a vector carries, what only labels carry, and what a teacher adds to either. The student that carries vectors for many languages: [08 · A student for many languages](08_many_languages.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你说得出：什么能靠向量带过去，什么只能靠标签，教师又各添了什么。靠向量服务多种语言的学生在这里：[08 · 服务多种语言的学生模型](08_many_languages.ipynb)。
