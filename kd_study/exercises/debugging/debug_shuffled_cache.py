import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kd_study.exercises.base import check, expect, is_close, normal, outcome
from kd_study.exercises.debugging._shared import DebugExercise
from kd_study.exercises.loop._scene import ByHand, Scene, Shuffled, Teacher, TrainingExercise, seeded
from kd_study.exercises.loop._shared import answer, update


def train_from_cache(
    teacher: nn.Module, student: nn.Module, data_loader, loss_function, optimizer, epochs: int = 1
) -> dict[str, Tensor]:
    """Ask the teacher once about every sample, then train the student on what was kept, by the samples' ids.

    Args: data_loader of (ids, data) batches, ids a tensor of integers; it may shuffle and put the batches together
    anew in each pass. loss_function(student_output, teacher_output) → scalar.
    Returns: the student's state_dict. Source: haitongli/knowledge-distillation-pytorch PR #16 and #17.
    """
    kept = {}
    teacher.eval()
    with torch.no_grad():
        for ids, data in data_loader:
            kept |= zip(ids.tolist(), teacher(data), strict=True)

    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            teacher_output = torch.stack([kept[name] for name in ids.tolist()])
            loss = loss_function(student(data), teacher_output)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return student.state_dict()


class DebugShuffledCache(DebugExercise, TrainingExercise):
    @property
    def reference(self):
        import torch._dynamo  # noqa: F401  # as in TrainingExercise

        return train_from_cache

    @check(en="The same order in every pass", zh="每一遍顺序都相同")
    def trains_where_nothing_is_shuffled(self, fn):
        scene, answers, _ = _trained(fn, _batches(), epochs=2)
        expect(
            answers == [True] * 4 and scene.optimizer.steps == 4,
            f"two batches and two epochs should be four steps with the teacher's answers in eval mode; {scene.optimizer.steps} were made, {sum(answers)} with the right answers",
            f"两批、两个epoch应有四步，比较的是教师在评估模式下的回答；实际走了{scene.optimizer.steps}步，其中{sum(answers)}步的回答正确",
        )

    @check(en="Batches in another order", zh="批次换了顺序")
    def keeps_answers_with_their_batch(self, fn):
        loader = Shuffled(_batches())
        _, answers, _ = _trained(fn, loader, epochs=2)
        expect(
            loader.passes >= 2,
            "with two epochs the student should be trained on what the loader gives in each of two passes, but the loader was "
            "gone through once",
            "两个epoch应按加载器两遍各自给出的批次训练学生，而加载器只被遍历了一遍",
        )
        expect(
            answers == [True] * 4,
            "the loader gives its batches in another order in each pass, and the student was compared with another batch's answers",
            "加载器每一遍给出批次的顺序都不同，学生被拿去与别的批次的回答比较了",
        )

    @check(en="Samples in other batches", zh="样本重新组合成批")
    def keeps_answers_with_their_sample(self, fn):
        _, answers, _ = _trained(fn, DataLoader(_SAMPLES, batch_size=3, shuffle=True), epochs=3)
        expect(
            answers == [True] * 9,
            "the loader puts the batches together anew in each pass, and the student was compared with another sample's answer; keep the answers by sample id",
            "加载器每一遍都重新组合批次，学生被拿去与别的样本的回答比较了；请按样本id保存回答",
        )

    @check(en="Each sample is asked about once", zh="每个样本只问一次")
    def asks_once_about_every_sample(self, fn):
        _, _, asked = _trained(fn, DataLoader(_SAMPLES, batch_size=3, shuffle=True), epochs=3)
        expect(
            asked == len(_SAMPLES),
            f"for {len(_SAMPLES)} samples and three epochs, each in other batches, the teacher was asked {asked} times; the point of a cache is to ask once about each",
            f"{len(_SAMPLES)}个样本、三个epoch（每次组合成不同的批），却问了教师{asked}次；缓存的意义就在于每个样本只问一次",
        )

    @check(en="The teacher: eval mode, no graph, unchanged", zh="教师：评估模式、无计算图、保持不变")
    def leaves_the_teacher_alone(self, fn):
        scene, answers, _ = _trained(fn, _batches())
        expect(
            all(answers) and not scene.moved("teacher"),
            "the teacher arrived in training mode; the answers kept should be those of eval mode, and its buffers stay",
            "教师以训练模式传入；存下的应是评估模式下的回答，它的缓冲区也不应变化",
        )
        expect(
            not any(seen.has_a_teacher_graph for seen in scene.comparisons),
            "the kept answers have a graph: ask under no_grad",
            "存下的回答带着计算图：请在no_grad下提问",
        )

    @check(
        en="The student: training mode, fresh gradients, its state", zh="学生：训练模式、新的梯度、返回参数"
    )
    def trains_the_student_as_usual(self, fn):
        scene, _, _ = _trained(fn, _batches())
        expect(
            all(scene.student.was_training) and not any(seen.swapped for seen in scene.comparisons),
            "the student should be in training mode, and its output the loss's first argument",
            "学生应处于训练模式，它的输出应是损失的第一个参数",
        )
        own = _state_by_hand(fn, stale_gradient=True)
        expect(
            isinstance(own, dict) and all(is_close(own[name], value) for name, value in _STEP.items()),
            "one batch should be one step from fresh gradients, and the student's state_dict the result",
            "一批数据应从清零后的梯度开始走一步，并返回学生的state_dict",
        )

    def behaviour(self, function):
        def facts(loader, epochs):
            scene, answers, asked = _trained(function, loader, epochs)
            seen = scene.comparisons
            return [
                answers,
                asked,
                scene.optimizer.steps,
                all(scene.student.was_training),
                any(one.has_a_teacher_graph for one in seen),
                any(one.swapped for one in seen),
                scene.moved("teacher"),
            ]

        sorted_batches = list(DataLoader(sorted(_SAMPLES, key=lambda sample: sample[0]), batch_size=4))
        ordinary = {
            "fixed": outcome(lambda: seeded(lambda: facts(_batches(), 2))),
            "shuffled": outcome(lambda: seeded(lambda: facts(Shuffled(_batches()), 2))),
            "ids in order": outcome(lambda: seeded(lambda: facts(sorted_batches, 1)[0])),
        }
        edge = {
            "samples": outcome(lambda: seeded(lambda: facts(DataLoader(_SAMPLES, 3, shuffle=True), 2)[0])),
            "result": outcome(lambda: _state_by_hand(function, stale_gradient=False)),
            "stale": outcome(lambda: _state_by_hand(function, stale_gradient=True)),
        }
        return ordinary, edge


_SAMPLES = [(name, normal(3, seed=name)) for name in (40, 7, 19, 3, 22, 11, 5, 30)]
_STEP = {"weight": torch.tensor([1.0])}  # of ByHand, after one step


def _batches() -> list:
    """Two batches of four samples."""
    return list(DataLoader(_SAMPLES, batch_size=4))


def _trained(function, loader, epochs: int = 1) -> tuple[Scene, list[bool], int]:
    """The scene, whether each comparison had the right answer, and how many samples the teacher was asked about."""
    scene, asked = Scene(), []

    class Counting(Teacher):
        def forward(self, data):
            asked.append(len(data))
            return super().forward(data)

    scene.teacher = Counting().train()
    function(scene.teacher, scene.student, loader, scene.loss, scene.optimizer, epochs)
    return scene, [seen.right_answer for seen in scene.comparisons], sum(asked)


def _state_by_hand(function, stale_gradient: bool):
    """What comes back after one batch of the scene that can be done by hand."""
    scene = ByHand()
    if stale_gradient:
        scene.student.weight.grad = torch.tensor([100.0])
    loader = [(torch.tensor([7]), torch.ones(1, 1))]
    return function(scene.teacher, scene.student, loader, nn.functional.mse_loss, scene.optimizer)


def _kept(teacher, data_loader) -> dict:
    return {
        name: row
        for ids, data in data_loader
        for name, row in zip(ids.tolist(), answer(teacher, data), strict=True)
    }


def _rows(kept: dict, ids) -> Tensor:
    return torch.stack([kept[name] for name in ids.tolist()])


@DebugShuffledCache.wrong(
    en="The answers are paired with batches by position. A loader that shuffles gives others in the next pass, and each sample learns from another's answer.",
    zh="回答是按位置与批次配对的。加载器一打乱，下一遍就成了别的批次，每个样本学的都是别人的回答。",
    reference="haitongli/knowledge-distillation-pytorch PR#16",
)
def pairs_by_position(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = [answer(teacher, data) for _, data in data_loader]
    student.train()
    for _ in range(epochs):
        for (_, data), teacher_output in zip(data_loader, kept, strict=True):
            update(optimizer, loss_function(student(data), teacher_output))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="Whole batches are kept, under the first id in them. That survives another order of the batches, and not another composition: keep each sample's answer.",
    zh="按批中第一个id保存了整批的回答。批次换顺序还应付得来，批次重新组合就不行了：请逐个样本保存。",
)
def keeps_whole_batches(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = {ids[0].item(): answer(teacher, data) for ids, data in data_loader}
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            update(optimizer, loss_function(student(data), kept[ids[0].item()]))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="The teacher is asked anew for each batch. That is right, and saves nothing: the cache is gone.",
    zh="每一批都重新问教师。结果没错，却什么也没省下：缓存没有了。",
)
def asks_again_every_time(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    student.train()
    for _ in range(epochs):
        for _, data in data_loader:
            update(optimizer, loss_function(student(data), answer(teacher, data)))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="The ids are sorted on the way, the data are not: the rows no longer belong together.",
    zh="途中把id排了序，数据却没有：各行对不上了。",
    reference="haitongli/knowledge-distillation-pytorch PR#17",
)
def sorts_the_ids(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = _kept(teacher, data_loader)
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            update(optimizer, loss_function(student(data), _rows(kept, ids.sort().values)))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="The keys are tensors, which are looked up by identity: the second pass finds none of them (KeyError). Use ids.tolist().",
    zh="键是张量，而张量按对象身份查找：第二遍一个也找不到（KeyError）。请用ids.tolist()。",
)
def keys_by_tensor(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = {
        name: row for ids, data in data_loader for name, row in zip(ids, answer(teacher, data), strict=True)
    }
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            teacher_output = torch.stack([kept[name.clone()] for name in ids])
            update(optimizer, loss_function(student(data), teacher_output))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="The teacher's eval() has got lost: one draw of its dropout is kept for ever.",
    zh="教师的eval()弄丢了：dropout的某一次随机结果被永远保存了下来。",
    reference="yxuansu/TaCL#11",
)
def keeps_a_draw_of_dropout(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = {}
    for ids, data in data_loader:
        with torch.no_grad():
            kept |= zip(ids.tolist(), teacher(data), strict=True)
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            update(optimizer, loss_function(student(data), _rows(kept, ids)))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="The answers are kept with their graph; the second backward through it fails, and until then it fills the memory.",
    zh="存下的回答带着计算图；第二次反向穿过它时会报错，在那之前则占满内存。",
)
def keeps_the_graph(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    teacher.eval()
    kept = {}
    for ids, data in data_loader:
        kept |= zip(ids.tolist(), teacher(data), strict=True)
    student.train()
    for _ in range(epochs):
        for ids, data in data_loader:
            update(optimizer, loss_function(student(data), _rows(kept, ids)))
    return student.state_dict()


@DebugShuffledCache.wrong(
    en="Only the first pass is trained on: `epochs` got lost in the repair.",
    zh="只训练了第一遍：修改时把`epochs`弄丢了。",
)
def ignores_the_epochs(teacher, student, data_loader, loss_function, optimizer, epochs=1):
    kept = _kept(teacher, data_loader)
    student.train()
    for ids, data in data_loader:
        update(optimizer, loss_function(student(data), _rows(kept, ids)))
    return student.state_dict()


EXERCISE = DebugShuffledCache()
