from collections import Counter, defaultdict

from kd_study.exercises.crosslingual._ibm1 import AlignmentExercise, expected_counts, of, per_source


class IBM1Step(AlignmentExercise):
    """Its checks are in `_ibm1`."""


@IBM1Step.wrong(
    en="The shares of a *source* word are made to sum to 1 within the pair. It is the target word that has to come from "
    "somewhere: the denominator is Σ t(target | source) over the source words.",
    zh="在句对内让一个*源*词的份额之和为1。要有出处的是目标词：分母应是t(目标词 | 源词)对源词求和。",
    reference="pytorch/translate PR#493",
)
def shares_out_the_source_words(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for origin in source:
            explained = sum(table.get((origin, word), 0.0) for word in target)
            for word in target:
                if table.get((origin, word), 0.0):
                    counts[origin, word] += table[origin, word] / explained
    return per_source(counts)


@IBM1Step.wrong(
    en="The denominators are collected in a dict by target word, so that a word that occurs twice stands twice in its own: its "
    "two halves make one count. Reset it, or compute it for each occurrence.",
    zh="分母按目标词累加在dict里，出现两次的词在自己的分母中也被加了两次：两个一半合起来只算一次。应当重置，或对每次出现单独计算。",
    reference="pytorch/translate PR#524; the denominators of NLTK's IBMModel1",
)
def halves_a_repeated_target_word(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        explained = defaultdict(float)
        for word in target:
            for origin in source:
                explained[word] += table.get((origin, word), 0.0)
        for word in target:
            for origin in source:
                if table.get((origin, word), 0.0):
                    counts[origin, word] += table[origin, word] / explained[word]
    return per_source(counts)


@IBM1Step.wrong(
    en="Both sentences are made sets: a word that occurs twice counts once.",
    zh="两个句子都变成了集合：出现两次的词只算一次。",
    reference="pytorch/translate PR#479",
)
def makes_sets_of_both_sentences(pairs, table):
    return per_source(expected_counts([(sorted(set(s)), sorted(set(t))) for s, t in pairs], of(table)))


@IBM1Step.wrong(
    en="The source sentence is made a set: a source word that stands there twice should get two shares.",
    zh="源句被变成了集合：出现两次的源词应当分到两份。",
)
def makes_a_set_of_the_source(pairs, table):
    return per_source(expected_counts([(sorted(set(s)), t) for s, t in pairs], of(table)))


@IBM1Step.wrong(
    en="A pair that was seen before is passed over, as in a set or a dict: how often a text occurs is lost.",
    zh="见过的句对被跳过了（例如放进set或dict）：文本出现的次数丢失了。",
)
def drops_repeated_pairs(pairs, table):
    once = list(dict.fromkeys((tuple(source), tuple(target)) for source, target in pairs))
    return per_source(expected_counts(once, of(table)))


@IBM1Step.wrong(
    en="The old table is overwritten entry by entry: words that no longer meet keep their old t, and the sums exceed 1. Start "
    "from an empty table.",
    zh="在旧表上逐项覆盖：不再相遇的词保留了旧的t，总和超过1。应从空表开始。",
    reference="nltk/nltk#1939",
)
def keeps_stale_entries(pairs, table):
    return {**table, **per_source(expected_counts(pairs, of(table)))}


@IBM1Step.wrong(
    en="The keys are (target word, source word): a table that is read the other way round next time is empty.",
    zh="键成了(目标词, 源词)：下一轮按另一个方向去查，表就是空的。",
    reference="nltk/nltk#1888",
)
def swaps_the_languages(pairs, table):
    return {(word, origin): t for (origin, word), t in per_source(expected_counts(pairs, of(table))).items()}


@IBM1Step.wrong(
    en="The counts are divided by the totals of the *target* words: that is t(source | target). Each source word's entries must "
    "sum to 1.",
    zh="计数除以了*目标*词的合计：那是t(源词 | 目标词)。应让每个源词的条目之和为1。",
)
def divides_by_the_targets_totals(pairs, table):
    counts, totals = expected_counts(pairs, of(table)), defaultdict(float)
    for (_, word), count in counts.items():
        totals[word] += count
    return {key: count / totals[key[1]] for key, count in counts.items()}


@IBM1Step.wrong(
    en="The counts are divided by the sum of all: a joint probability of both words, not one of the target given the source.",
    zh="计数除以了全部之和：得到两个词的联合概率，而不是给定源词时目标词的概率。",
)
def divides_by_everything(pairs, table):
    counts = expected_counts(pairs, of(table))
    return {key: count / sum(counts.values()) for key, count in counts.items()}


@IBM1Step.wrong(
    en="These are the expected counts: the maximisation, dividing by each source word's total, is missing.",
    zh="这只是期望计数：缺少M步，即除以每个源词的合计。",
)
def forgets_the_maximisation(pairs, table):
    return dict(expected_counts(pairs, of(table)))


@IBM1Step.wrong(
    en="t itself is added to the counts, not t divided by what all source words of the pair offer: a target word then counts "
    "more where it is explained well, not once.",
    zh="加到计数里的是t本身，没有除以句对中所有源词之和：解释得好的目标词会算得更多，而不是恰好一次。",
)
def forgets_the_denominator(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            for origin in source:
                if table.get((origin, word), 0.0):
                    counts[origin, word] += table[origin, word]
    return per_source(counts)


@IBM1Step.wrong(
    en="The denominators are not reset between pairs: a word in the tenth sentence is divided by what the source words of all ten "
    "offer.",
    zh="句对之间没有重置分母：第十句里的词，除以的是前十句所有源词之和。",
)
def carries_the_denominators_over(pairs, table):
    counts, explained = defaultdict(float), defaultdict(float)
    for source, target in pairs:
        for word in target:
            chances = [table.get((origin, word), 0.0) for origin in source]
            explained[word] += sum(chances)
            for origin, chance in zip(source, chances, strict=True):
                if chance:
                    counts[origin, word] += chance / explained[word]
    return per_source(counts)


@IBM1Step.wrong(
    en="The table isn't looked at: every source word gets the same share. That is a first round, and all others repeat it.",
    zh="没有看table：每个源词分到同样多。这只是第一轮，之后每一轮都是重复。",
)
def ignores_the_table(pairs, table):
    return per_source(expected_counts(pairs, lambda origin, word: 1.0))


@IBM1Step.wrong(
    en="Each target word goes wholly to the source word that explains it best (hard, or Viterbi, EM). Here it is shared out in "
    "proportion.",
    zh="每个目标词整个归给解释得最好的源词（硬EM，即Viterbi训练）。这里要按比例分摊。",
)
def gives_all_to_the_best(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            best = max(source, key=lambda origin, word=word: table.get((origin, word), 0.0), default=None)
            if table.get((best, word), 0.0):
                counts[best, word] += 1.0
    return per_source(counts)


@IBM1Step.wrong(
    en="t is estimated anew after every pair: the result depends on the order, and the last sentence weighs most. All pairs "
    "first, then t.",
    zh="每个句对之后都重新估计t：结果取决于次序，最后一句的影响最大。应先看完所有句对，再估计t。",
    reference="allenai/iterative-search-semparse PR#19, which counts batch by batch",
)
def estimates_after_every_pair(pairs, table):
    counts, current = defaultdict(float), dict(table)
    for pair in pairs:
        for key, count in expected_counts([pair], of(current)).items():
            counts[key] += count
        current |= per_source(counts)
    return per_source(counts)


@IBM1Step.wrong(
    en="Half of the old t is mixed into the new one, as in online EM. One round of plain EM forgets the old table.",
    zh="把旧t与新t各取一半混合，像在线EM那样。普通EM的一轮会丢弃旧表。",
    reference="nltk/nltk PR#2657 (its stepSize)",
)
def mixes_with_the_old_table(pairs, table):
    new = per_source(expected_counts(pairs, of(table)))
    return {key: 0.5 * t + 0.5 * table.get(key, 0.0) for key, t in new.items()}


@IBM1Step.wrong(
    en="A NULL word is added to every source, with a t of its own. Whoever wants one puts it into the pairs.",
    zh="给每个源句都加了NULL词，并给了它自己的t。想要NULL词的人会自己放进句对里。",
    reference="NLTK's IBMModel1, Brown et al. 1993",
)
def adds_a_null_word(pairs, table):
    words = {word for _, target in pairs for word in target}
    table = {(None, word): 1 / len(words) for word in words} | table
    return per_source(expected_counts([([None, *source], target) for source, target in pairs], of(table)))


@IBM1Step.wrong(
    en="1 is added to every count (smoothing): a pair of words that meets once looks probable, and what EM promises no longer holds.",
    zh="给每个计数都加了1（平滑）：只相遇过一次的两个词也显得可能，EM的保证不再成立。",
    reference="Moore 2004, Improving IBM Word Alignment Model 1",
)
def smooths_the_counts(pairs, table):
    return per_source({key: count + 1 for key, count in expected_counts(pairs, of(table)).items()})


@IBM1Step.wrong(
    en="table[source, target] raises KeyError for an entry that isn't there; after a round many aren't. Use table.get(…, 0).",
    zh="table[源词, 目标词]在没有该条目时会抛出KeyError；一轮之后很多条目都不在了。请用table.get(…, 0)。",
)
def raises_at_a_missing_entry(pairs, table):
    return per_source(expected_counts(pairs, lambda origin, word: table[origin, word]))


@IBM1Step.wrong(
    en="A target word that no source word explains divides by 0: one unseen word stops the whole training. It contributes nothing.",
    zh="没有源词能解释的目标词会导致除以0：一个没见过的词就让整个训练停下来。它应当不起作用。",
)
def divides_by_zero(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            explained = sum(table.get((origin, word), 0.0) for origin in source)
            for origin in source:
                counts[origin, word] += table.get((origin, word), 0.0) / explained
    return per_source({key: count for key, count in counts.items() if count})


@IBM1Step.wrong(
    en="Every t is raised to a floor such as 1e-12: a word that nothing explains is then shared out evenly, a whole count invented, "
    "and entries of zero come back to life.",
    zh="每个t都被抬到1e-12之类的下限：无法解释的词于是被平均分摊，凭空多出一个计数，为0的条目也复活了。",
    reference="nltk/nltk PR#3882 (MIN_PROB)",
)
def floors_the_probabilities(pairs, table):
    return per_source(expected_counts(pairs, lambda origin, word: max(table.get((origin, word), 0.0), 1e-12)))


@IBM1Step.wrong(
    en="A target word that nothing explains is shared out evenly among the source words, as if the table knew nothing. It is to "
    "contribute nothing.",
    zh="无法解释的目标词被平均分给各个源词，好像表里什么都不知道一样。它应当不起作用。",
)
def shares_out_the_unexplained_evenly(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            chances = [table.get((origin, word), 0.0) for origin in source]
            chances = chances if any(chances) else [1.0] * len(source)
            for origin, chance in zip(source, chances, strict=True):
                if chance:
                    counts[origin, word] += chance / sum(chances)
    return per_source(counts)


@IBM1Step.wrong(
    en="Entries of 0 come back too: the table then grows with every two words that ever met. Leave them out; a missing entry is 0.",
    zh="值为0的条目也返回了：表会随着所有相遇过的词对不断膨胀。应当省去；没有条目就是0。",
)
def returns_zeros(pairs, table):
    found = per_source(expected_counts(pairs, of(table)))
    return {(s, t): found.get((s, t), 0.0) for source, target in pairs for s in source for t in target}


@IBM1Step.wrong(
    en="A small number is added to the denominator: rare words, whose t are that small themselves, lose their counts.",
    zh="给分母加了一个小常数：罕见词的t本身就这么小，计数因此丢失。",
)
def adds_a_small_number(pairs, table):
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            explained = sum(table.get((origin, word), 0.0) for origin in source) + 1e-9
            for origin in source:
                if table.get((origin, word), 0.0):
                    counts[origin, word] += table[origin, word] / explained
    return per_source(counts)


@IBM1Step.wrong(
    en="The table that was passed in is emptied and filled anew: nobody can compare two rounds, or try another one from the same "
    "start.",
    zh="传入的table被清空后重新填写：无法比较前后两轮，也无法从同一起点再试一次。",
)
def overwrites_the_table(pairs, table):
    new = per_source(expected_counts(pairs, of(table)))
    table.clear()
    table.update(new)
    return table


@IBM1Step.wrong(
    en="Looking an entry up puts it into the table (setdefault, or a defaultdict made of it): the caller's table fills with zeros.",
    zh="查找条目时把它写进了table（setdefault，或把table做成defaultdict）：调用者的表里会塞满0。",
)
def grows_the_table(pairs, table):
    return per_source(expected_counts(pairs, lambda origin, word: table.setdefault((origin, word), 0.0)))


@IBM1Step.wrong(
    en="The table comes back nested, {source: {target: t}}: it can't be passed in for the next round.",
    zh="返回的是嵌套的表{源词: {目标词: t}}：无法直接传给下一轮。",
)
def nests_the_table(pairs, table):
    nested = defaultdict(Counter)
    for (origin, word), t in per_source(expected_counts(pairs, of(table))).items():
        nested[origin][word] = t
    return dict(nested)


EXERCISE = IBM1Step()
