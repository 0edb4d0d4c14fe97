"""What the lessons' experiments share: samples of commands, many small students trained at once, scores."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from kd_solutions.data.commands import Commands, load_commands
from kd_solutions.evaluation.intervals import Interval, paired_t_interval
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.models.subwords import Subwords
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.language import say

ADAM = partial(torch.optim.Adam, fused=True)  # the same steps in little more than half the time


def few_commands(labels: Tensor, per_intent: int, seed: int) -> Tensor:
    """Row numbers of a random sample with `per_intent` commands of every intent."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    of_each = [order[labels[order] == intent][:per_intent] for intent in range(int(labels.max()) + 1)]
    return torch.cat(of_each)


def typical(logits: Tensor, labels: Tensor) -> int:
    """The row with the median confidence among those that these (N, C) logits read rightly."""
    confidence, answers = logits.softmax(-1).max(-1)
    rightly = (answers == labels).nonzero().squeeze(1)
    return int(rightly[confidence[rightly].argsort()[len(rightly) // 2]])


def bags(texts: list[str], rows: int) -> Tensor:
    """(N, rows): how often each hashed piece of a word occurs in a text, as a row of length 1.

    The cheapest input there is: no word order, and different pieces share a row by chance.
    """
    features = Subwords(rows)(texts)
    lengths = features.offsets.diff(append=torch.tensor([len(features.ids)]))
    counts = torch.zeros(len(texts), rows)
    positions = (torch.arange(len(texts)).repeat_interleave(lengths), features.ids)
    counts.index_put_(positions, torch.ones(len(features.ids)), accumulate=True)
    return nn.functional.normalize(counts)


def shared_words(names: Sequence[str]) -> Tensor:
    """(N, N): of the words in two names such as "IncreaseTimer", the share that stands in both."""
    words = [set(re.findall("[A-Z][a-z]+", name)) for name in names]
    return torch.tensor([[len(ours & theirs) / len(ours | theirs) for theirs in words] for ours in words])


class ManyStudents(nn.Module):
    """S networks with one hidden layer, side by side: (S, N, width) → (S, N, classes)."""

    def __init__(self, count: int, width: int, hidden: int, classes: int, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def weights(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(count, *shape, generator=generator) * (2 / shape[0]) ** 0.5)

        self.first, self.second = weights(width, hidden), weights(hidden, classes)
        self.first_bias = nn.Parameter(torch.zeros(count, 1, hidden))
        self.second_bias = nn.Parameter(torch.zeros(count, 1, classes))

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = inputs.expand(len(self.first), -1, -1)
        hidden = torch.baddbmm(self.first_bias, inputs, self.first).relu()
        return torch.baddbmm(self.second_bias, hidden, self.second)


def train_many(
    students: ManyStudents,
    inputs: Tensor,
    loss_function: Callable[[Tensor], Tensor],
    steps: int,
    rate: float,
    optimizer_class: Callable[..., torch.optim.Optimizer] = ADAM,
) -> ManyStudents:
    """Trains each student on its own (N, width) slice of `inputs`, all rows in every step.

    loss_function: (S · N, classes) logits → their mean loss. A mean over all students, times S, gives each
    the gradient that it would have alone.
    """
    optimizer = optimizer_class(students.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    for _ in range(steps):
        loss = loss_function(students(inputs).flatten(0, 1)) * len(inputs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return students


def score_by_intent(logits: Tensor, labels: Tensor) -> Tensor:
    """Percent of right answers, each intent weighing the same: (…, N, classes) → (…)."""
    right = (logits.argmax(-1) == labels).float()
    by_intent = [right[..., labels == intent].mean(-1) for intent in labels.unique()]
    return 100 * torch.stack(by_intent).mean(0)


def train_head(
    vectors: Tensor, labels: Tensor, classes: int, steps: int = 50, rate: float = 0.15
) -> nn.Linear:
    """A linear head on a teacher's vectors, each intent weighing the same however many commands it has.

    So the head can't pass on how often an intent occurs, which would help a student without any knowledge
    about commands.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = nn.Linear(vectors.shape[1], classes)
    optimizer = ADAM(head.parameters(), lr=rate, weight_decay=1e-4)
    loss_function = nn.CrossEntropyLoss(weight=1 / torch.bincount(labels, minlength=classes))
    for _ in range(steps):
        loss = loss_function(head(vectors), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head.requires_grad_(False)


@dataclass(frozen=True)
class Cohort:
    """The students of lesson 01, each with its own few commands, and what the teacher says of these.

    texts: S · N commands; inputs: (S, N, width); labels: (S · N,); teacher_logits: (S · N, intents).
    """

    intents: tuple[str, ...]
    texts: list[str]
    inputs: Tensor
    labels: Tensor
    teacher_logits: Tensor
    held_out_inputs: Tensor
    held_out_labels: Tensor

    def train(
        self,
        loss_function: Callable[[Tensor], Tensor],
        optimizer_class: Callable[..., torch.optim.Optimizer] = ADAM,
        rate: float = 0.02,
    ) -> ManyStudents:
        """The students after 200 steps on a loss of their logits, always from the same starting weights."""
        count, _, width = self.inputs.shape
        students = ManyStudents(count, width, hidden=32, classes=len(self.intents))
        return train_many(students, self.inputs, loss_function, 200, rate, optimizer_class)

    @torch.no_grad()
    def scores(self, students: ManyStudents) -> Tensor:
        """(S,) held-out scores in percent, each intent weighing the same."""
        return score_by_intent(students(self.held_out_inputs), self.held_out_labels)


@cache
def _english() -> tuple[Commands, Commands, Tensor]:
    """Commands to learn from, held-out ones, and what MiniLM with a head on all labels says of the first."""
    commands, held_out = load_commands("en", "train"), load_commands("en", "test")
    vectors = CachedSignal(PretrainedTeacher())(commands.texts)
    head = train_head(vectors, commands.labels, len(commands.intents))
    return commands, held_out, head(vectors)


def gather_cohort(seeds: Iterable[int] = range(20), per_intent: int = 2, width: int = 256) -> Cohort:
    """A student a seed, each with its own sample of English commands."""
    commands, held_out, teacher_logits = _english()
    rows = torch.stack([few_commands(commands.labels, per_intent, seed) for seed in seeds])
    return Cohort(
        commands.intents,
        [commands.texts[row] for row in rows.flatten().tolist()],
        bags(commands.texts, width)[rows],
        commands.labels[rows].flatten(),
        teacher_logits[rows].flatten(0, 1),
        bags(held_out.texts, width),
        held_out.labels,
    )


def in_words(found: Interval) -> str:
    """A difference in whole points with its 95 % interval, such as `+12 (+11 to +14)`."""
    mean, low, high = (f"{round(value):+d}".replace("-", "−") for value in found)
    return say(f"{mean} ({low} to {high})", f"{mean}（{low}至{high}）")


def side_by_side(scores: dict[str, Tensor], baseline: Tensor) -> tuple[list[str], list[list[str]]]:
    """A lesson's closing table, for `show_table`: each row's mean score, its paired gain over `baseline`."""
    titles = [
        say("taught by", "谁来教"),
        say("score, %", "得分（%）"),
        say("points over labels alone, with 95 % interval", "比只用标签多的百分点（95%区间）"),
    ]
    rows = [
        [
            name,
            f"{found.mean():.0f}",
            "" if found is baseline else in_words(paired_t_interval(found, baseline)),
        ]
        for name, found in scores.items()
    ]
    return titles, rows


def attempt(action: Callable[[], object]) -> None:
    """Runs something that is expected to fail, and prints how."""
    try:
        action()
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print("no error")


def kept_for_backward(model: nn.Module, forward: Callable[[], object]) -> float:
    """Megabytes that autograd keeps for a backward pass after `forward()`, the model's weights left out."""
    sizes = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = forward()
    total = sum(sizes.values()) / 1e6
    del output  # not before: memory that is freed and used again would be counted once
    return total
