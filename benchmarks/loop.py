"""What a step of distillation costs, and where the time goes: `python -m benchmarks.loop`.

All variants are timed in turns in one run on one thread, so that their ratios hold on any machine. The
models are tiny on purpose: that shows the cost of the loop, which a large teacher would hide.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from kd_solutions.losses.response import distillation_kl, kd_loss
from kd_solutions.training.classic import distill_step
from kd_solutions.training.loop import Batch, distill

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
        self.optimizer = torch.optim.AdamW(self.student.parameters())
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
        loader = (Batch(self.inputs[rows], rows) for rows in self.slices())
        distill(self.student, self.cached.__getitem__, loader, distillation_kl, self.optimizer)


def microseconds(loop: Callable[[], None]) -> float:
    start = time.perf_counter()
    loop()
    return (time.perf_counter() - start) / STEPS * 1e6


def main() -> None:
    torch.set_num_threads(1)
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
    times = {name: [] for name in variants}
    for _ in track(range(ROUNDS), "Timing", console=Console(stderr=True), transient=True):
        for name, loop in variants.items():
            times[name].append(microseconds(loop))
    table = Table(
        "a step of", "microseconds", "× student alone", title=f"batches of {BATCH}, one thread, medians"
    )
    bare = median(times["student alone, hard labels"])
    for name, measured in times.items():
        table.add_row(name, f"{median(measured):,.0f}", f"{median(measured) / bare:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
