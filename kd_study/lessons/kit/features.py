"""Lesson 06's world: a box that serves some intents today, others tomorrow, and small transformers for it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.data.commands import Commands, load_commands
from kd_solutions.data.sampling import stable_order
from kd_solutions.losses.response import distillation_kl
from kd_solutions.models.pooling import mean_pool
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.signals.cached import CachedSignal
from kd_study.lessons.kit.experiments import few_commands, score_by_intent, train_head
from kd_study.lessons.kit.insides import LONGEST, Insides, Pieces, Reading, attend

TEACHER_WIDTH = 384
WIDTH, HEADS, DEPTH = 48, 4, 2  # of a student
STEPS, RATE, BATCH = 80, 15e-3, 32
EACH = 20  # commands of an intent in the log
FEW, DRAWS = 5, 3  # labels of an intent, when tomorrow comes, and how often they are drawn
TOMORROW = "Timer|Media|Volume|List"  # in the names of intents that the box doesn't serve yet


class Block(nn.Module):
    """A transformer's layer, norms first."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, states: Tensor, kept: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, L, D) states → states, values, attention."""
        query, key, values = self.inward(self.first(states)).chunk(3, -1)
        parts = [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (query, key, values)]
        attention = attend(parts[0], parts[1], kept)
        states = states + self.outward((attention @ parts[2]).transpose(1, 2).flatten(2))
        return states + self.feed(self.second(states)), values, attention


class Student(nn.Module):
    """A small transformer over MiniLM's pieces: (N, L) numbers of pieces, 0 for none → `Reading`."""

    def __init__(self, pieces: int, classes: int, width: int = WIDTH, depth: int = DEPTH):
        super().__init__()
        self.pieces = nn.Embedding(pieces, width)
        self.places = nn.Parameter(torch.randn(LONGEST, width) * 0.1)
        nn.init.normal_(self.pieces.weight, std=0.3)
        self.blocks = nn.ModuleList(Block(width, HEADS) for _ in range(depth))
        self.head = nn.Linear(width, classes)

    def forward(self, numbers: Tensor) -> Reading:
        kept, states, hidden = numbers > 0, self.pieces(numbers) + self.places, {}
        for number, block in enumerate(self.blocks, 1):
            states, values, attention = block(states, kept)
            hidden[number] = states
        return Reading(kept, hidden, values, attention, self.head(mean_pool(states, kept)))


@dataclass(frozen=True)
class Labelled:
    """Commands of today's intents or of tomorrow's: numbers (N, L) of their pieces, labels (N,) counted among
    these intents, vectors (N, D) of the teacher."""

    texts: list[str]
    numbers: Tensor
    labels: Tensor
    vectors: Tensor

    @property
    def kinds(self) -> int:
        return int(self.labels.max()) + 1


@dataclass(frozen=True)
class World:
    """What lesson 06 may use.

    classes: of intents that its students have a head for. The log: N texts of all intents, as numbers (N, L)
    of their pieces; today (N,) their label among today's intents, −1 where the intent comes tomorrow.
    teacher: what MiniLM holds while it reads them, with the logits of a head on today's intents; vectors
    (N, D): its sentence vectors of them. known: today's and tomorrow's commands whose labels may be drawn on.
    tuning, test: the same of other templates, to choose settings on and to report.
    """

    pieces: Pieces
    classes: int
    texts: list[str]
    numbers: Tensor
    today: Tensor
    teacher: Reading
    vectors: Tensor
    known: tuple[Labelled, Labelled]
    tuning: tuple[Labelled, Labelled]
    test: tuple[Labelled, Labelled]


def gather(each: int = EACH) -> World:
    """The world with so many commands of each intent in the log."""
    pretrained = PretrainedTeacher()
    train, test = load_commands("en", "train"), load_commands("en", "test")
    pieces = Pieces(pretrained.folder, train.texts)
    signal = CachedSignal(pretrained)
    names = train.intents
    served = torch.tensor([not re.search(TOMORROW, name) for name in names])

    def labelled(commands: Commands, rows: Tensor) -> tuple[Labelled, Labelled]:
        found = []
        for kind in (served, ~served):
            number = kind.cumsum(0) - 1
            own = rows[kind[commands.labels[rows]]]
            texts = [commands.texts[row] for row in own.tolist()]
            found.append(Labelled(texts, pieces(texts), number[commands.labels[own]], signal(texts)))
        return tuple(found)

    apart = _every_fourth_template(train)
    fits = torch.tensor([pieces.fits(text) for text in train.texts]) & ~apart
    rows = _some(train, fits, each)
    texts = [train.texts[row] for row in rows.tolist()]
    known = labelled(train, _some(train, fits, 200))
    head = train_head(known[0].vectors, known[0].labels, known[0].kinds)
    insides, vectors, numbers = Insides(pretrained), signal(texts), pieces(texts)
    teacher = insides.unpack(CachedSignal(insides)(texts), numbers > 0, head(vectors))
    labels = torch.where(served, served.cumsum(0) - 1, -1)[train.labels[rows]]
    tuning, held_out = (
        labelled(train, _some(train, apart, 40)),
        labelled(test, _some(test, test.labels >= 0, 40)),
    )
    return World(pieces, known[0].kinds, texts, numbers, labels, teacher, vectors, known, tuning, held_out)


def _some(commands: Commands, allowed: Tensor, each: int) -> Tensor:
    """Row numbers of so many allowed commands of each intent, in an order that looks random."""
    place = {text: place for place, text in enumerate(stable_order(commands.texts))}
    order = torch.tensor([place[text] for text in commands.texts])
    rows = []
    for intent in range(len(commands.intents)):
        own = (allowed & (commands.labels == intent)).nonzero().squeeze(1)
        rows.append(own[order[own].argsort()][:each])
    rows = torch.cat(rows)
    return rows[order[rows].argsort()]


def _every_fourth_template(commands: Commands) -> Tensor:
    """(N,) bool: of each intent's templates the third, the seventh, …"""
    chosen = torch.zeros(len(commands), dtype=torch.bool)
    for intent in range(len(commands.intents)):
        own = commands.labels == intent
        chosen |= own & torch.isin(commands.templates, commands.templates[own].unique()[2::4])
    return chosen


class Hints(nn.Module):
    """Hints for pairs (layer of the student, layer of the teacher), each with a projector; their mean."""

    def __init__(self, loss_function: Callable[..., Tensor], pairs: Iterable[tuple[int, int]]):
        super().__init__()
        self.loss_function, self.pairs = loss_function, list(pairs)
        self.projectors = nn.ModuleList(nn.Linear(WIDTH, TEACHER_WIDTH) for _ in self.pairs)

    def forward(self, ours: Reading, theirs: Reading) -> Tensor:
        losses = [
            self.loss_function(ours.hidden[low][ours.kept], theirs.hidden[high][theirs.kept], projector)
            for (low, high), projector in zip(self.pairs, self.projectors, strict=True)
        ]
        return sum(losses) / len(losses)


Loss = Callable[[Reading, Reading], Tensor]  # (the student's, the teacher's) of a batch → a scalar


def soft(ours: Reading, theirs: Reading) -> Tensor:
    """The logits alone, at a temperature of 2."""
    return distillation_kl(ours.logits, theirs.logits, 2.0)


def labels_alone(ours: Reading, theirs: Reading) -> Tensor:
    """Cross-entropy with what the logits name."""
    return F.cross_entropy(ours.logits, theirs.logits.argmax(-1))


class Beside(nn.Module):
    """The logits, and another loss beside them with a weight."""

    def __init__(self, weight: float, other: Loss):
        super().__init__()
        self.weight, self.other = weight, other

    def forward(self, ours: Reading, theirs: Reading) -> Tensor:
        return soft(ours, theirs) + self.weight * self.other(ours, theirs)


def learn(
    world: World, make_loss: Callable[[], Loss], seed: int, rate: float = RATE, steps: int = STEPS
) -> Student:
    """A student of the world's log.

    Where the loss is a module, its parameters are trained beside the student's, unless they ask for no
    gradient. The seed decides about weights and batches.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        student, loss = Student(len(world.pieces), world.classes), make_loss()
    modules = [student, *([loss] if isinstance(loss, nn.Module) else [])]
    parameters = [part for module in modules for part in module.parameters() if part.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=max(steps, 1))
    generator, order = torch.Generator().manual_seed(seed), torch.tensor([], dtype=torch.long)
    for _ in range(steps):
        while len(order) < BATCH:
            order = torch.cat([order, torch.randperm(len(world.numbers), generator=generator)])
        rows, order = order[:BATCH], order[BATCH:]
        found = loss(student(world.numbers[rows]), world.teacher.rows(rows))
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        schedule.step()
    return student.eval()


def few_labels(world: World, seed: int) -> Tensor:
    """Row numbers of the few commands of each of tomorrow's intents that this seed has labels of."""
    return few_commands(world.known[1].labels, FEW, seed)


def asked_again(world: World, seed: int) -> World:
    """The world tomorrow, for who may go back: a head on the seed's few labels answers for the whole log."""
    known, rows = world.known[1], few_labels(world, seed)
    logits = fitted(known.vectors[rows], known.labels[rows], world.vectors, known.kinds)
    return replace(world, teacher=replace(world.teacher, logits=logits), classes=known.kinds)


def labels_of_tomorrow(world: World, seed: int) -> World:
    """The world tomorrow, for who has nothing but the seed's few labels: they are its log."""
    known, rows = world.known[1], few_labels(world, seed)
    numbers, nothing = known.numbers[rows], torch.zeros(len(rows), 0)
    one_hot = F.one_hot(known.labels[rows], known.kinds).float()
    teacher = Reading(numbers > 0, {}, nothing, nothing, one_hot)
    return replace(world, numbers=numbers, teacher=teacher, classes=known.kinds)


def of_today(world: World) -> World:
    """The world whose log has commands of today's intents alone."""
    rows = (world.today >= 0).nonzero().squeeze(1)
    return replace(
        world,
        texts=[world.texts[row] for row in rows.tolist()],
        numbers=world.numbers[rows],
        today=world.today[rows],
        teacher=world.teacher.rows(rows),
        vectors=world.vectors[rows],
    )


def mismatched(world: World) -> World:
    """The world with the teacher's reading of each text swapped for that of another, equally long one."""
    lengths, swapped = world.teacher.kept.sum(1), torch.arange(len(world.numbers))
    for length in lengths.unique():
        alike = (lengths == length).nonzero().squeeze(1)
        swapped[alike] = alike.roll(1)
    return replace(world, teacher=world.teacher.rows(swapped))


def fitted(vectors: Tensor, labels: Tensor, asked: Tensor, classes: int) -> Tensor:
    """(N, classes) what a linear head on some labelled vectors says of others."""
    mean, spread = vectors.mean(0), vectors.std(0).mean()
    head = nn.Linear(vectors.shape[1], classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05, weight_decay=1e-3, fused=True)
    for _ in range(60):
        loss = F.cross_entropy(head((vectors - mean) / spread), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head((asked - mean) / spread).detach()


@torch.no_grad()
def by_own_head(student: Student, measured: Labelled) -> float:
    """Percent of these commands that a student reads by the head that it was trained with."""
    return score_by_intent(student(measured.numbers).logits, measured.labels).item()


def by_new_head(read: Callable[[Labelled], Tensor], world: World, seed: int, measured: Labelled) -> float:
    """Percent of tomorrow's commands that a new head reads, fitted on few labels: the mean of three draws.

    read: commands → their (N, D) vectors, which stay as they are.
    """
    known, asked, found = world.known[1], read(measured), []
    for draw in range(DRAWS):
        rows = few_labels(world, seed + 1000 * draw)
        vectors = read(replace(known, numbers=known.numbers[rows], vectors=known.vectors[rows]))
        logits = fitted(vectors, known.labels[rows], asked, known.kinds)
        found.append(score_by_intent(logits, measured.labels).item())
    return sum(found) / DRAWS


def vectors_by(student: Student) -> Callable[[Labelled], Tensor]:
    """What `by_new_head` reads with, for a student."""

    @torch.no_grad()
    def read(commands: Labelled) -> Tensor:
        return student(commands.numbers).vectors

    return read


@dataclass(frozen=True)
class Scores:
    """Of S students, a seed each, in percent: today (S,) by their own heads, tomorrow (S,) by new ones."""

    today: Tensor
    tomorrow: Tensor
    students: list[Student]


def scores(
    world: World, make_loss: Callable[[], Loss], seeds: Iterable[int], rate: float = RATE, half: str = "test"
) -> Scores:
    """Students of the log, and what they are good for. half: of the commands, "test" or "tuning"."""
    seeds, (today, tomorrow) = list(seeds), getattr(world, half)
    students = [learn(world, make_loss, seed, rate) for seed in seeds]
    return Scores(
        torch.tensor([by_own_head(student, today) for student in students]),
        torch.tensor(
            [
                by_new_head(vectors_by(student), world, seed, tomorrow)
                for student, seed in zip(students, seeds, strict=True)
            ]
        ),
        students,
    )


def scores_tomorrow(
    world: World,
    changed: Callable[[World, int], World],
    loss: Loss,
    seeds: Iterable[int],
    rate: float = RATE,
    half: str = "test",
) -> Tensor:
    """(S,) percent of tomorrow's commands that students of a changed world read by their own heads."""
    measured = getattr(world, half)[1]
    return torch.tensor(
        [by_own_head(learn(changed(world, seed), lambda: loss, seed, rate), measured) for seed in seeds]
    )
