import math

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from kd_study.exercises.base import Exercise, check, expect, expect_close, is_close, normal, outcome, shown
from kd_study.exercises.loop._scene import Scale, Shuffled, Teacher, seeded, state
from kd_study.exercises.loop._shared import answer


class CacheTeacher(Exercise):
    uses_randomness = True

    def validate(self, result, arguments):
        expect(
            isinstance(result, dict),
            f"the function should return a dict from sample id to logits, but returned {type(result).__name__}",
            f"函数应返回从样本id到logits的字典，但返回了{type(result).__name__}",
        )
        strange = [key for key in result if isinstance(key, Tensor)]
        expect(
            not strange,
            "the dict's keys are tensors: cache[7] finds nothing, as equal tensors are different keys; use ids.tolist()",
            "字典的键是张量：相等的张量也是不同的键，所以cache[7]什么也找不到；请用ids.tolist()",
        )
        expect(
            all(isinstance(row, Tensor) for row in result.values()),
            "each value should be a tensor, the sample's logits",
            "每个值都应是张量，即该样本的logits",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        cache = fn(Scale(2.0), [(torch.tensor([7, 3]), torch.tensor([[1.0], [5.0]]))])
        _expect_keys(cache, {3, 7})
        expect_close(cache[7], torch.tensor([2.0]), "sample 7 is 1, and 2 · 1 = 2", "样本7是1，2 · 1 = 2")
        expect_close(cache[3], torch.tensor([10.0]), "sample 3 is 5, and 2 · 5 = 10", "样本3是5，2 · 5 = 10")

    @check(en="Every sample, under its own id", zh="每个样本都存在自己的id之下")
    def keeps_every_sample_under_its_id(self, fn):
        teacher, samples = Teacher().eval(), _samples()
        cache = fn(teacher, _batches(samples, 2))
        _expect_keys(cache, set(samples))
        for name, data in samples.items():
            expect_close(
                cache[name],
                teacher(data[None])[0].detach(),
                f"under id {name} should be the teacher's logits of that sample alone, of shape (2,)",
                f"id {name}之下应是教师对这一个样本的logits，形状为(2,)",
            )

    @check(en="Ids that are strings", zh="id是字符串")
    def takes_strings_for_ids(self, fn):
        cache = fn(
            Scale(2.0), [(("de-1", "fr-9"), torch.tensor([[1.0], [5.0]])), (["zh-4"], torch.tensor([[0.5]]))]
        )
        _expect_keys(cache, {"de-1", "fr-9", "zh-4"})
        expect_close(cache["fr-9"], torch.tensor([10.0]), "fr-9 is 5, and 2 · 5 = 10", "fr-9是5，2 · 5 = 10")

    @check(en="Order and batch size make no difference", zh="顺序与批大小不影响结果")
    def depends_on_no_order_and_no_batch_size(self, fn):
        samples = _samples()
        backwards = dict(reversed(samples.items()))
        caches = [
            fn(Teacher().train(), _batches(order, size))
            for order, size in ((samples, 2), (backwards, 2), (samples, 5), (backwards, 3))
        ]
        for cache in caches:
            _expect_keys(cache, set(samples))
            for name in samples:
                expect_close(
                    cache[name],
                    caches[0][name],
                    f"the logits of sample {name} depend on the samples it came with: BatchNorm and dropout are in training mode",
                    f"样本{name}的logits受同批样本的影响：BatchNorm和dropout处于训练模式",
                )

    @check(en="The teacher answers in eval mode", zh="教师在评估模式下回答")
    def asks_the_teacher_in_eval_mode(self, fn):
        teacher, samples = Teacher().train(), _samples()
        before = state(teacher)
        cache = fn(teacher, _batches(samples, 5))
        said = Teacher().eval()(torch.stack(list(samples.values()))).detach()
        kept = torch.stack([cache[name] for name in samples])
        rounded = is_close(kept, said, tolerance=1e-2)
        expect_close(
            kept,
            said,
            "what is kept is what the teacher says in eval mode, but rounded: keep it in its own dtype"
            if rounded
            else "the teacher arrived in training mode; what is kept should be what it says in eval mode",
            "存下来的是教师在评估模式下的回答，但被取整了：请保持它原来的dtype"
            if rounded
            else "教师以训练模式传入；存下来的应是它在评估模式下的回答",
        )
        expect(
            all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items()),
            "caching has changed the teacher's buffers; no_grad doesn't stop BatchNorm, eval mode does",
            "缓存过程改变了教师的缓冲区；no_grad拦不住BatchNorm，评估模式才行",
        )

    @check(en="No graph is kept", zh="不保留计算图")
    def keeps_no_graph(self, fn):
        cache = fn(Teacher().eval(), _batches(_samples(), 2))
        expect(
            not any(row.requires_grad for row in cache.values()),
            "the cached logits carry their graph, and with it every activation of the teacher; ask under no_grad",
            "存下来的logits带着计算图，连同教师的全部激活值；请在no_grad下提问",
        )

    @check(en="One pass over the loader", zh="只遍历一遍加载器")
    def makes_one_pass(self, fn):
        samples, rows = _samples(), []

        class Counting(Teacher):
            def forward(self, data):
                rows.append(len(data))
                return super().forward(data)

        teacher = Counting().eval()
        loader = Shuffled(_batches(samples, 2))
        cache = fn(teacher, loader)
        expect(
            loader.passes == 1 and sum(rows) == len(samples),
            f"the loader was gone through {loader.passes} times, and the teacher asked about {sum(rows)} samples, for {len(samples)}; a loader that shuffles gives another order each time",
            f"加载器被遍历了{loader.passes}遍，{len(samples)}个样本问了教师{sum(rows)}次；会打乱顺序的加载器每一遍顺序都不同",
        )
        _expect_keys(cache, set(samples))

    @check(en="Works with a DataLoader that shuffles", zh="可用于打乱顺序的DataLoader")
    def works_with_a_data_loader(self, fn):
        samples = list(_samples().items())
        cache = fn(Teacher().eval(), DataLoader(samples, batch_size=2, shuffle=True))
        _expect_keys(cache, {name for name, _ in samples})
        said = {name: Teacher().eval()(data[None])[0].detach() for name, data in samples}
        for name, logits in said.items():
            owner = _whose(cache[name], said)
            expect_close(
                cache[name],
                logits,
                f"the loader shuffles, and under id {name} stand the logits of sample {owner}"
                if owner != name
                else f"under id {name} should stand what the teacher says, digit for digit",
                f"加载器打乱了顺序，id {name}之下是样本{owner}的logits"
                if owner != name
                else f"id {name}之下应是教师的原话，一位数字也不差",
            )

    def behaviour(self, function):
        def cache(teacher, loader):
            return outcome(lambda: seeded(lambda: _readable(function(teacher, loader))))

        samples = _samples()
        ordinary = {
            "eval": cache(Teacher().eval(), _batches(samples, 2)),
            "train": cache(Teacher().train(), _batches(samples, 5)),
        }
        edge = {
            "shuffled": cache(Teacher().eval(), Shuffled(_batches(samples, 2))),
            "strings": cache(Scale(2.0), [(("a", "b"), torch.tensor([[1.0], [5.0]]))]),
            "exact": outcome(lambda: _largest_gap(function(Teacher().eval(), _batches(samples, 2))) < 1e-5),
            "graph": outcome(lambda: _has_graph(function(Teacher().eval(), _batches(samples, 2)))),
        }
        return ordinary, edge


def _samples() -> dict[int, Tensor]:
    """Sample id → data of shape (3,)."""
    return {name: normal(3, seed=name) for name in (40, 7, 19, 3, 22)}


def _batches(samples: dict, size: int) -> list:
    items = list(samples.items())
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    return [
        (torch.tensor([name for name, _ in part]), torch.stack([data for _, data in part])) for part in parts
    ]


def _whose(row: Tensor, said: dict[int, Tensor]) -> int:
    """The sample to whose logits a row comes nearest."""
    return min(
        said, key=lambda name: math.inf if row.shape != said[name].shape else (said[name] - row).norm().item()
    )


def _expect_keys(cache: dict, keys: set) -> None:
    expect(
        set(cache) == keys,
        f"the keys should be the ids {shown(sorted(keys))}, but are {shown(list(cache))}",
        f"字典的键应是各样本的id：{shown(sorted(keys))}，实际是{shown(list(cache))}",
    )


def _readable(cache):
    """A cache as a list that can be compared: kind of key, key, logits, in the order of the keys."""
    if not isinstance(cache, dict):
        return [type(cache).__name__]
    return sorted(
        ([type(key).__name__, str(key), torch.as_tensor(row).detach()] for key, row in cache.items()),
        key=lambda row: row[:2],
    )


def _largest_gap(cache) -> float:
    """How far the rows are from what the teacher says in eval mode."""
    return max(
        (cache[name] - Teacher().eval()(data[None])[0]).abs().max().item()
        for name, data in _samples().items()
    )


def _has_graph(cache) -> bool:
    return any(row.requires_grad for row in (cache.values() if isinstance(cache, dict) else cache))


def _names(ids) -> list:
    return ids.tolist() if isinstance(ids, Tensor) else list(ids)


@CacheTeacher.wrong(
    en="The keys are positions in the loader. One that shuffles gives other positions next time, and each sample learns from another's answer. Use the ids.",
    zh="键是样本在加载器里的位置。加载器一打乱，下次位置就变了，每个样本学的都是别人的回答。请用id作键。",
    reference="haitongli/knowledge-distillation-pytorch PR#16",
)
def keys_by_position(teacher, data_loader):
    rows = [row for _, data in data_loader for row in answer(teacher, data)]
    return dict(enumerate(rows))


@CacheTeacher.wrong(
    en="The keys are tensors with one number in them. Tensors are looked up by identity, so cache[7] finds nothing. Use ids.tolist().",
    zh="键是只含一个数的张量。张量按对象身份查找，cache[7]什么也找不到。请用ids.tolist()。",
)
def keys_by_tensor(teacher, data_loader):
    return {
        name: row for ids, data in data_loader for name, row in zip(ids, answer(teacher, data), strict=True)
    }


@CacheTeacher.wrong(
    en="The ids have become strings: cache[7] finds nothing, only cache['7'] does. Keep them as they are.",
    zh="id变成了字符串：cache[7]找不到，cache['7']才行。请保持id原样。",
)
def keys_by_text(teacher, data_loader):
    return {
        str(name): row
        for ids, data in data_loader
        for name, row in zip(_names(ids), answer(teacher, data), strict=True)
    }


@CacheTeacher.wrong(
    en="One entry a batch: the rows can't be found once the loader puts other samples together.",
    zh="每批只存一项：加载器换一种组合方式，就找不到各个样本了。",
)
def keeps_whole_batches(teacher, data_loader):
    return {number: answer(teacher, data) for number, (_, data) in enumerate(data_loader)}


@CacheTeacher.wrong(
    en="Under every id stand the logits of its whole batch. Each sample gets its own row.",
    zh="每个id之下存的都是整批的logits。每个样本应只存自己那一行。",
)
def keeps_the_batch_for_every_sample(teacher, data_loader):
    return {
        name: logits
        for ids, data in data_loader
        for logits in [answer(teacher, data)]
        for name in _names(ids)
    }


@CacheTeacher.wrong(
    en="The dict is made anew for each batch: only the last one is kept.",
    zh="每来一批都新建一个字典：最后只剩最后一批。",
)
def keeps_the_last_batch_only(teacher, data_loader):
    cache = {}
    for ids, data in data_loader:
        cache = dict(zip(_names(ids), answer(teacher, data), strict=True))
    return cache


@CacheTeacher.wrong(
    en="The ids are sorted and the logits are not: they no longer belong together.",
    zh="id排了序，logits却没有：两者对不上了。",
    reference="haitongli/knowledge-distillation-pytorch PR#17",
)
def sorts_the_ids(teacher, data_loader):
    cache = {}
    for ids, data in data_loader:
        cache |= zip(sorted(_names(ids)), answer(teacher, data), strict=True)
    return cache


@CacheTeacher.wrong(
    en="The loader is gone through twice, once for the ids and once for the logits. If it shuffles, the two passes differ.",
    zh="加载器遍历了两遍：一遍取id，一遍取logits。若它会打乱顺序，两遍就对不上。",
    reference="haitongli/knowledge-distillation-pytorch PR#17",
)
def makes_two_passes(teacher, data_loader):
    names = [name for ids, _ in data_loader for name in _names(ids)]
    return dict(zip(names, [row for _, data in data_loader for row in answer(teacher, data)], strict=True))


@CacheTeacher.wrong(
    en="no_grad is not eval: with dropout and BatchNorm in training mode a sample's logits depend on chance and on its neighbours, and the cache keeps one draw for ever.",
    zh="no_grad不等于eval：dropout与BatchNorm处于训练模式时，样本的logits取决于随机性和同批的样本，而缓存把这一次的结果永远固定了下来。",
    reference="yxuansu/TaCL#11",
)
def asks_the_teacher_as_it_comes(teacher, data_loader):
    cache = {}
    for ids, data in data_loader:
        with torch.no_grad():
            cache |= zip(_names(ids), teacher(data), strict=True)
    return cache


@CacheTeacher.wrong(
    en="Every kept row drags its batch's graph along: memory grows with each batch until it runs out. Ask under no_grad.",
    zh="每一行都拖着它那一批的计算图：内存逐批增长，直到耗尽。请在no_grad下提问。",
)
def keeps_the_graph(teacher, data_loader):
    teacher.eval()
    cache = {}
    for ids, data in data_loader:
        cache |= zip(_names(ids), teacher(data), strict=True)
    return cache


@CacheTeacher.wrong(
    en="Probabilities are kept. Logits are asked for: from probabilities at T = 1 no other temperature can be had without taking logarithms again.",
    zh="存的是概率。要的是logits：只有T = 1的概率，想换一个温度系数还得先取对数。",
)
def keeps_probabilities(teacher, data_loader):
    cache = {}
    for ids, data in data_loader:
        cache |= zip(_names(ids), answer(teacher, data).softmax(-1), strict=True)
    return cache


@CacheTeacher.wrong(
    en="Only the teacher's top class is kept: that is a pseudo-label, and all that its other probabilities say is lost.",
    zh="只存了教师最有把握的类别：那是伪标签，其余概率所含的信息全丢了。",
)
def keeps_hard_labels(teacher, data_loader):
    cache = {}
    for ids, data in data_loader:
        cache |= zip(_names(ids), answer(teacher, data).argmax(-1), strict=True)
    return cache


@CacheTeacher.wrong(
    en="What comes back is one tensor in the loader's order; nothing tells which row is whose.",
    zh="返回的是按加载器顺序拼起来的张量；看不出哪一行属于谁。",
)
def returns_a_table(teacher, data_loader):
    return torch.cat([answer(teacher, data) for _, data in data_loader])


@CacheTeacher.wrong(
    en="The rows are NumPy arrays: whoever stacks them beside tensors has to convert each again. Keep the tensors.",
    zh="每一行是NumPy数组：要与张量一起stack，就得逐个再转换。请保留张量。",
)
def keeps_numpy_rows(teacher, data_loader):
    return {
        name: row.numpy()
        for ids, data in data_loader
        for name, row in zip(_names(ids), answer(teacher, data), strict=True)
    }


@CacheTeacher.wrong(
    en="The rows are rounded to half precision: three digits are left of the teacher's answer. Keep its dtype, and round knowingly when you store.",
    zh="各行被舍入到半精度：教师的回答只剩三位有效数字。请保持原来的dtype；存储时要舍入，也应是有意为之。",
)
def rounds_the_rows(teacher, data_loader):
    return {
        name: row.half().float()
        for ids, data in data_loader
        for name, row in zip(_names(ids), answer(teacher, data), strict=True)
    }


EXERCISE = CacheTeacher()
