"""What a step of distillation costs, and where the time goes: `python -m benchmarks.loop`.

All variants are timed in turns in one run on one thread, in CPU time, so that their ratios hold on any
machine, and nearly so on a busy one. The models of the first table are tiny on purpose: that shows the cost
of the loop, which a large teacher would hide. The second table sets `distill()`, with all its checks, beside
a bare loop with the same loss and optimizers, at three sizes.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median, quantiles
from typing import NamedTuple

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset

from kd_solutions.flagship.recipe import FULL
from kd_solutions.flagship.train import ADAMW, cosine_loss
from kd_solutions.losses.response import distillation_kl, kd_loss
from kd_solutions.models.student import StudentModel
from kd_solutions.models.subwords import Features
from kd_solutions.signals.live import TableSignal
from kd_solutions.training.batches import Batch
from kd_solutions.training.classic import distill_step
from kd_solutions.training.loop import distill
from kd_solutions.training.optimizers import RowAdam

ROWS, BATCH, FEATURES, CLASSES = 6400, 64, 64, 31
STEPS = ROWS // BATCH
ROUNDS = 15


def network(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(FEATURES, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, CLASSES)
    )


class Loops:
    """One epoch each, of the same student on the same data; only the loop differs."""

    def __init__(self):
        torch.manual_seed(0)
        self.student, self.teacher = network(64), network(512).eval()
        self.optimizer = ADAMW(self.student.parameters())
        self.inputs, self.targets = torch.randn(ROWS, FEATURES), torch.randint(CLASSES, (ROWS,))
        with torch.no_grad():
            self.cached = self.teacher(self.inputs)

    def update(self, loss: Tensor) -> None:
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def slices(self):
        return torch.randperm(ROWS).split(BATCH)

    def bare_student(self):
        for rows in self.slices():
            self.update(nn.functional.cross_entropy(self.student(self.inputs[rows]), self.targets[rows]))

    def online_teacher(self):
        for rows in self.slices():
            distill_step(self.student, self.teacher, self.inputs[rows], self.optimizer, distillation_kl)

    def no_grad_forgotten(self):
        for rows in self.slices():
            teacher_logits = self.teacher(self.inputs[rows])
            soft = nn.functional.kl_div(
                self.student(self.inputs[rows]).log_softmax(-1),
                teacher_logits.softmax(-1),
                reduction="batchmean",
            )
            self.update(soft)

    def cached_in_a_data_loader(self):
        loader = DataLoader(TensorDataset(self.inputs, self.cached), batch_size=BATCH, shuffle=True)
        for inputs, logits in loader:
            self.update(distillation_kl(self.student(inputs), logits))

    def cached_and_sliced(self):
        for rows in self.slices():
            self.update(distillation_kl(self.student(self.inputs[rows]), self.cached[rows]))

    def cached_and_sliced_with_labels(self):
        for rows in self.slices():
            logits = self.student(self.inputs[rows])
            self.update(kd_loss(logits, self.cached[rows], self.targets[rows]))

    def distill_on_a_table(self):
        loader = [Batch(self.inputs[rows], rows) for rows in self.slices()]
        distill(self.student, TableSignal(self.cached), loader, distillation_kl, self.optimizer)


class Case(NamedTuple):
    """A student, what it reads, what it learns from, and how."""

    forward: Callable
    student: nn.Module
    batches: list[Batch]
    table: Tensor
    loss_function: Callable[[Tensor, Tensor], Tensor]
    optimizers: list[Optimizer]


def with_layers(width: int) -> Case:
    """Two hidden layers, on batches of 64."""
    torch.manual_seed(0)
    student, inputs = network(width), torch.randn(ROWS, FEATURES)
    batches = [Batch(inputs[rows], rows) for rows in torch.arange(ROWS).split(BATCH)]
    table = torch.randn(ROWS, CLASSES)
    return Case(student, student, batches, table, distillation_kl, [ADAMW(student.parameters())])


def flagship() -> Case:
    """The student of the flagship with its optimizers, on 256 texts of some thirty pieces each."""
    torch.manual_seed(0)
    student, batches = StudentModel([str(number) for number in range(CLASSES)]), []
    for _ in range(20):
        sizes = torch.randint(10, 50, (FULL.batch,))
        ids = torch.randint(student.table.num_embeddings, (int(sizes.sum()),))
        batches.append(Batch(Features(ids, sizes.cumsum(0) - sizes), torch.randint(ROWS, (FULL.batch,))))
    optimizers = [
        RowAdam(student.table.parameters(), lr=FULL.table_rate),
        ADAMW([*student.body.parameters(), *student.head.parameters()], lr=FULL.body_rate),
    ]
    table = nn.functional.normalize(torch.randn(ROWS, student.sizes["size"]))
    return Case(student.encode, student, batches, table, cosine_loss, optimizers)


def by_hand(case: Case) -> None:
    """The bare loop: nothing is checked, counted or noted."""
    for batch in case.batches:
        loss = case.loss_function(case.forward(batch.inputs), case.table[batch.teacher_inputs])
        for optimizer in case.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in case.optimizers:
            optimizer.step()


def by_distill(case: Case) -> None:
    signal = TableSignal(case.table)
    distill(case.student, signal, case.batches, case.loss_function, case.optimizers, forward=case.forward)


def microseconds(loop: Callable[[], None], steps: int = STEPS) -> float:
    """CPU time a step."""
    start = time.process_time()
    loop()
    return (time.process_time() - start) / steps * 1e6


def measure(loops: dict[str, Callable[[], None]], steps: int, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Microseconds a step of each loop, in turns; the first turn, which warms up, isn't counted."""
    times = {name: [] for name in loops}
    for turn in track(range(rounds + 1), "Timing", console=Console(stderr=True), transient=True):
        for name, loop in loops.items():
            spent = microseconds(loop, steps)
            if turn:
                times[name].append(spent)
    return times


def what_a_step_costs() -> Table:
    loops = Loops()
    variants = {
        "student alone, hard labels": loops.bare_student,
        "online teacher (distill_step)": loops.online_teacher,
        "online teacher, no_grad forgotten": loops.no_grad_forgotten,
        "cached logits, DataLoader": loops.cached_in_a_data_loader,
        "cached logits, sliced by index": loops.cached_and_sliced,
        "cached logits and labels (kd_loss)": loops.cached_and_sliced_with_labels,
        "distill() on cached logits": loops.distill_on_a_table,
    }
    times = measure(variants, STEPS)
    title = f"batches of {BATCH}, one thread, medians of {ROUNDS}"
    table = Table("a step of", "microseconds", "× student alone", title=title)
    bare = median(times["student alone, hard labels"])
    for name, measured in times.items():
        table.add_row(name, f"{median(measured):,.0f}", f"{median(measured) / bare:.2f}")
    return table


def what_distill_adds() -> Table:
    title = f"distill() on stored targets beside a bare loop with the same loss, {ROUNDS} pairs of turns"
    table = Table("student", "bare, microseconds", "distill()", "ratio, median", "quartiles", title=title)
    cases = {
        "64 wide": with_layers(64),
        "512 wide": with_layers(512),
        "the flagship's": flagship(),
    }
    for name, case in cases.items():
        loops = {"bare": partial(by_hand, case), "ours": partial(by_distill, case)}
        times = measure(loops, len(case.batches))
        ratios = [ours / bare for bare, ours in zip(times["bare"], times["ours"], strict=True)]
        low, middle, high = quantiles(ratios, n=4)
        microseconds_each = (f"{median(times[loop]):,.0f}" for loop in loops)
        table.add_row(name, *microseconds_each, f"{middle:.2f}", f"{low:.2f} to {high:.2f}")
    return table


def main() -> None:
    torch.set_num_threads(1)
    Console().print(what_a_step_costs())
    Console().print(what_distill_adds())


if __name__ == "__main__":
    main()
