"""The runs whose logs stand in questions; `python -m tests.questions.logged_runs` prints the logs.

In double precision where a log's digits are compared, so that no order of additions shows in them.
"""

import io

import torch
import torch.nn.functional as F
from torch import nn

VOCABULARY = 50_257


class Unigram(nn.Module):
    """A language model that looks at one token only; enough to be loaded wrongly."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        nn.init.normal_(self.embed.weight, std=0.5)

    def forward(self, ids):
        return self.head(self.embed(ids))


def teacher_not_loaded() -> list[str]:
    """A teacher whose file was written from inside DDP, so that each key begins with "module."."""
    torch.manual_seed(0)
    file = io.BytesIO()
    torch.save({f"module.{key}": value for key, value in Unigram().state_dict().items()}, file)
    file.seek(0)
    teacher, student = Unigram(), Unigram()
    state = torch.load(file, weights_only=True)
    teacher.load_state_dict(state, strict=False)
    teacher.eval().requires_grad_(False)

    ids = torch.randint(VOCABULARY, (4, 9))
    inputs, following = ids[:, :-1], ids[:, 1:].flatten()
    ce = F.cross_entropy(teacher(inputs).flatten(0, 1), following)
    lines = [
        f"first key in the file:  {next(iter(state))}",
        f"first key of the model: {next(iter(teacher.state_dict()))}",
        f"teacher's cross-entropy: {ce:.2f}",
    ]
    optimizer = torch.optim.Adam(student.parameters(), lr=0.02)
    log_p = teacher(inputs).flatten(0, 1).log_softmax(-1)
    for step in range(1, 21):
        log_q = student(inputs).flatten(0, 1).log_softmax(-1)
        soft = F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")
        if step in (1, 20):
            labels = F.nll_loss(log_q, following)
            lines.append(f"step {step:3d}   soft {soft:.2f}   labels {labels:.2f}")
        optimizer.zero_grad()
        soft.backward()
        optimizer.step()
    return lines


def _points(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Five classes of three clouds each, in ten dimensions."""
    source = torch.Generator().manual_seed(seed)
    centres = torch.randn(15, 10, generator=torch.Generator().manual_seed(0))
    which = torch.randint(15, (count,), generator=source)
    return (centres[which] + torch.randn(count, 10, generator=source)).double(), which % 5


def _fitted(seed, width, steps, x, labels, teacher_logits=None, alpha=0.0, T=2.0) -> nn.Module:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, 5)).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(steps):
        logits = net(x)
        loss = (1 - alpha) * F.cross_entropy(logits, labels)
        if teacher_logits is not None:
            log_q, p = F.log_softmax(logits / T, dim=-1), F.softmax(teacher_logits / T, dim=-1)
            loss = loss + alpha * T * T * F.kl_div(log_q, p, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def three_seeds() -> list[tuple[float, float]]:
    """(accuracy with labels only, with a teacher beside them) in per cent, for three paired seeds."""
    (x, labels), (test_x, test_labels) = _points(300, 1), _points(1000, 2)
    teacher_logits = _fitted(0, 64, 300, *_points(3000, 3))(x).detach()

    def accuracy(net: nn.Module) -> float:
        return 100 * (net(test_x).argmax(-1) == test_labels).float().mean().item()

    return [
        (
            accuracy(_fitted(seed, 8, 60, x, labels)),
            accuracy(_fitted(seed, 8, 60, x, labels, teacher_logits, alpha=0.1)),
        )
        for seed in (1, 2, 3)
    ]


TOKENS, END, LIMIT = 12, 0, 128


def _teacher_of_two_tokens() -> torch.Tensor:
    """Logits of the next token given the last two; it ends one time in 20, and carries a repetition on."""
    table = 2.5 * torch.randn(TOKENS, TOKENS, TOKENS, generator=torch.Generator().manual_seed(0))
    table[:, :, END] = table[:, :, 1:].logsumexp(-1) + torch.tensor(0.05 / 0.95).log()
    for token in range(1, TOKENS):
        table[token, token] = -4.0
        table[token, token, token] = 4.0
    return table.double().log_softmax(-1)


def _answers(student: torch.Tensor, count: int, source: torch.Generator):
    """Ids (count, 2 + length), the mask of what was written (count, length), and who wrote no end."""
    ids = [*torch.randint(1, TOKENS, (count, 2), generator=source).T]
    alive, written = torch.ones(count, dtype=torch.bool), []
    while len(written) < LIMIT and alive.any():
        following = torch.multinomial(F.softmax(student[ids[-1]], dim=-1), 1, generator=source)[:, 0]
        written.append(alive)
        ids.append(following)
        alive = alive & (following != END)
    return torch.stack(ids, 1), torch.stack(written, 1), alive


def _distinct(ids: torch.Tensor, lengths: torch.Tensor) -> float:
    """The share of different pairs among an answer's pairs of neighbours, averaged over answers."""
    answers = [row[2 : 2 + length].tolist() for row, length in zip(ids, lengths, strict=True) if length > 1]
    return sum(len({*zip(a, a[1:], strict=False)}) / (len(a) - 1) for a in answers) / len(answers)


def length_runs_away(last_step: int = 60) -> list[tuple[int, float, float, float, float]]:
    """On-policy: a student of one token learns from a teacher of two by REINFORCE, reward a mean over tokens.

    Returns (step, loss a token, tokens an answer, % cut off, distinct pairs) every 15 steps.
    """
    teacher, source = _teacher_of_two_tokens(), torch.Generator().manual_seed(1)
    student = nn.Parameter(teacher.exp()[1:].mean(0).log())
    optimizer, rows = torch.optim.Adam([student], lr=0.3), []
    for step in range(last_step + 1):
        ids, written, unfinished = _answers(student.detach(), 128, source)
        log_s = student.log_softmax(-1)[ids[:, 1:-1], ids[:, 2:]]
        ratio = (log_s - teacher[ids[:, :-2], ids[:, 1:-1], ids[:, 2:]]) * written
        lengths = written.sum(1)
        if step % 15 == 0:
            a_token = (ratio.sum() / written.sum()).item()
            shown = a_token, lengths.float().mean().item(), 100 * unfinished.float().mean().item()
            rows.append((step, *shown, _distinct(ids, lengths)))
        reward = -ratio.detach().sum(1) / lengths
        loss = -((reward - reward.mean())[:, None] * log_s * written).sum() / written.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(*teacher_not_loaded(), sep="\n")
    print("\naccuracy    labels only    distilled")
    for seed, row in enumerate(three_seeds(), 1):
        print(f"seed {seed}{row[0]:13.1f}{row[1]:15.1f}")
    print("\nstep   loss a token   tokens an answer   cut off at 128   distinct pairs")
    for step, a_token, length, cut, distinct in length_runs_away():
        print(f"{step:4d}{a_token:11.2f}{length:16.0f}{cut:17.0f} %{distinct:17.2f}")
