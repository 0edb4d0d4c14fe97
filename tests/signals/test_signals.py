"""Signals: every text is computed once, by whichever process comes first, and no damage goes unnoticed."""

import errno
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import nn

from kd_solutions.signals import cached as signals
from kd_solutions.signals.cached import CachedSignal, cache_teacher
from kd_solutions.signals.live import LiveSignal, TableSignal
from kd_solutions.signals.vector_store import VectorStore
from kd_solutions.support.errors import StudyError

WIDTH = 5
OTHER_PROCESS = """
import os, sys, time
from pathlib import Path
from tests.signals.test_signals import CountingTeacher
from kd_solutions.signals import cached as signals
signals.TEXTS_A_CHUNK = 8
teacher = CountingTeacher(seconds=0.02)
texts = [f"text {number}" for number in range(100)]
folder = Path(sys.argv[1])
(folder / f"ready-{os.getpid()}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.001)
vectors = signals.CachedSignal(teacher, folder)(texts)
assert (vectors == CountingTeacher().encode(texts)).all()
print(len(teacher.read))
"""


class CountingTeacher:
    """A text's vector depends on its letters; remembers what it had to read."""

    size = WIDTH

    def __init__(self, weights: str = "a", seconds: float = 0):
        self.weights, self.seconds, self.read = weights, seconds, []

    def fingerprint(self):
        return self.weights

    def encode(self, texts):
        import time

        time.sleep(self.seconds)
        self.read += texts
        return torch.stack([torch.full((WIDTH,), float(sum(text.encode()))) for text in texts])


class Noisy(nn.Module):
    """A classifier that shows which mode it is in."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))

    def forward(self, rows):
        return self.body(rows)


def cache_file(folder: Path) -> Path:
    (path,) = folder.glob("*.vectors")
    return path


def test_a_text_is_computed_once(tmp_path):
    first, second = CountingTeacher(), CountingTeacher()
    texts = ["on", "off", "on", "关灯", ""]
    vectors = CachedSignal(first, tmp_path)(texts)
    assert torch.equal(vectors, CountingTeacher().encode(texts))
    assert sorted(first.read) == sorted(set(texts))
    signal = CachedSignal(second, tmp_path)
    assert torch.equal(signal(texts[::-1]), vectors.flip(0))
    assert torch.equal(signal(["off", "new"])[0], vectors[1])
    assert second.read == ["new"]


@pytest.mark.parametrize("shape", [(1, WIDTH), (3, 1), (2, WIDTH)])
def test_vectors_that_do_not_belong_to_the_texts_are_not_kept(tmp_path, shape):
    teacher = CountingTeacher()
    teacher.encode = lambda texts: torch.zeros(shape)
    with pytest.raises(ValueError, match="3 texts have vectors of shape"):
        CachedSignal(teacher, tmp_path)(["on", "off", "up"])
    right = CachedSignal(CountingTeacher(), tmp_path)(["on", "off", "up"])
    assert torch.equal(right, CountingTeacher().encode(["on", "off", "up"]))


def test_a_teacher_with_a_graph_is_cached_without_it(tmp_path):
    teacher = CountingTeacher()
    encode, weight = teacher.encode, torch.ones((), dtype=torch.bfloat16, requires_grad=True)
    teacher.encode = lambda texts: weight * encode(texts)
    assert not CachedSignal(teacher, tmp_path)(["on", "off"]).requires_grad


def test_no_text_gives_no_row(tmp_path):
    assert CachedSignal(CountingTeacher(), tmp_path)([]).shape == (0, WIDTH)


def test_another_fingerprint_is_another_cache(tmp_path):
    CachedSignal(CountingTeacher(), tmp_path)(["on"])
    teacher = CountingTeacher("b")
    CachedSignal(teacher, tmp_path)(["on"])
    assert teacher.read == ["on"]


class DroppingTeacher(nn.Module):
    """Its vectors are noisy in training mode."""

    size = WIDTH

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(WIDTH))

    def fingerprint(self):
        return "dropping"

    def encode(self, texts):
        return self.body(CountingTeacher().encode(texts))


def test_a_teacher_in_training_mode_never_reaches_the_cache(tmp_path):
    clean = DroppingTeacher().eval().encode(["on", "off"])
    teacher = DroppingTeacher()
    nn.Sequential(teacher).train()
    teacher.body[1].eval()
    assert torch.equal(CachedSignal(teacher, tmp_path)(["on", "off"]), clean)
    assert [part.training for part in teacher.body] == [True, False] and teacher.training
    assert torch.equal(CachedSignal(DroppingTeacher().eval(), tmp_path)(["on", "off"]), clean)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_no_number_never_reaches_the_cache(tmp_path, value):
    ill = CountingTeacher()
    ill.encode = lambda texts: CountingTeacher().encode(texts).index_fill(0, torch.tensor([1]), value)
    with pytest.raises(StudyError, match="vector of 'off' isn't finite"):
        CachedSignal(ill, tmp_path)(["on", "off"])
    healed = CachedSignal(CountingTeacher(), tmp_path)(["on", "off"])
    assert torch.equal(healed, CountingTeacher().encode(["on", "off"]))


def test_half_an_emoji_is_a_text(tmp_path):
    teacher = CountingTeacher()
    teacher.encode = lambda texts: torch.arange(len(texts)).float()[:, None].expand(-1, WIDTH)
    texts = ["\ud83d", "\ude00", "\ud83d\ude00", "😀"]
    assert len(CachedSignal(teacher, tmp_path)(texts).unique()) == 4


def forbid_writing(folder: Path, monkeypatch) -> None:
    """As on a read-only disk, which permissions don't tell root."""

    def refused(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.setattr(Path, "open", refused)
    monkeypatch.setattr(Path, "rename", refused)
    monkeypatch.setattr(FileLock, "acquire", refused)


def test_a_read_only_cache_that_is_complete_can_be_read(tmp_path, monkeypatch):
    CachedSignal(CountingTeacher(), tmp_path)(["on", "off"])
    forbid_writing(tmp_path, monkeypatch)
    teacher = CountingTeacher()
    signal = CachedSignal(teacher, tmp_path)
    assert torch.equal(signal(["off", "on"]), CountingTeacher().encode(["off", "on"])) and not teacher.read
    with pytest.raises(StudyError, match="Can't write to .*KD_STUDY_CACHE"):
        signal(["new"])


def test_opening_reads_no_more_rows_than_are_asked_for(tmp_path, monkeypatch):
    CachedSignal(CountingTeacher(), tmp_path)([f"text {number}" for number in range(500)])
    checked, sums = [], VectorStore._checksums
    monkeypatch.setattr(
        VectorStore, "_checksums", lambda store, rows: checked.append(len(rows)) or sums(store, rows)
    )
    signal = CachedSignal(CountingTeacher(), tmp_path)
    for _ in range(2):
        signal(["text 7", "text 8", "text 7"])
    assert sum(checked) == 2


def test_a_row_that_is_being_written_is_no_damage(tmp_path, capsys):
    """A reader takes no lock, so it may see a row whose last bytes are on their way."""
    CachedSignal(CountingTeacher(), tmp_path)(["on"])
    path = cache_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    signal = CachedSignal(teacher := CountingTeacher(), tmp_path)
    locked = VectorStore.locked

    @contextmanager
    def written_meanwhile(store):
        path.write_bytes(whole)
        with locked(store):
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VectorStore, "locked", written_meanwhile)
        assert torch.equal(signal(["on"]), CountingTeacher().encode(["on"]))
    assert teacher.read == [] and capsys.readouterr().err == "" and not list(tmp_path.glob("*damaged*"))


def test_long_and_short_texts_are_read_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(signals, "TEXTS_A_CHUNK", 2)
    teacher = CountingTeacher()
    CachedSignal(teacher, tmp_path)(["long " * 9, "a", "longer " * 9, "b"])
    assert [len(text) for text in teacher.read] == [1, 1, 45, 63]


def test_two_processes_share_the_work(tmp_path):
    def run(_):
        command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(run, range(2)))
    assert sum(counts) == 100
    reader = CountingTeacher()
    CachedSignal(reader, tmp_path)([f"text {number}" for number in range(100)])
    assert reader.read == []


def test_a_row_left_unfinished_by_a_killed_process_is_replaced(tmp_path):
    CachedSignal(CountingTeacher(), tmp_path)(["on"])
    with cache_file(tmp_path).open("ab") as file:
        file.write(b"half a row")
    CachedSignal(CountingTeacher(), tmp_path)(["off"])
    teacher = CountingTeacher()
    vectors = CachedSignal(teacher, tmp_path)(["on", "off"])
    assert teacher.read == [] and torch.equal(vectors, teacher.encode(["on", "off"]))


@pytest.mark.parametrize("position", [3, -2])  # checksum, vector
def test_a_damaged_file_is_set_aside_and_computed_anew(tmp_path, capsys, position):
    CachedSignal(CountingTeacher(), tmp_path)(["on"])
    content = bytearray(cache_file(tmp_path).read_bytes())
    content[position] ^= 0xFF
    cache_file(tmp_path).write_bytes(content)
    teacher = CountingTeacher()
    vectors = CachedSignal(teacher, tmp_path)(["on"])
    assert teacher.read == ["on"] and torch.equal(vectors, teacher.encode(["on"]))
    (aside,) = tmp_path.glob("*.damaged-*")
    assert aside.name in capsys.readouterr().err and aside.read_bytes() == content


def test_a_row_under_a_damaged_key_is_never_found(tmp_path):
    CachedSignal(CountingTeacher(), tmp_path)(["on"])
    content = bytearray(cache_file(tmp_path).read_bytes())
    content[10] ^= 0xFF
    cache_file(tmp_path).write_bytes(content)
    teacher = CountingTeacher()
    vectors = CachedSignal(teacher, tmp_path)(["on"])
    assert teacher.read == ["on"] and torch.equal(vectors, teacher.encode(["on"]))


def test_damage_beside_known_rows_costs_no_answer(tmp_path):
    signal = CachedSignal(teacher := CountingTeacher(), tmp_path)
    signal(["on"])
    with cache_file(tmp_path).open("ab") as file:
        file.write(bytes(cache_file(tmp_path).stat().st_size))
    assert torch.equal(signal(["on", "off"]), teacher.encode(["on", "off"]))


def test_a_bar_only_for_long_computations_on_standard_error(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(signals, "TEXTS_A_CHUNK", 2)
    signal = CachedSignal(CountingTeacher(), tmp_path, progress=True)
    signal(["a"])
    assert capsys.readouterr().err == ""
    signal(["b", "c", "d"])
    shown = capsys.readouterr()
    assert "the teacher reads" in shown.err and shown.out == ""


def test_live_signal_answers_in_eval_mode_without_a_graph():
    teacher, rows = Noisy().train(), torch.randn(6, 4)
    mean = teacher.body[2].running_mean.clone()
    answer = LiveSignal(teacher)(rows)
    assert not answer.requires_grad and torch.equal(answer, LiveSignal(teacher)(rows))
    assert torch.equal(teacher.body[2].running_mean, mean)
    assert torch.equal(LiveSignal(teacher, teacher.body[0])(rows), teacher.body[0](rows))


def test_live_signal_leaves_every_mode_as_it_was_even_after_an_error():
    teacher = Noisy().train()
    teacher.body[1].eval()
    LiveSignal(teacher)(torch.randn(6, 4))
    with pytest.raises(RuntimeError):
        LiveSignal(teacher)(torch.randn(6, 5))
    assert teacher.training and teacher.body[2].training and not teacher.body[1].training


def test_table_signal_looks_rows_up():
    table = torch.randn(4, 2, requires_grad=True)
    signal = TableSignal(table)
    assert torch.equal(signal(torch.tensor([3, 0])), table[[3, 0]]) and torch.equal(signal([1]), table[1:2])
    assert not signal([1]).requires_grad


@pytest.mark.parametrize("device", ["meta"] + (["cuda"] if torch.cuda.is_available() else []))
def test_a_table_lives_where_the_student_does(device):
    signal = TableSignal(torch.randn(4, 2), device)
    assert signal.table.device.type == device
    assert signal(torch.tensor([3, 0])).device.type == signal([1]).device.type == device


def test_cached_logits_depend_neither_on_order_nor_on_batches():
    teacher, rows = Noisy().train(), torch.randn(6, 4)
    teacher.body[0].eval()
    ids = torch.tensor([12, 5, 7, 99, 0, 3])
    whole = cache_teacher(teacher, [(ids, rows)])
    order = [4, 2, 0, 1, 5, 3]
    parts = cache_teacher(teacher, [(ids[order[:1]], rows[order[:1]]), (ids[order[1:]], rows[order[1:]])])
    assert sorted(whole) == sorted(parts) == sorted(ids.tolist())
    expected = teacher.eval().body(rows)
    for row, name in enumerate(ids.tolist()):
        torch.testing.assert_close(whole[name], expected[row].detach())
        torch.testing.assert_close(parts[name], expected[row].detach())
        assert not whole[name].requires_grad


def test_caching_restores_modes_and_takes_any_ids():
    teacher = Noisy().train()
    teacher.body[1].eval()
    cache = cache_teacher(teacher, [(["a", "b"], torch.randn(2, 4))])
    assert set(cache) == {"a", "b"}
    assert teacher.training and teacher.body[2].training and not teacher.body[1].training
