# %% [markdown] lang="en"
# # 07 · Across languages
#
# *How does a task reach a language without labels?* About 40 minutes, and 85 more for its seven exercises.
#
# Three boxes were sold abroad: to Hamburg, to Chengdu, to Szeged. All three complain. Every label that we own is English, and so is the teacher.
#
# "The vectors are all there," says the geometer of your team. "They are only shifted, or turned. Move them back." "Nonsense," says the translator. "Put the *words* into English, or the *labels* into German. And you can keep your teacher."
#
# You have a third plan: a student that learns Chinese from a teacher who can't read it. Who is right?
# %% [markdown] lang="zh"
# # 07 · 跨语言迁移
#
# *没有标签的语言，任务怎样才能过去？* 约40分钟，七道练习另需85分钟。
#
# 有三台盒子卖到了国外：汉堡、成都、塞格德。三家都来投诉。我们的标签全是英语的，教师也只懂英语。
#
# 组里研究几何的同事说：“向量都在那儿，只是平移了，或者转了个角度，挪回来就行。”做翻译的同事不服：“要翻就翻*词*，翻成英语；不然就把*标签*带到德语里去。你那个教师，用不着。”
#
# 你另有打算：让一个学生学中文，教它的教师一个汉字也不认得。谁说得对？

# %% key="teacher"
import torch
import torch.nn.functional as F

from kd_solutions.evaluation import paired_t_interval, t_interval
from kd_solutions.models import PretrainedTeacher
from kd_solutions.signals import CachedSignal
from kd_study import guess, my_guesses
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import in_words, train_head
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.lessons.kit.transfer import LANGUAGES, by_language, commands_in, draw_plane, english_commands
from kd_study.lessons.kit.transfer import held_out_translations, nearest_in_pool, percent, percents, pieces_of
from kd_study.notebook.views import show_table

pretrained = PretrainedTeacher()
teacher = CachedSignal(pretrained)
english = english_commands()
head = train_head(teacher(english.texts), english.labels, len(english.intents))

commands = {language: commands_in(language) for language in ("en", *LANGUAGES)}
heard = {language: teacher(sample.texts) for language, sample in commands.items()}


def read(vectors, by=head):
    """Language → percent of its commands that a head reads rightly."""
    return {language: percent(by(vectors[language]), commands[language].labels) for language in vectors}


zero_shot = read(heard)
print(percents(zero_shot))

# %% [markdown] lang="en"
# That is *zero-shot* transfer: a head trained on English, asked in another language. (400 commands each, of templates that nothing here is trained on; 31 intents. At most 60 English commands of each intent carry a label, so that no intent drowns the others.)
#
# Why so poor? Look at what the teacher gets to see.
# %% [markdown] lang="zh"
# 这就是*零样本*迁移：分类头在英语上训练，拿到别的语言上用。（每种语言400条指令，所属模板从不参与训练；31种意图。每种意图至多用60条带标签的英语指令，免得哪一种独大。）
#
# 为什么这么差？看看教师眼里的指令是什么样子。

# %% key="pieces"
for language, sample in commands.items():
    pieces = pieces_of(pretrained.folder, sample.texts)
    every = [piece for text in pieces for piece in text]
    unknown = 100 * every.count("[UNK]") / len(every)
    print(
        say(
            f"{language}: {' '.join(pieces[0])}   ({unknown:.0f} % of all pieces unknown)",
            f"{language}：{' '.join(pieces[0])}　（全部片段中有{unknown:.0f}%不认识）",
        )
    )

# %% [markdown] lang="en"
# German and Hungarian crumble into syllables, Chinese into question marks. MiniLM gives each piece a vector, and the sentence the mean of them. Where a batch holds texts of different lengths, the padding must stay out of it.
# %% [markdown] lang="zh"
# 德语和匈牙利语碎成了音节，中文则变成一串问号。MiniLM给每个片段一个向量，句子的向量是它们的平均。一个批次里文本长短不一时，填充不能算进去。

# %% exercise="mean_pool"

# %% [markdown] lang="en"
# ## The geometer's plan: shift it, turn it
#
# Take 300 strings of a user interface that exist in all four languages, and look at the plane in which the teacher's vectors differ most. The line joins one string with its translations.
# %% [markdown] lang="zh"
# ## 几何派的办法：平移、旋转
#
# 取300条界面文字，四种语言都有译文，再看教师向量差别最大的那个平面。线段连着同一条文字的四种说法。

# %% key="plane"
strings = held_out_translations(300)
seen = {language: teacher(texts) for language, texts in strings.items()}
ax = axes(width=5, height=4)
draw_plane(ax, seen, joined=0)
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
own, translation = nearest_in_pool(seen)
print(
    say(
        f"In one pool of all 1,200 texts the nearest to a text is in its own language for {own:.0f} %, "
        f"a translation of it for {translation:.0f} %.",
        f"把1200条文本放进同一个池子：最近的一条与自己同语言的占{own:.0f}%，恰是译文的占{translation:.0f}%。",
    )
)

# %% [markdown] lang="en" caption=true
# Each language keeps to itself.
# %% [markdown] lang="zh"
# 各种语言各占一块。

# %% [markdown] lang="en"
# A vector says first which language it is in. "So take that out," says the geometer: subtract each language's mean; or project out the directions that its vectors share most, its own first singular vectors.
# %% [markdown] lang="zh"
# 一个向量首先说明的是它属于哪种语言。几何派说：“那就把这部分去掉。”要么每种语言各减去自己的均值；要么找出这种语言的向量最共有的方向，即它自己的前几个奇异向量，把这些方向上的分量投影掉。

# %% exercise="remove_language"

# %% [markdown] lang="en"
# **Guess first.** How many of the Chinese commands does the teacher read after the means are taken out? (Before: 11 %.)
# %% [markdown] lang="zh"
# **先猜一猜。** 减去均值以后，教师能读对多少中文指令？（之前是11%。）

# %%
guessed_centred = guess(unit="%")
guessed_centred


# %% key="centred"
def centre(vectors, languages):
    """Every language's mean is moved to nought."""
    means = torch.stack([vectors[languages == language].mean(0) for language in languages.unique()])
    return vectors - means[languages]


def without_first(vectors, languages, components=1):
    return remove_language(vectors, languages, components)


def head_on(clean):
    """The teacher's head fitted anew: it must read English vectors that were cleaned in the same way."""
    vectors = teacher(english.texts)
    cleaned = clean(vectors, torch.zeros(len(vectors), dtype=torch.long))
    return train_head(F.normalize(cleaned, dim=1), english.labels, len(english.intents))


def cleaned_commands(clean):
    return {language: F.normalize(vectors, dim=1) for language, vectors in by_language(clean, heard).items()}


shifts = {}
for name, clean in {
    say("each language centred", "每种语言减去均值"): centre,
    say("first direction removed", "去掉第一个方向"): without_first,
}.items():
    shifts[name] = read(cleaned_commands(clean), by=head_on(clean))
    own, translation = nearest_in_pool(by_language(clean, seen))
    print(
        say(
            f"{name}: own language {own:.0f} %, translation {translation:.0f} %; "
            f"commands {percents(shifts[name])}",
            f"{name}：同语言{own:.0f}%，译文{translation:.0f}%；指令{percents(shifts[name])}",
        )
    )
centred = next(iter(shifts.values()))
guessed_centred.compare(centred["zh"])

# %% [markdown] lang="en"
# The languages do mix: among UI strings more translations are found. The commands hardly notice. More directions, perhaps? Turn the dial.
# %% [markdown] lang="zh"
# 语言确实混起来了，界面文字找到译文的也多了；指令却几乎没有变化。多去几个方向呢？拨一拨旋钮。


# %%
def draw_cleaned(components):
    ax = axes(width=4.5, height=3.4)
    mixed = by_language(lambda vectors, languages: without_first(vectors, languages, int(components)), seen)
    draw_plane(ax, mixed, joined=0)
    own, translation = nearest_in_pool(mixed)
    ax.set_title(f"k = {components}: own language {own:.0f} %, translation {translation:.0f} %", fontsize=10)
    return ax.figure


Dial(draw_cleaned, say("directions removed, k", "去掉的方向数k"), (0, 1, 2, 5, 10, 30), start=1)

# %% [markdown] lang="en"
# "Then it is turned," says the geometer. Given pairs of translations, the best turn has a closed form: from $U \Sigma V^\top$, the singular values of source times target, take $W = UV^\top$.
# %% [markdown] lang="zh"
# 几何派又说：“那就是转了角度。”有了互译的句对，最好的旋转有闭式解：对“源乘目标”做奇异值分解$U \Sigma V^\top$，取$W = UV^\top$。

# %% exercise="procrustes"

# %% [markdown] lang="en"
# Learn the turn from translations, then read the commands through it. Beside it a test of the method: English against itself, turned on purpose.
# %% [markdown] lang="zh"
# 用译文学出旋转，再透过它去读指令。旁边放一个对方法本身的检验：故意转过角度的英语，再转回来。

# %% key="turned"
from kd_study.lessons.kit.transfer import draw_against_pairs, translations

COUNTS = (50, 100, 200, 400, 600)
turn = torch.linalg.qr(torch.randn(384, 384, generator=torch.Generator().manual_seed(0)))[0]
sides = {
    language: [teacher(list(side)) for side in zip(*translations(language, 600), strict=True)]
    for language in LANGUAGES
}
turned = {"English, turned": []} | {language: [] for language in LANGUAGES}
for count in COUNTS:
    for language in LANGUAGES:
        ours, theirs = (side[:count] for side in sides[language])
        turned[language].append(read({language: heard[language] @ procrustes(theirs, ours)})[language])
    ours = sides["de"][0][:count]
    turned["English, turned"].append(read({"en": heard["en"] @ turn @ procrustes(ours @ turn, ours)})["en"])
draw_against_pairs(axes(), COUNTS, turned)
print(
    say(
        f"With {COUNTS[-1]} pairs: English comes back to {turned['English, turned'][-1]:.0f} %; "
        + percents({language: turned[language][-1] for language in LANGUAGES}),
        f"用{COUNTS[-1]}对：英语恢复到{turned['English, turned'][-1]:.0f}%；"
        + percents({language: turned[language][-1] for language in LANGUAGES}),
    )
)

# %% [markdown] lang="en" caption=true
# What was merely turned comes back whole. The foreign languages stay below a quarter.
# %% [markdown] lang="zh"
# 只是转了角度的，能完整地转回来；外语始终不到四分之一。

# %% [markdown] lang="en"
# The method works; its premise doesn't hold here. A rotation needs two spaces of one shape, and this German is no turned English: it is syllables. (Between embeddings that were each trained on their own language it does hold, more or less: Conneau et al. 2018; less so the more the languages differ, Søgaard et al. 2018.) The geometer has nothing left to move.
#
# ## The translator's plan: carry the words
#
# The same translations, without any teacher. Which word is whose translation? Nobody marked it; but *Licht* stands beside *light* again and again. Start with all chances equal, share each English word out among the foreign words beside it, count, and begin anew: IBM model 1.
# %% [markdown] lang="zh"
# 方法没有错，前提在这里不成立。旋转要求两个空间形状相同，而这里的德语不是转了角度的英语，只是一堆音节。（如果两边的嵌入各自在自己的语言上训练过，前提大体成立，见Conneau等2018；语言差得越远越不成立，见Søgaard等2018。）几何派没有什么可挪的了。
#
# ## 翻译派的办法：搬运词
#
# 还是那些译文，不用教师。哪个词是哪个词的翻译？没有人标过；但*Licht*总和*light*一起出现。先假定一切可能性相等，把每个英语词按比例分给同一句里的外语词，数一遍，再从头来：这就是IBM模型1。

# %% exercise="ibm1_step"

# %% key="rounds"
from kd_study.lessons.kit.transfer import dictionary, even_table, likeliest, word_by_word, word_pairs

words = {}
for language, shown in {"de": "licht", "zh": "灯", "hu": "lámpa"}.items():
    pairs = word_pairs(language)
    table = even_table(pairs)
    print(shown, end="")
    for step in range(3):
        table = ibm1_step(pairs, table)
        print(" →", likeliest(table, shown, 2), end="")
    print()
    words[language] = dictionary(table)

# %% [markdown] lang="en"
# Three rounds, and a dictionary is there. With it the foreign command becomes English, word by word, and the teacher may read it: *translate-test*. (Chinese marks no words; every stretch of up to four characters was a candidate.)
#
# **Guess first.** How many German commands are understood from such English?
# %% [markdown] lang="zh"
# 三轮就有了一部词典。用它把外语指令逐词换成英语，再交给教师读：这叫*translate-test*，测试时先翻译。（中文不标词界，四个字以内的每一段都当作候选。）
#
# **先猜一猜。** 这样的英语，德语指令能读懂多少？

# %%
guessed_words = guess(unit="%")
guessed_words

# %% key="translate-test"
in_english = {
    language: [word_by_word(text, words[language], language) for text in commands[language].texts]
    for language in LANGUAGES
}
translate_test = read({language: teacher(texts) for language, texts in in_english.items()})
for language in LANGUAGES:
    print(f"{commands[language].texts[0]} → {in_english[language][0]}")
print(percents(translate_test))
guessed_words.compare(translate_test["de"])

# %% [markdown] lang="en"
# Word salad, and the teacher understands more than half of it in two languages. In Hungarian, where a word has dozens of forms, the dictionary misses too many.
#
# ## Your plan: carry the vectors
#
# Now the student. It is a smaller twin of the flagship's: pieces of words, their mean (your `mean_pool`), two layers. It never reads an intent label. For each text $t$ with an English original $s$ it must give the vector that the teacher gives $s$:
#
# $$1 - \cos\big(M(t),\, T(s)\big)$$
#
# The teacher reads $s$ only. Two diets: the user interface alone, which never says "turn the lamp on"; and, beside it, our English commands *rewritten* word by word, as clumsily as above but in the other direction. At the end the teacher's own English head reads the student's vectors. Five students each, 150 steps.
#
# **Guess first.** Chinese commands, read by a student of a teacher that sees question marks?
# %% [markdown] lang="zh"
# 语序颠三倒四，有两种语言教师却听懂了一半以上。匈牙利语一个词有几十种形式，词典漏得太多。
#
# ## 你的办法：搬运向量
#
# 轮到学生了。它是旗舰学生的小号：词的片段，取平均（就是你的`mean_pool`），再加两层。它从头到尾不看意图标签。每条文本$t$都有英语原文$s$，学生要给出教师对$s$给的向量：
#
# $$1 - \cos\big(M(t),\, T(s)\big)$$
#
# 教师只读$s$。两份食谱：一份只有界面文字，里面从没有“把灯打开”；另一份再加上*逐词改写*成外语的英语指令，和上面一样笨拙，只是方向相反。最后由教师自己的英语分类头来读学生的向量。每份食谱五个学生，各150步。
#
# **先猜一猜。** 教师眼里只有问号，它的学生能读对多少中文指令？

# %%
guessed_student = guess(unit="%")
guessed_student

# %% key="students" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.transfer import gather_reading, train

SEEDS = range(5)
reading = gather_reading()
targets = teacher(reading.english)


def imitate(student, features, originals):
    return (1 - (student.encode(features) * targets[originals]).sum(1)).mean()


@torch.no_grad()
def scores(students, by=None):
    """(students, languages) percent; read by a head of vectors, by default each student's own."""
    every = [
        read(
            {language: student.encode(sample.texts) for language, sample in commands.items()},
            by or student.head,
        )
        for student in students
    ]
    return torch.tensor([[score[language] for language in LANGUAGES] for score in every])


UI_ALONE = {"translations": 102, "commands": 13, "english": 13}
WITH_REWRITTEN = {"rewritten": 64, "translations": 38, "commands": 13, "english": 13}
of_interface = [train(reading, UI_ALONE, imitate, seed) for seed in SEEDS]
distilled = [train(reading, WITH_REWRITTEN, imitate, seed) for seed in SEEDS]
by_interface, by_distilled = scores(of_interface, head), scores(distilled, head)
guessed_student.compare(by_distilled[:, 1].mean().item())
for name, found in {
    say("interface alone", "只有界面文字"): by_interface,
    say("with rewritten commands", "加上改写的指令"): by_distilled,
}.items():
    print(name, "→", percents(dict(zip(LANGUAGES, found.mean(0).tolist(), strict=True))))

# %% [markdown] lang="en"
# An English-only teacher has taught Chinese, without ever reading it. Even the student that saw no command in Chinese, not even a clumsy one, reads three to four times what its teacher reads.
# %% [markdown] lang="zh"
# 只懂英语的教师教会了中文，而它自己一个字也没读过。连一条中文指令都没见过（笨拙的也没有）的学生，读对的中文指令也有教师的三四倍。

# %% [markdown] question="zero-shot-or-translate"

# %% [markdown] lang="en"
# ## What would change our mind?
#
# Three rivals, each with everything but one ingredient; same student, same number of texts and steps, rates chosen alike on other templates and other seeds.
# - **Shuffled**: each foreign text gets the vector of *another* original. Is it the translations' meaning?
# - **No teacher, no labels**: each text must find its original among 64 by its vector (a contrastive loss). Then a head on English labels. Is it the teacher?
# - **Translate-train**: the rewritten commands keep their labels, and there is no teacher. That's the translator's other plan.
# %% [markdown] lang="zh"
# ## 什么会让我们改变看法？
#
# 三个对手，各缺一样东西；学生、文本数、步数都相同，学习率也都在别的模板和别的种子上同样挑过。
# - **打乱**：每条外语文本对上*另一条*原文的向量。起作用的是译文的意思吗？
# - **没有教师，也没有标签**：每条文本要凭向量在64条里找到自己的原文（对比损失），之后在英语标签上训练分类头。起作用的是教师吗？
# - **translate-train**：改写的指令保留标签，不要教师。这是翻译派的另一个办法，先翻译训练数据再训练。

# %% key="rivals" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.transfer import own_head

mixed_up = torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))


def imitate_another(student, features, originals):
    foreign = torch.arange(len(originals)) < WITH_REWRITTEN["rewritten"] + WITH_REWRITTEN["translations"]
    wanted = targets[torch.where(foreign, mixed_up[originals], originals)]
    return (1 - (student.encode(features) * wanted).sum(1)).mean()


def find_the_original(student, features, originals):
    """The second half of the batch are the originals of the first, in the same order."""
    theirs, ours = student.encode(features).chunk(2)
    cosines, number = theirs @ ours.T / 0.1, originals[: len(theirs)]
    same = (number[:, None] == number) & ~torch.eye(len(number), dtype=torch.bool)
    cosines, own = cosines.masked_fill(same, -torch.inf), torch.arange(len(number))
    return (F.cross_entropy(cosines, own) + F.cross_entropy(cosines.T, own)) / 2


def learn_labels(student, features, originals):
    return F.cross_entropy(student(features), reading.labels[originals])


shuffled = [train(reading, WITH_REWRITTEN, imitate_another, seed) for seed in SEEDS]
untaught = [
    own_head(reading, train(reading, {"rewritten": 32, "translations": 32}, find_the_original, seed, True))
    for seed in SEEDS
]
labelled = [train(reading, {"rewritten": 107, "commands": 21}, learn_labels, seed) for seed in SEEDS]
by_shuffled, by_untaught, by_labelled = scores(shuffled, head), scores(untaught), scores(labelled)

ways = {
    "vectors, shuffled": by_shuffled,
    "no teacher, no labels": by_untaught,
    "vectors, UI alone": by_interface,
    "vectors, with rewritten": by_distilled,
    "translate-train": by_labelled,
}
ax = axes(height=3)
draw_intervals(
    ax, {name: t_interval(found.mean(1)) for name, found in ways.items()}, "commands read, %", None
)
ax.set_xlim(0, 100)
guessed_student.draw(ax, axis="x")
print(
    say(
        "Points of the vectors over no teacher and no labels: "
        f"{in_words(paired_t_interval(by_distilled.mean(1), by_untaught.mean(1)))}; "
        f"of translate-train over the vectors: {in_words(paired_t_interval(by_labelled.mean(1), by_distilled.mean(1)))}",
        f"向量比“没有教师，也没有标签”多{in_words(paired_t_interval(by_distilled.mean(1), by_untaught.mean(1)))}个百分点；"
        f"translate-train比向量多{in_words(paired_t_interval(by_labelled.mean(1), by_distilled.mean(1)))}个百分点",
    )
)

# %% [markdown] lang="en" caption=true
# The translations' meaning carries the task; the teacher adds more than ten points to them, and labels carried over add more.
# %% [markdown] lang="zh"
# 把任务带过去的是译文的意思；教师在此之上添了十多个百分点，而把标签带过去，添得更多。

# %% [markdown] lang="en"
# So the translator wins *this* task: with up to 60 labels an intent and 150 steps, nobody needs the teacher. (The long run is in lesson 08, few labels in lesson 09.) You win where no label travels: from the same texts the teacher's vectors carry more across than the translations alone. And they carry something that no intent label asks for.
#
# ## The space after
#
# Does a sentence find its translation?
# %% [markdown] lang="zh"
# 所以*这个*任务，翻译派赢了：每种意图有至多60条标签，训练150步，用不着教师。（训练更久见第08课，标签很少见第09课。）不带标签时，赢的是你：同样的文本，教师的向量带过去的比单靠译文多。而且，它还带着意图标签根本不问的东西。
#
# ## 之后的空间
#
# 一句话能找到自己的译文吗？

# %% exercise="retrieval_accuracy"


# %% key="space" tags=["nbval-ignore-output"]
def found_again(vectors):
    """Percent of strings that find their translation and are found by it, mean of the languages."""
    both = [retrieval_accuracy(vectors["en"], vectors[language]) for language in LANGUAGES]
    return 50 * sum(map(sum, both)) / len(LANGUAGES)


@torch.no_grad()
def in_space(students):
    return [{language: student.encode(texts) for language, texts in strings.items()} for student in students]


spaces = {
    say("teacher", "教师"): [seen],
    say("teacher, centred", "教师，减去均值"): [by_language(centre, seen)],
    say("translate-train", "translate-train"): in_space(labelled),
    say("no teacher, no labels", "没有教师，也没有标签"): in_space(untaught),
    say("vectors", "向量"): in_space(distilled),
}
rows = []
for name, several in spaces.items():
    own, translation = torch.tensor([nearest_in_pool(space) for space in several]).mean(0).tolist()
    retrieved = sum(map(found_again, several)) / len(several)
    rows.append([name, f"{retrieved:.0f}", f"{translation:.0f}", f"{own:.0f}"])
show_table(
    [
        say("space of (in %)", "谁的空间（%）"),
        say("finds its translation among 300", "在300条中找到译文"),
        say("in one pool of 1,200: a translation is nearest", "在1200条的池子里：最近的是译文"),
        say("… own language is nearest", "……最近的是同语言"),
    ],
    rows,
)

# %% [markdown] lang="en"
# The vectors find most translations. But see what is cheap: centring alone brings the teacher half of the way in the pool, though next to nothing on the commands. A gain in retrieval is no gain in the task. And translate-train, best at the task, finds the fewest: what its labels don't ask it doesn't tell apart.
# %% [markdown] lang="zh"
# 向量找到的译文最多。不过也要看到哪些来得便宜：单是减去均值，教师在池子里就走完了一半的路，指令上却几乎没有长进。检索变好，不等于任务变好。而任务做得最好的translate-train找到的最少：标签不问的，它就不区分。

# %% key="planes" tags=["nbval-ignore-output"]
panels = axes(height=3.6, columns=2)
for ax, name, vectors in zip(panels, ("teacher", "student"), (seen, in_space(distilled[:1])[0]), strict=True):
    draw_plane(ax, vectors, joined=0)
    ax.set_title(name, fontsize=10)
legend = panels[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)

# %% [markdown] lang="en" caption=true
# Before and after: the four languages now lie through one another, and the four versions of one string close together.
# %% [markdown] lang="zh"
# 之前与之后：四种语言彼此交错，同一条文字的四种说法靠到了一起。

# %% [markdown] lang="en"
# One fault remains, from searches in many dimensions: hubs, texts that are near to everything and win searches of others. CSLS takes from each cosine what both sides get from everybody anyway.
# %% [markdown] lang="zh"
# 还剩一个毛病，是高维空间里查找常有的：枢纽点，与什么都近，抢走了本属于别人的查找。CSLS从每个余弦里减去双方从谁那里都能得到的那部分。

# %% exercise="csls"

# %% key="hubs"
from kd_study.lessons.kit.transfer import wins

cosines = F.normalize(seen["en"], dim=1) @ F.normalize(seen["hu"], dim=1).T
scaled = csls(seen["en"], seen["hu"])
for name, found in {say("cosine", "余弦"): cosines, "CSLS": scaled}.items():
    times = wins(found)
    right = 100 * (found.argmax(1) == torch.arange(len(found))).float().mean()
    hub = strings["hu"][times.argmax()]
    print(
        say(
            f'{name}: {right:.0f} % of English strings find theirs; "{hub}" wins {times.max()} of 300 searches',
            f"{name}：英语文字有{right:.0f}%找到译文；“{hub}”赢了300次查找中的{times.max()}次",
        )
    )

# %% [markdown] question="language-identity-in-vectors"

# %% [markdown] lang="en"
# ## And if somebody did label a few?
#
# Five commands of each intent in each language, from other templates, drawn five times. A head on them, with the English labels beside: on the teacher's own vectors, and on a distilled student's.
# %% [markdown] lang="zh"
# ## 要是有人标了几条呢？
#
# 每种语言、每种意图五条指令，取自别的模板，抽五次。和英语标签合在一起训练分类头：一次用教师自己的向量，一次用蒸馏出的学生的向量。

# %% key="few-labels" tags=["nbval-ignore-output"]
from kd_study.lessons.kit.transfer import with_few_labels

few = {
    say("teacher, 5 target labels", "教师，5条目标语言标签"): [
        with_few_labels(teacher, english, commands, seed) for seed in SEEDS
    ],
    say("vectors, 5 target labels", "向量，5条目标语言标签"): [
        with_few_labels(student.encode, english, commands, seed)
        for seed, student in zip(SEEDS, distilled, strict=True)
    ],
}
few = {name: torch.tensor(found) for name, found in few.items()}
for name, found in few.items():
    print(name, "→", percents(dict(zip(LANGUAGES, found.mean(0).tolist(), strict=True))))

# %% [markdown] lang="en"
# A few labels are a strong rival too, even on vectors of syllables; on distilled vectors they reach more than either alone. How far that goes is lesson 09.
#
# ## Side by side
# %% [markdown] lang="zh"
# 几条标签也是强劲的对手，哪怕底下的向量只是音节；放在蒸馏出的向量上，比单用哪一样都高。能走多远，见第09课。
#
# ## 放在一起看

# %% key="side-by-side" tags=["nbval-ignore-output"]
my_guesses()
once = {
    say("zero-shot", "零样本"): (zero_shot, say("nothing", "什么都不用")),
    **{name: (found, say("unlabelled commands", "无标签的指令")) for name, found in shifts.items()},
    say("turned, 600 pairs", "旋转，600对"): (
        {language: turned[language][-1] for language in LANGUAGES},
        say("translations", "译文"),
    ),
    "translate-test": (translate_test, say("translations; a teacher at work", "译文；使用时要有教师")),
}
several = {
    say("vectors, shuffled", "向量，打乱"): (by_shuffled, say("translations, wrongly paired", "配错的译文")),
    say("no teacher, no labels", "没有教师，也没有标签"): (by_untaught, say("translations", "译文")),
    say("vectors, interface alone", "向量，只有界面文字"): (by_interface, say("translations", "译文")),
    say("vectors, with rewritten", "向量，加上改写的指令"): (
        by_distilled,
        say("translations, English commands", "译文、英语指令"),
    ),
    "translate-train": (by_labelled, say("translations, English labels", "译文、英语标签")),
    **{
        name: (found, needs)
        for (name, found), needs in zip(
            few.items(),
            (say("target labels", "目标语言标签"), say("translations, target labels", "译文、目标语言标签")),
            strict=True,
        )
    },
}
table = [
    [name, *(f"{found[language]:.0f}" for language in LANGUAGES), "", needs]
    for name, (found, needs) in once.items()
]
for name, (found, needs) in several.items():
    mean, low, high = t_interval(found.mean(1))
    table.append(
        [name, *(f"{score:.0f}" for score in found.mean(0)), f"{mean:.0f} ({low:.0f}–{high:.0f})", needs]
    )
show_table(
    [
        say("way", "办法"),
        *LANGUAGES,
        say("mean (95 %)", "平均（95%）"),
        say("needs, beside an English teacher or labels", "除英语教师或标签外还要什么"),
    ],
    table,
)

# %% [markdown] lang="en"
# Read the last column. Whatever works without target labels needs parallel text: it carries the task, whoever rides on it. Without it geometry has nothing to move. And in Chinese a dictionary with the teacher at work keeps up with the best student: who can afford both at run time has a strong rival.
#
# ## Your turn
#
# **Clean the freight.** Real translations have errors. The margin score, cosine over the cosines of the neighbourhood, is the filter that people run on parallel text.
# %% [markdown] lang="zh"
# 看最后一栏：没有目标语言标签时，凡是管用的办法都要平行语料。带任务过去的是它，搭车的是谁倒在其次；没有它，几何也无物可挪。还有，中文上一部词典加上在线的教师，就追平了最好的学生：两样都负担得起，它就是强劲的对手。
#
# ## 轮到你了
#
# **清洗货物。** 真实的译文里有错。间隔分数（余弦除以邻域里的余弦）就是大家用来过滤平行语料的办法。

# %% exercise="margin_scores"

# %% key="margins" tags=["nbval-ignore-output"]
checked = translations("zh", 500, seed=1)
ours, theirs = (distilled[0].encode(list(side)).detach() for side in zip(*checked, strict=True))
order = margin_scores(ours, theirs).argsort()
for row in order[:4].tolist():
    print(f"{checked[row][0]}  |  {checked[row][1]}")

# %% [markdown] lang="en"
# The four with the lowest margin. Which are wrong, and which did the student merely fail to read?
#
# **The task that comes tomorrow.** Does the student of vectors know more of what nobody asked? Take the rows of ten intents out of `reading.groups["commands"]` and `["rewritten"]`, train both kinds of student, then fit a new head on these ten intents: first on English commands only, then on their rewritings too. We tried two seeds: one of the two heads makes the two students equal. Which, and what does this do to the sentence "vectors are good for any task"?
#
# ## The interview
# %% [markdown] lang="zh"
# 这是间隔分数最低的四对。哪些真的译错了，哪些只是学生读不懂？
#
# **明天才来的任务。** 没有人问过的东西，学向量的学生会不会知道得多些？把十种意图的行从`reading.groups["commands"]`和`["rewritten"]`里去掉，两种学生都训练一遍，再为这十种意图配新的分类头：先只用英语指令，再加上它们的改写。我们试过两个种子：其中一种分类头会让两个学生打成平手。是哪一种？“向量适用于任何任务”这句话，还能怎么说？
#
# ## 面试

# %% [markdown] question="advantages-across-languages"

# %% [markdown] question="is-the-teacher-needed"

# %% [markdown] question="turn-a-foreign-space"

# %% [markdown] lang="en"
# ## Next
#
# You can now name five ways across, say what each needs, and which control would sink it. Still open: how small one student for all languages can be, and when its teacher is worth having: [lesson 08](08_many_languages.ipynb).
# %% [markdown] lang="zh"
# ## 下一课
#
# 现在你说得出五条过去的路、各要什么、哪个对照能推翻它。还没回答的是：服务所有语言的一个学生能有多小，它的教师什么时候才值：见[第08课](08_many_languages.ipynb)。
