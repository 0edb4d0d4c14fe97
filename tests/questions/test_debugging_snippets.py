"""Each piece of faulty code in the bank is run here: it shows the fault that its answer names."""

import math
import statistics
import warnings

import pytest
import torch
import torch.distributed as distributed
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from kd_study.questions import all_questions
from tests.questions import logged_runs
from tests.questions.snippets import block, gradient, kl, numbers, ran

OURS = [entry for entry in all_questions().values() if entry.topic == "debugging"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # nothing here is large enough for two
    yield
    torch.set_num_threads(threads)


def logits(*shape: int) -> torch.Tensor:
    return (2 * torch.randn(*shape)).requires_grad_()


def test_code_is_short_and_the_same_in_both_languages():
    for entry in OURS:
        assert entry.kind == "code", entry.id
        if "```python" in entry.question.en:
            assert block(entry.id) == block(entry.id, language="zh"), entry.id
            assert 8 <= len([line for line in block(entry.id).splitlines() if line.strip()]) <= 20, entry.id


def test_every_question_has_its_test():
    tested = {
        name.removeprefix("test_").replace("_", "-") for name in globals() if name.startswith("test_debug")
    }
    assert tested == {entry.id for entry in OURS}


def test_logs_hold_the_same_numbers_in_both_languages():
    for entry in OURS:
        if "```text" in entry.question.en:
            assert numbers(entry.id) == numbers(entry.id, "zh"), entry.id


def test_debug_probabilities_in_front():
    soft_loss = ran("debug-probabilities-in-front", loader=[])["soft_loss"]
    teacher = torch.tensor([[2.0, 1.0, 0.0]])
    sure = torch.tensor([[1000.0, 0.0, 0.0]])
    assert soft_loss(sure, teacher) < soft_loss(teacher, teacher) < 0


def test_debug_arguments_swapped():
    names = ran("debug-arguments-swapped")
    names["check"](logits(4, 5), logits(4, 5))
    teacher = torch.tensor([0.495, 0.01, 0.495]).log()[None]
    peaked, broad = (torch.tensor(row).log()[None] for row in ([0.98, 0.01, 0.01], [0.34, 0.32, 0.34]))
    reverse = [names["distillation_loss"](student, teacher, 1.0).item() for student in (peaked, broad)]
    assert reverse == pytest.approx([0.63, 0.85], abs=0.005)
    assert [kl(teacher, student).item() for student in (peaked, broad)] == pytest.approx(
        [1.59, 0.34], abs=0.005
    )


def test_debug_default_reduction():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own warning about this default
        names = ran("debug-default-reduction")
        student, teacher = logits(8, 100), logits(8, 100)
        mean = names["soft"](F.log_softmax(student, -1), F.softmax(teacher, -1))
    whole = kl(F.log_softmax(teacher, -1), F.log_softmax(student, -1)).mean()
    torch.testing.assert_close(100 * mean, whole)
    soft_share = names["alpha"] / 100
    assert soft_share / (soft_share + 1 - names["alpha"]) == pytest.approx(0.08, abs=0.005)


def test_debug_t_squared_beside_labels():
    names = ran("debug-t-squared-beside-labels")
    student, teacher, labels = logits(8, 10), logits(8, 10).detach(), torch.arange(8)

    def size(T: float) -> float:
        names["T"] = T
        hard = 0.5 * F.cross_entropy(student, labels)
        return gradient(names["loss_of"](student, teacher, labels) - hard, student).norm().item()

    assert size(8.0) == pytest.approx(size(1.0) / 64, rel=0.6)
    assert size(80.0) == pytest.approx(size(8.0) / 100, rel=0.1)  # exact in the limit


def test_debug_nested_teacher():
    teacher, student = nn.Sequential(nn.Linear(4, 4), nn.Dropout()), nn.Linear(4, 4)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    ran(
        "debug-nested-teacher",
        teacher=teacher,
        student=student,
        optimizer=optimizer,
        epochs=1,
        loader=[torch.ones(2, 4)],
    )
    assert teacher.training and not torch.equal(teacher(torch.ones(2, 4)), teacher(torch.ones(2, 4)))


def test_debug_cached_logits_shuffled():
    x, teacher, right = torch.randn(256, 4), nn.Linear(4, 3), []
    student = nn.Linear(4, 3)

    def soft_loss(student_logits, target):
        own = (student_logits[:, None] - student(x)).abs().sum(-1).argmin(1)  # which examples these are
        right.extend((target - teacher(x[own])).abs().amax(1) < 1e-5)
        return F.mse_loss(student_logits, target)

    optimizer = torch.optim.SGD(student.parameters(), lr=0.0)
    data = TensorDataset(x, torch.zeros(256, dtype=torch.long))
    ran(
        "debug-cached-logits-shuffled",
        dataset=data, teacher=teacher, student=student, soft_loss=soft_loss, optimizer=optimizer, epochs=2,
    )  # fmt: skip
    assert len(right) == 512 and sum(right) < 16


def test_debug_softmax_over_positions():
    token_loss = ran("debug-softmax-over-positions")["token_loss"]
    student, teacher, mask = logits(2, 5, 7).detach(), logits(2, 5, 7).detach(), torch.ones(2, 5)
    assert token_loss(teacher, teacher, mask) < 1e-6 < token_loss(student, teacher, mask)
    louder = student.clone()
    louder[..., 3] += 10  # another distribution over the vocabulary
    torch.testing.assert_close(token_loss(louder, teacher, mask), token_loss(student, teacher, mask))
    shifted = student.clone()
    shifted[:, 2] += 10  # the same distribution over the vocabulary
    assert (token_loss(shifted, teacher, mask) - token_loss(student, teacher, mask)).abs() > 0.1


def test_debug_padding_in_the_mean():
    token_loss = ran("debug-padding-in-the-mean")["token_loss"]
    student, teacher, mask = logits(2, 5, 7), logits(2, 5, 7), torch.ones(2, 5)
    longer = [torch.cat([each, each], 1) for each in (student, teacher, mask)]
    longer[2][:, 5:] = 0
    torch.testing.assert_close(2 * token_loss(*longer), token_loss(student, teacher, mask))


def test_debug_off_by_one():
    causal_loss = ran("debug-off-by-one")["causal_loss"]
    copy_of_teacher, ids = logits(2, 6, 5), torch.randint(1, 5, (2, 6))
    labels_alone = F.cross_entropy(copy_of_teacher[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    assert causal_loss(copy_of_teacher, copy_of_teacher, ids, 0) - labels_alone > 0.5


def test_debug_masked_vocabulary():
    loss_of = ran("debug-masked-vocabulary", vocabulary=6, kept_ids=torch.tensor([0, 2, 3]))["loss_of"]
    teacher = logits(4, 6).detach()
    assert loss_of(teacher, teacher).isnan()
    kept = teacher[:, [0, 2, 3]].log_softmax(-1)
    assert kl(kept, kept).sum() == 0
    masked = teacher.masked_fill(torch.tensor([0, 1, 0, 0, 1, 1], dtype=torch.bool), float("-inf"))
    assert F.kl_div(masked.log_softmax(-1), masked.softmax(-1), reduction="batchmean").isnan()


def test_debug_mean_of_means():
    student, teacher = nn.Embedding(9, 9), nn.Embedding(9, 9)
    ids, labels = torch.arange(8)[:, None], torch.ones(8, 1, dtype=torch.long)

    def weights(*sizes: int) -> torch.Tensor:
        parts = [{"ids": i, "labels": y} for i, y in zip(ids.split(sizes), labels.split(sizes), strict=True)]
        optimizer = torch.optim.SGD(student.parameters(), lr=0.0)
        ran("debug-mean-of-means", student=student, teacher=teacher, micro_batches=parts, optimizer=optimizer)
        return student.weight.grad[:8].clone()

    whole, even, uneven = weights(8), weights(4, 4), weights(7, 1)
    torch.testing.assert_close(whole, even)
    torch.testing.assert_close(uneven[7] / uneven[6] * (whole[6] / whole[7]), torch.full((9,), 7.0))


def test_debug_projector_left_out():
    student = nn.Linear(3, 4)
    names = ran("debug-projector-left-out", student=student)
    names["hint"](student(torch.ones(2, 3)), torch.ones(2, 6)).backward()
    before = names["hint"].projector.weight.clone()
    names["optimizer"].step()
    assert names["hint"].projector.weight.grad.abs().sum() > 0
    assert torch.equal(names["hint"].projector.weight, before)


class OneToken(nn.Module):
    """Writes the one token that it is told to, and knows what it would have written."""

    def __init__(self, scores: torch.Tensor):
        super().__init__()
        self.scores, self.token = nn.Parameter(scores), 0

    def generate(self, prompt_ids):
        return torch.cat([prompt_ids, torch.full((1, 1), self.token)], dim=1)


def test_debug_sampled_reverse_kl():
    student, prompt = OneToken(torch.tensor([1.0, 0.0, -1.0])), torch.zeros(1, 2, dtype=torch.long)
    q = student.scores.detach().softmax(-1)

    def log_probabilities(model, ids):
        return model.scores.log_softmax(-1)[ids[:, 1:]]

    def expected_gradient(teacher: OneToken) -> torch.Tensor:
        total = torch.zeros(3)
        for student.token in range(3):
            student.zero_grad()
            ran(
                "debug-sampled-reverse-kl",
                student=student, teacher=teacher, prompt_ids=prompt, log_probabilities=log_probabilities,
                optimizer=torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1),
            )  # fmt: skip
            total += q[student.token] * student.scores.grad
        return total

    teacher = OneToken(torch.tensor([-1.0, 0.0, 2.0]))
    torch.testing.assert_close(expected_gradient(teacher), torch.zeros(3), atol=1e-6, rtol=0)
    exact = kl(student.scores.log_softmax(-1), teacher.scores.detach().log_softmax(-1))
    assert gradient(exact, student.scores).norm() > 0.1


@pytest.fixture
def one_process(tmp_path):
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_debug_ddp_pair(one_process):
    batches = [torch.ones(2, 3)] * 2
    with pytest.raises(RuntimeError, match="Expected to have finished reduction in the prior iteration"):
        ran("debug-ddp-pair", student=nn.Linear(3, 3), teacher=nn.Linear(3, 3), loader=batches)
    frozen = nn.Linear(3, 3).requires_grad_(False)
    names = ran("debug-ddp-pair", student=nn.Linear(3, 3), teacher=frozen, loader=batches)
    with pytest.raises(RuntimeError, match="not needed when a module doesn't have any parameter"):
        names["DistributedDataParallel"](frozen)


def test_debug_top_k_renormalised():
    names = ran("debug-top-k-renormalised")
    teacher = logits(4, 10).detach().half().float()
    top, ids = names["cached"](teacher, 3)
    ids = ids.long()
    student = teacher.scatter(-1, ids, top.float() - 20)  # all three far below the seven others
    assert names["sparse_loss"](student, top, ids).abs() < 1e-5
    assert student.softmax(-1).gather(-1, ids).sum(-1).max() < 0.01


class Reply:
    def __init__(self, ids):
        self.input_ids = self.logits = ids


def test_debug_vocabulary_cut():
    table, other = torch.randn(7, 7), torch.tensor([3, 6, 0, 5, 1, 2, 4])  # other[i]: the teacher's id of i
    swapped = torch.empty(7, 7)
    swapped[other[:, None], other[None]] = table  # the same model under the teacher's ids
    words = torch.tensor([[0, 1, 2, 3, 4]])

    def student(ids):
        return Reply(F.pad(table[ids], (0, 2), value=-9.0))  # two rows more, as if for the hardware

    def teacher(ids):
        return Reply(swapped[ids])

    def tokenizer(text, return_tensors):
        return Reply(words)

    step = ran("debug-vocabulary-cut", student=student, teacher=teacher, student_tokenizer=tokenizer)
    assert step["distill_step"]("text") > 0.3
    same = kl(swapped[other[words]][..., other].log_softmax(-1), table[words].log_softmax(-1))
    assert same.abs().max() < 1e-6


def test_debug_temperature_when_answering():
    scores = torch.tensor([7.0] + [0.0] * 9)
    names = ran("debug-temperature-when-answering", student=lambda x: scores, encode=str, INTENTS=range(10))
    assert names["answer"]("lights on") == "ask_again"
    assert (scores / 4).softmax(-1)[0].item() == pytest.approx(0.390, abs=0.001)
    names["T"] = 1.0
    assert names["answer"]("lights on") == 0 and scores.softmax(-1)[0].item() == pytest.approx(
        0.992, abs=0.001
    )


def test_debug_argmax_as_soft_target():
    names = ran("debug-argmax-as-soft-target")
    student, labels = logits(1, 3), torch.tensor([0])
    one, other = torch.tensor([[3.0, 2.9, -5.0]]), torch.tensor([[3.0, -5.0, 2.9]])
    assert torch.equal(*(names["loss_of"](student, teacher, labels) for teacher in (one, other)))
    assert gradient(names["soft_loss"](student, student), student).norm() > 0.1


def test_debug_template_leak():
    templates = [(f"{verb} the lamp in the {{room}}", verb) for verb in ("switch on", "dim", "paint", "find")]
    rooms = [f"room{n}" for n in range(20)]
    shown = []

    def train_student(examples, teacher):
        return {text.rsplit(" ", 1)[0]: intent for text, intent in examples}  # a table of templates

    def accuracy(table, examples):
        shown.append(
            sum(table.get(text.rsplit(" ", 1)[0]) == intent for text, intent in examples) / len(examples)
        )

    given = {"teacher": None, "train_student": train_student, "accuracy": accuracy, "print": lambda *_: None}
    ran("debug-template-leak", TEMPLATES=templates, ROOMS=rooms, **given)
    assert shown == [1.0]
    table = train_student([(template.format(room="room0"), verb) for template, verb in templates[:3]], None)
    assert "find the lamp in the" not in table  # split by template, the same table knows nothing


def test_debug_ema_in_bf16():
    names = ran("debug-ema-in-bf16", student=nn.Linear(4, 4), loader=[])
    begun = [p.clone() for p in names["teacher"].parameters()]
    with torch.no_grad():
        for p in names["student"].parameters():
            p.mul_(1.5)
    for _ in range(1000):
        names["update_teacher"]()
    assert all(map(torch.equal, begun, names["teacher"].parameters()))
    moved = begun[0].float()
    for _ in range(1000):
        moved.mul_(0.999).add_(1.5 * begun[0].float(), alpha=0.001)
    assert (moved / begun[0].float()).min() > 1.3


def test_debug_checkpoint_frozen_embedding():
    built = ran("debug-checkpoint-frozen-embedding")["Student"]
    student = built(nn.Embedding(5, 4), [nn.Linear(4, 4), nn.Linear(4, 4)], nn.Linear(4, 5))
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        student(torch.arange(5)).sum().backward()
    assert all(p.grad is None for p in student.blocks.parameters())
    assert student.head.weight.grad.abs().sum() > 0


def test_debug_clipped_before_unscaling():
    student, teacher = nn.Linear(4, 2), nn.Linear(4, 2)
    before = student.weight.detach().clone(), student.bias.detach().clone()

    def kd_loss(student_logits, target, labels):
        return 0.1 * F.mse_loss(student_logits.float(), target)

    ran(
        "debug-clipped-before-unscaling",
        device="cpu", student=student, teacher=teacher, kd_loss=kd_loss,
        optimizer=torch.optim.SGD(student.parameters(), lr=1.0), loader=[(torch.ones(3, 4), None)],
    )  # fmt: skip
    moved = math.hypot((student.weight - before[0]).norm().item(), (student.bias - before[1]).norm().item())
    assert moved == pytest.approx(1 / 65_536, rel=0.05)


def test_debug_teacher_not_loaded():
    lines = block("debug-teacher-not-loaded", "text").splitlines()
    rerun = logged_runs.teacher_not_loaded()
    assert lines[:2] == rerun[:2]
    assert math.log(logged_runs.VOCABULARY) == pytest.approx(10.825, abs=0.001)
    shown = [float(line.rsplit(" ", 1)[1]) for line in lines[2:]]
    again = [float(line.rsplit(" ", 1)[1]) for line in rerun[2:]]
    assert shown == pytest.approx(again, abs=0.02) and shown == pytest.approx([10.825] * 3, abs=0.1)


def test_debug_three_seeds():
    *seeds, (plain, distilled) = [row[-2:] for row in numbers("debug-three-seeds")]
    assert seeds == [pytest.approx(again, abs=0.05) for again in logged_runs.three_seeds()]
    gains = [b - a for a, b in seeds]
    assert gains == pytest.approx([0.2, 1.4, 0.2])
    assert distilled - plain == pytest.approx(statistics.mean(gains), abs=0.01)
    spread = statistics.stdev(gains)
    error = spread / math.sqrt(3)
    ends = [statistics.mean(gains) + sign * 4.303 * error for sign in (-1, 1)]
    assert [round(number, 2) for number in (spread, error)] == [0.69, 0.4]
    assert [round(end, 1) for end in ends] == [-1.1, 2.3]
    pairs = [7.85 * (0.69 / gain) ** 2 for gain in (0.6, 0.2)]
    of_one = 100 * math.sqrt(0.59 * 0.41 / 1000)
    assert [round(number, 1) for number in (*pairs, of_one)] == [10.4, 93.4, 1.6]


def test_debug_length_runs_away():
    rows = numbers("debug-length-runs-away")
    sums = [math.floor(row[1] * row[2] + 0.5) for row in rows]
    assert sums == [59, 19, 33, 48, 62]
    first, second = logged_runs.length_runs_away(last_step=15)
    assert first == pytest.approx(rows[0], abs=0.5) and second == pytest.approx(rows[1], abs=0.5)
