import torch
import torch.nn.functional as F
from torch import nn

from kd_study.exercises.base import Exercise, check, expect, expect_close, outcome


class TrimVocabulary(Exercise):
    uses_randomness = True  # a new nn.Embedding draws its weights before they are overwritten

    def validate(self, result, arguments):
        expect(
            isinstance(result, tuple) and len(result) == 2,
            f"a tuple of two, (embedding, dict), should come back, but {type(result).__name__} did",
            f"应返回由两项组成的tuple：(嵌入层, dict)，返回的却是{type(result).__name__}",
        )
        expect(
            isinstance(result[0], nn.Embedding),
            f"the first item should be an nn.Embedding, but is {type(result[0]).__name__}",
            f"第一项应是nn.Embedding，实际是{type(result[0]).__name__}",
        )
        expect(
            isinstance(result[1], dict),
            f"the second item should be a dict, but is {type(result[1]).__name__}",
            f"第二项应是dict，实际是{type(result[1]).__name__}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        smaller, new_id = fn(_table(10, padding=0), [7, 3, 7])
        expect(
            new_id == {0: 0, 3: 1, 7: 2},
            f"the padding row 0 and the ids 3 and 7 are kept, in this order: {{0: 0, 3: 1, 7: 2}}, but {new_id} came",
            f"保留填充行0与id 3、7，按此顺序应为{{0: 0, 3: 1, 7: 2}}，实际是{new_id}",
        )
        expect_close(
            smaller.weight,
            _table(10).weight[[0, 3, 7]],
            "the three rows should be the old rows 0, 3 and 7",
            "这三行应是旧的第0、3、7行",
        )

    @check(en="A kept token has its old vector", zh="保留的token向量不变")
    def keeps_the_vectors(self, fn):
        for padding in (None, 2):
            table = _table(8, padding)
            smaller, new_id = fn(table, [6, 1, 4, 1])
            for old in (1, 4, 6):
                expect(
                    new_id.get(old) in range(len(new_id)),
                    f"the dict should lead the old id {old} to a row of the small table, but is {new_id}",
                    f"dict应把旧id {old}对应到小表的某一行，实际是{new_id}",
                )
                expect_close(
                    smaller(torch.tensor([new_id[old]])),
                    table.weight[[old]],
                    f"looking up the token {old} by its new id should give the old vector",
                    f"用新id查token {old}，应得到旧的向量",
                )

    @check(en="New ids in the order of the old", zh="新id按旧id的顺序")
    def numbers_in_the_old_order(self, fn):
        for ids in ([5, 2, 9], [9, 5, 2], [2, 9, 5, 2, 9]):
            _, new_id = fn(_table(12), ids)
            expect(
                new_id == {2: 0, 5: 1, 9: 2},
                f"for {ids} the new ids should be 0, 1, 2 for 2, 5, 9, however they come, but are {new_id}",
                f"对{ids}，无论以何种顺序给出，2、5、9的新id都应是0、1、2，实际是{new_id}",
            )

        _, new_id = fn(_table(12, padding=6), [9, 2])
        expect(
            new_id == {2: 0, 6: 1, 9: 2},
            f"the padding row 6 has its place between 2 and 9: {{2: 0, 6: 1, 9: 2}}, but {new_id} came",
            f"填充行6应排在2与9之间：{{2: 0, 6: 1, 9: 2}}，实际是{new_id}",
        )

    @check(en="No more rows than needed", zh="没有多余的行")
    def has_no_more_rows_than_needed(self, fn):
        for padding, ids, rows in (
            (None, [4, 4, 4, 1], 2),
            (0, [0, 3], 2),
            (0, [3], 2),
            (None, range(6), 6),
            (5, [], 1),
        ):
            smaller, new_id = fn(_table(6, padding), ids)
            expect(
                tuple(smaller.weight.shape) == (rows, 3) and smaller.num_embeddings == rows == len(new_id),
                f"ids {list(ids)} with the padding row {padding} make {rows} rows of width 3 and as many ids, but the table is "
                f"{tuple(smaller.weight.shape)} and the dict has {len(new_id)}",
                f"id为{list(ids)}、填充行为{padding}时应有{rows}行、宽度为3，id个数相同；实际的表是{tuple(smaller.weight.shape)}，"
                f"dict有{len(new_id)}项",
            )

    @check(en="The padding row stays the padding row", zh="填充行仍是填充行")
    def keeps_the_padding_row(self, fn):
        for padding, ids in ((0, [3, 5]), (4, [1, 5]), (4, [1, 4, 5]), (5, [1]), (2, [])):
            table = _table(6, padding)
            smaller, new_id = fn(table, ids)
            expect(
                padding in new_id and smaller.padding_idx == new_id[padding],
                f"with the padding row {padding} and ids {ids} padding_idx should be its new id, {new_id.get(padding)}, but is "
                f"{smaller.padding_idx} (the dict: {new_id})",
                f"填充行为{padding}、id为{ids}时，padding_idx应是它的新id {new_id.get(padding)}，实际是{smaller.padding_idx}"
                f"（dict为{new_id}）",
            )
            expect_close(
                smaller.weight[new_id[padding]],
                table.weight[padding],
                "the padding row should keep its values, even where they aren't 0 (a pretrained table's often aren't)",
                "填充行应保持原值，哪怕不是0（预训练的表往往不是0）",
            )
        smaller, _ = fn(_table(6), [0, 3])
        expect(
            smaller.padding_idx is None,
            f"a table without a padding row should give one without, but padding_idx is {smaller.padding_idx}",
            f"没有填充行的表，裁剪后也不应有，实际padding_idx是{smaller.padding_idx}",
        )

    @check(en="Any iterable of ints", zh="任意由int组成的可迭代对象")
    def takes_any_iterable(self, fn):
        for kind, ids in (
            ("set", {8, 3}),
            ("tuple", (8, 3, 3)),
            ("range", range(3, 9, 5)),
            ("dict's keys", {8: "a", 3: "b"}.keys()),
            ("generator", (token for sentence in ([8, 3], [3]) for token in sentence)),
        ):
            smaller, new_id = fn(_table(10, padding=1), ids)
            expect(
                new_id == {1: 0, 3: 1, 8: 2} and len(smaller.weight) == 3,
                f"the ids 3 and 8 as a {kind} should give {{1: 0, 3: 1, 8: 2}} and 3 rows, but gave {new_id} and "
                f"{len(smaller.weight)}; a generator can be walked through only once",
                f"id 3和8以{kind}给出时应得到{{1: 0, 3: 1, 8: 2}}和3行，实际是{new_id}和{len(smaller.weight)}行；生成器只能遍历一次",
            )

    @check(en="A copy; the large table stays", zh="小表是副本，大表不变")
    def leaves_the_large_table_alone(self, fn):
        for ids in ([1, 2, 3], range(6)):
            table = _table(6, padding=0)
            before = table.weight.detach().clone()
            smaller, _ = fn(table, ids)
            with torch.no_grad():
                smaller.weight.add_(1.0)
            expect(
                tuple(table.weight.shape) == (6, 3) and table.num_embeddings == 6 and table.padding_idx == 0,
                "the large table has come out with another shape or padding row",
                "大表的形状或填充行被改动了",
            )
            expect_close(
                table.weight,
                before,
                "changing the small table should not change the large one: copy the rows",
                "改动小表不应影响大表：请复制这些行",
            )

    def behaviour(self, function):
        cases = {
            "plain": (None, [6, 1, 4]),
            "padding": (3, [6, 1, 4]),
            "padding first": (0, [5, 2]),
            "padding last": (7, [1, 4]),
        }
        edges = {
            "twice": (None, [6, 1, 6]),
            "padding asked for": (3, [3, 5]),
            "generator": (3, None),
            "nothing but padding": (3, []),
        }
        ordinary = {name: outcome(lambda case=case: _seen(function, *case)) for name, case in cases.items()}
        edge = {name: outcome(lambda case=case: _seen(function, *case)) for name, case in edges.items()}
        edge["large table"] = outcome(lambda: _large_table_afterwards(function, [1, 4]))
        edge["large table, all kept"] = outcome(lambda: _large_table_afterwards(function, range(6)))
        return ordinary, edge


def _table(rows: int, padding: int | None = None) -> nn.Embedding:
    """A table of width 3 whose every row tells its id; its padding row isn't 0."""
    weight = torch.arange(rows)[:, None] * 10.0 + torch.tensor([1.0, 2.0, 3.0])
    return nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=padding)


def _seen(function, padding, ids) -> list:
    """The small table, its padding row and the dict; ids None stand for a generator."""
    ids = (token for token in (6, 1, 4)) if ids is None else list(ids)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        smaller, new_id = function(_table(8, padding), ids)
    return [smaller.weight.detach().clone(), smaller.padding_idx, dict(new_id)]


def _large_table_afterwards(function, ids) -> list:
    table = _table(6, padding=0)
    with torch.random.fork_rng():
        smaller, _ = function(table, ids)
    with torch.no_grad():
        smaller.weight.add_(1.0)
    return [table.weight.detach().clone(), table.num_embeddings, table.padding_idx]


def _kept(embedding, token_ids) -> list[int]:
    padding = embedding.padding_idx
    return sorted(set(token_ids) | (set() if padding is None else {padding}))


def _numbered(kept) -> dict[int, int]:
    return {old: new for new, old in enumerate(kept)}


def _smaller(weight, padding) -> nn.Embedding:
    return nn.Embedding.from_pretrained(weight, freeze=False, padding_idx=padding)


@TrimVocabulary.wrong(
    en="The padding row isn't kept unless somebody asks for it: padded batches have nothing to look up any more.",
    zh="没人要求就不保留填充行：带填充的批就无处可查了。",
)
def loses_the_padding_row(embedding, token_ids):
    kept = sorted(set(token_ids))
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[kept], new_id.get(embedding.padding_idx)), new_id


@TrimVocabulary.wrong(
    en="The small table isn't told which row is padding: that row gets gradients and drifts away from its values.",
    zh="没有告诉小表哪一行是填充：那一行会得到梯度，数值逐渐偏移。",
)
def forgets_padding_idx(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    return _smaller(embedding.weight.detach()[kept], None), _numbered(kept)


@TrimVocabulary.wrong(
    en="padding_idx is the old id: in the small table that is another token, or no row at all.",
    zh="padding_idx还是旧的id：在小表里那是另一个token，甚至根本没有这一行。",
)
def keeps_the_old_padding_id(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    return _smaller(embedding.weight.detach()[kept], embedding.padding_idx), _numbered(kept)


@TrimVocabulary.wrong(
    en="The padding row is put first, as id 0. Many tokenizers do so, but here the order of the old ids holds for it too.",
    zh="把填充行放到了最前面，成为id 0。很多分词器如此，但这里它也遵循旧id的顺序。",
)
def puts_padding_first(embedding, token_ids):
    padding = embedding.padding_idx
    kept = ([] if padding is None else [padding]) + sorted(set(token_ids) - {padding})
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[kept], new_id.get(padding)), new_id


@TrimVocabulary.wrong(
    en="The padding row is set to 0. A pretrained table's padding row often isn't, and its values are to stay.",
    zh="把填充行清零了。预训练的表里填充行往往不是0，应保持原值。",
)
def clears_the_padding_row(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    new_id = _numbered(kept)
    weight = embedding.weight.detach()[kept]
    if embedding.padding_idx is not None:
        weight[new_id[embedding.padding_idx]] = 0.0
    return _smaller(weight, new_id.get(embedding.padding_idx)), new_id


@TrimVocabulary.wrong(
    en="The rows come in the order in which the ids were first seen: two runs over the same corpus in another order give two "
    "vocabularies.",
    zh="行的次序是id首次出现的次序：同一份语料换个顺序跑，就得到不同的词表。",
)
def numbers_in_the_order_of_sight(embedding, token_ids):
    padding = embedding.padding_idx
    kept = list(dict.fromkeys([*token_ids, *([] if padding is None else [padding])]))
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[kept], new_id.get(padding)), new_id


@TrimVocabulary.wrong(
    en="The dict goes the wrong way, from new id to old. Texts come with old ids and have to be looked up.",
    zh="dict的方向反了，是从新id到旧id。文本带来的是旧id，要查的是新id。",
)
def turns_the_dict_round(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    padding = _numbered(kept).get(embedding.padding_idx)
    return _smaller(embedding.weight.detach()[kept], padding), dict(enumerate(kept))


@TrimVocabulary.wrong(
    en="The ids are sorted for the dict but the rows are taken as the ids came: every token gets another one's vector, and no error "
    "says so.",
    zh="dict用的是排序后的id，取行却按id给出的次序：每个token都拿到了别人的向量，而且不会报错。",
)
def sorts_the_dict_but_not_the_rows(embedding, token_ids):
    padding = embedding.padding_idx
    seen = list(dict.fromkeys([*token_ids, *([] if padding is None else [padding])]))
    new_id = _numbered(sorted(seen))
    return _smaller(embedding.weight.detach()[seen], new_id.get(padding)), new_id


@TrimVocabulary.wrong(
    en="The first rows are kept, as many as needed, instead of the rows of these ids.",
    zh="保留的是最前面的若干行，而不是这些id对应的行。",
)
def keeps_the_first_rows(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[: len(kept)].clone(), new_id.get(embedding.padding_idx)), new_id


@TrimVocabulary.wrong(
    en="The small table starts from random numbers: its rows have to be copied from the large one.",
    zh="小表的初值是随机数：应从大表复制这些行。",
)
def starts_from_scratch(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    new_id = _numbered(kept)
    return nn.Embedding(len(kept), embedding.embedding_dim, new_id.get(embedding.padding_idx)), new_id


@TrimVocabulary.wrong(
    en="Rows that aren't needed are set to 0 but stay: the table is as large as before.",
    zh="不需要的行只是清零，并没有去掉：表和原来一样大。",
)
def clears_rows_instead_of_dropping_them(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    keep = F.one_hot(torch.tensor(kept), embedding.num_embeddings).sum(0).to(embedding.weight.dtype)
    return _smaller(embedding.weight.detach() * keep[:, None], embedding.padding_idx), {x: x for x in kept}


@TrimVocabulary.wrong(
    en="An id that comes twice gets two rows: over a corpus the table grows larger than the old one. Make a set first.",
    zh="重复出现的id占了两行：遍历一份语料后，表会比原来还大。请先变成集合。",
)
def keeps_duplicates(embedding, token_ids):
    padding = embedding.padding_idx
    kept = sorted([*token_ids, *([] if padding is None else [padding])])
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[kept], new_id.get(padding)), new_id


@TrimVocabulary.wrong(
    en="token_ids is walked through twice: a generator has nothing left for the second time. Make a set of it once.",
    zh="遍历了两次token_ids：生成器第二次就空了。请先把它变成集合。",
)
def walks_through_the_ids_twice(embedding, token_ids):
    largest = max(token_ids, default=0)
    kept = [old for old in _kept(embedding, token_ids) if old <= max(largest, embedding.padding_idx or 0)]
    new_id = _numbered(kept)
    return _smaller(embedding.weight.detach()[kept], new_id.get(embedding.padding_idx)), new_id


@TrimVocabulary.wrong(
    en="The large table itself is cut: whoever else holds it, a teacher perhaps, has lost its vocabulary.",
    zh="裁掉的是大表本身：还在用它的人（也许是教师）就失去了词表。",
)
def cuts_the_table_itself(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    new_id = _numbered(kept)
    embedding.weight = nn.Parameter(embedding.weight.detach()[kept])
    embedding.num_embeddings, embedding.padding_idx = len(kept), new_id.get(embedding.padding_idx)
    return embedding, new_id


@TrimVocabulary.wrong(
    en="Where all rows are kept the large table's own memory is handed out: training the small one changes the large one.",
    zh="所有行都保留时，直接交出了大表的内存：训练小表会改动大表。",
)
def shares_memory_if_all_are_kept(embedding, token_ids):
    kept = _kept(embedding, token_ids)
    new_id = _numbered(kept)
    weight = embedding.weight.detach()
    weight = weight if len(kept) == len(weight) else weight[kept]
    return _smaller(weight, new_id.get(embedding.padding_idx)), new_id


EXERCISE = TrimVocabulary()
