"""The flagship: from an English-only teacher to a student of 9 MB that reads every language.

No command of another language is labelled. The student learns to give a text the vector that its English
original has from the teacher; a head trained on English labels then reads intents in every language.
Source: Reimers & Gurevych 2020, with hashed subwords for an encoder and rewritten commands for a domain.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LinearLR

from kd_solutions.data.commands import ENGLISH, served_intents
from kd_solutions.data.parallel import no_parallel_text, parallel_languages
from kd_solutions.data.sampling import stable_order
from kd_solutions.flagship.corpus import UNLABELLED, Corpus, Mixture, build_corpus, training_commands
from kd_solutions.flagship.recipe import FULL, LABELS_ONLY, Recipe
from kd_solutions.models.pretrained import PretrainedTeacher, Teacher
from kd_solutions.models.student import StudentModel
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.signals.live import TableSignal
from kd_solutions.support.devices import default_device
from kd_solutions.training.batches import Batch
from kd_solutions.training.loop import DistillResult, distill
from kd_solutions.training.optimizers import RowAdam

ENOUGH_PAIRS = 4_000  # of a language, to be trained without being asked for
TEACHER_SIZE = 384
HEAD_STEPS, HEAD_BATCH = 500, 1024
HEAD_REWRITINGS = 60_000
ENGLISH_SHARE = 6  # of the commands that a student learns answers from, one in so many is English
ADAMW = partial(torch.optim.AdamW, fused=True)  # the same steps in less time, on a CPU too


def cosine_loss(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """Mean of 1 − cosine over (N, D) rows of length 1."""
    return (1 - (student_vectors * teacher_vectors).sum(dim=1)).mean()


@dataclass(frozen=True)
class Flagship:
    """A trained student and what is known of its training."""

    student: StudentModel
    languages: tuple[str, ...]
    training: DistillResult
    seed: int


def default_languages() -> tuple[str, ...]:
    """Every language with enough parallel text."""
    return tuple(name for name, pairs in parallel_languages().items() if pairs > ENOUGH_PAIRS)


def known_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """These languages once each, in whatever case they are typed, without English, which is always trained.

    Raises: StudyError for a language without parallel text, and where none is left.
    """
    spelling = {name.lower(): name for name in (ENGLISH, *parallel_languages())}
    spelled = dict.fromkeys(spelling.get(name.lower(), name) for name in languages)
    found = tuple(name for name in spelled if name != ENGLISH)
    unknown = [name for name in found if name not in parallel_languages()]
    if unknown or not found:
        raise no_parallel_text(unknown or [ENGLISH])
    return found


def distill_student(
    languages: Sequence[str],
    *,
    recipe: Recipe = FULL,
    teacher: Teacher | None = None,
    seed: int = 0,
    loss_function: Callable[..., Tensor] = cosine_loss,
    progress: bool | None = None,
) -> Flagship:
    """Distil a student for English and these languages, without a label of any but English.

    It is trained on the GPU where there is one (`default_device`), and stays there.
    loss_function: (student_vectors, teacher_vectors) → scalar; both (N, D) with rows of length 1.
    progress: lines that count; by default where somebody looks.
    Raises: StudyError for an unknown language, or none beside English.
    """
    languages = known_languages(languages)
    corpus = build_corpus(languages, recipe, progress)
    teacher = teacher or PretrainedTeacher()
    vectors = CachedSignal(teacher, progress=progress)(corpus.english)
    student, training = imitate(corpus, vectors, recipe, seed, loss_function, progress)
    return Flagship(student, languages, training, seed)


def train_on_english_labels(
    *, recipe: Recipe = LABELS_ONLY, seed: int = 0, progress: bool | None = None
) -> StudentModel:
    """The control: the same student, trained from scratch on the labels of the English commands alone."""
    corpus = build_corpus((), recipe, progress)
    return learn_commands(corpus, corpus.labels, F.cross_entropy, recipe, seed, progress=progress)


def imitate(
    corpus: Corpus,
    vectors: Tensor,
    recipe: Recipe,
    seed: int = 0,
    loss_function: Callable[..., Tensor] = cosine_loss,
    progress: bool | None = None,
) -> tuple[StudentModel, DistillResult]:
    """A student whose vectors learn the teacher's on all texts, and its head the labels that are known.

    vectors: (E, D), the teacher's of `corpus.english`. Returns: the student, in eval mode; how training went.
    """
    student = new_student(vectors.shape[1], seed)
    mixture = Mixture(corpus, student.features, recipe.counts, recipe.dropout, seed)
    loss = with_labels(loss_function, student.head, recipe.label_weight)
    training = train_student(student, mixture, vectors, loss, student.encode, recipe, progress)
    train_student_head(student, corpus, seed)
    return student, training


def learn_commands(
    corpus: Corpus,
    answers: Tensor,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    recipe: Recipe,
    seed: int = 0,
    size: int = TEACHER_SIZE,
    progress: bool | None = None,
) -> StudentModel:
    """A student whose logits learn answers on the labelled commands alone, rewritten ones and English.

    answers: (E, …), what `loss_function(logits, answers)` takes for each text of `corpus.english`. size: of
    the student's vectors.
    """
    student = new_student(size, seed)
    english = recipe.batch // ENGLISH_SHARE
    counts = {"rewritten": recipe.batch - english, "commands": english}
    groups = {name: corpus.labelled_rows(name) for name in counts if name in corpus.groups}
    mixture = Mixture(replace(corpus, groups=groups), student.features, counts, recipe.dropout, seed)
    train_student(student, mixture, answers, loss_function, student, recipe, progress)
    return student


def new_student(size: int, seed: int) -> StudentModel:
    """The flagship's student before its first step, on the default device."""
    torch.manual_seed(seed)
    return StudentModel(served_intents(), size=size).to(default_device())


def with_labels(
    loss_function: Callable[..., Tensor], head: nn.Linear, weight: float
) -> Callable[..., Tensor]:
    """The loss on vectors, plus `weight` times the cross-entropy where an English original has a label."""

    def loss(student_vectors: Tensor, teacher_vectors: Tensor, labels: Tensor) -> Tensor:
        hard = F.cross_entropy(head(student_vectors), labels, ignore_index=UNLABELLED, reduction="sum")
        labelled = (labels != UNLABELLED).sum().clamp(min=1)
        return loss_function(student_vectors, teacher_vectors) + weight * hard / labelled

    return loss


def train_student(
    student: StudentModel,
    mixture: Mixture,
    answers: Tensor,
    loss_function: Callable[..., Tensor],
    forward: Callable[..., Tensor],
    recipe: Recipe,
    progress: bool | None,
) -> DistillResult:
    """Trains the student on the mixture by the recipe, and leaves it in eval mode.

    answers: (E, …), what `loss_function(forward(features), …)` takes next, a row for each English text.
    """
    optimizers = [
        RowAdam(student.table.parameters(), lr=recipe.table_rate),
        ADAMW([*student.body.parameters(), *student.head.parameters()], lr=recipe.body_rate),
    ]
    result = distill(
        student,
        TableSignal(answers, default_device()),
        mixture,
        loss_function,
        optimizers,
        schedulers=[LinearLR(optimizer, 1.0, 0.01, recipe.steps) for optimizer in optimizers],
        max_steps=recipe.steps,
        forward=forward,
        progress=progress,
    )
    student.eval()
    return result


def train_student_head(student: StudentModel, corpus: Corpus, seed: int = 0) -> None:
    """Train the student's head on its own vectors of labelled English commands and of their rewritings.

    A rewriting carries the label of its English original, so no label of another language is needed. Copies
    of the English commands without some of their words make the head steadier.
    """
    rng = random.Random(seed)
    texts, labels = corpus.labelled("commands")
    rewritten, rewritten_labels = corpus.labelled("rewritten")
    chosen = rng.sample(range(len(rewritten)), min(HEAD_REWRITINGS, len(rewritten)))
    vectors = encode(student, texts + thinned(texts, rng) + [rewritten[i] for i in chosen])
    fit_head(student.head, vectors, torch.cat([labels, labels, rewritten_labels[chosen]]), seed)


def train_teacher_head(
    teacher: Teacher, *, limit: int | None = None, seed: int = 0, progress: bool | None = None
) -> None:
    """Give the teacher a linear head, trained on the labelled English commands, or on `limit` of them."""
    commands = training_commands()
    label_of = dict(zip(commands.texts, commands.labels, strict=True))
    texts = stable_order(commands.texts)[:limit]
    vectors = CachedSignal(teacher, progress=progress)(texts)
    labels = torch.stack([label_of[text] for text in texts])
    teacher.head = fitted_head(vectors, labels, seed, teacher.device)


def fitted_head(
    vectors: Tensor, labels: Tensor, seed: int = 0, device: torch.device | None = None
) -> nn.Linear:
    """A linear head for the served intents, fitted on (N, D) vectors and (N) labels."""
    torch.manual_seed(seed)
    head = nn.Linear(vectors.shape[1], len(served_intents())).to(device or default_device())
    fit_head(head, vectors, labels, seed)
    return head


def fit_head(head: nn.Linear, vectors: Tensor, labels: Tensor, seed: int = 0) -> None:
    """Fit a linear head on (N, D) vectors and (N) labels by cross-entropy, on the head's device.

    A class of n rows is drawn as if it had √n: a hundred timer templates shall not make every doubt a timer.
    """
    generator, device = torch.Generator().manual_seed(seed), head.weight.device
    labels, vectors = labels.cpu(), vectors.to(device)
    weights = labels.bincount().float().rsqrt()[labels]

    def batches() -> Iterator[Batch]:
        while True:
            rows = torch.multinomial(weights, HEAD_BATCH, replacement=True, generator=generator).to(device)
            yield Batch(vectors[rows], rows)

    optimizer = ADAMW(head.parameters(), lr=0.05, weight_decay=1e-4)
    schedule = LinearLR(optimizer, 1.0, 0.01, HEAD_STEPS)
    signal = TableSignal(labels, device)
    distill(
        head,
        signal,
        batches(),
        F.cross_entropy,
        optimizer,
        schedulers=schedule,
        max_steps=HEAD_STEPS,
        progress=False,
    )


def thinned(texts: Sequence[str], rng: random.Random, share: float = 0.2) -> list[str]:
    """The texts with this share of their words left out, at random; never all of them."""
    return [" ".join(word for word in text.split() if rng.random() > share) or text for text in texts]


@torch.no_grad()
def encode(student: StudentModel, texts: Sequence[str], batch_size: int = 2048) -> Tensor:
    """(N, D) vectors of any number of texts."""
    parts = [student.encode(texts[i : i + batch_size]) for i in range(0, len(texts), batch_size)]
    return torch.cat(parts)
