"""The teacher, the student, and the way from a text to the rows of its table."""

import itertools
import json
import tracemalloc

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kd_solutions.models import student as students
from kd_solutions.models import subwords
from kd_solutions.models.student import CONFIG, WEIGHTS, StudentModel
from kd_solutions.models.subwords import Subwords, tokenize
from kd_solutions.models.teacher import TeacherModel
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language
from kd_solutions.training.optimizers import RowAdam

TEXTS = ["Turn on the light", "关掉客厅的灯", "schalte 5 Lichter aus", "เปิดไฟ"]


@pytest.fixture(scope="module")
def teacher():
    return TeacherModel.from_pretrained()


@pytest.fixture
def student():
    torch.manual_seed(0)
    return StudentModel(["on", "off"], rows=4096, width=16, hidden=32, size=24)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn ON 20.5% of my Wohn-Licht!", ["turn", "on", "0", "%", "of", "my", "wohn", "licht"]),
        ("关灯20%LED灯", ["关灯", "灯", "0", "%", "led", "灯"]),
        ("wait {} s", ["wait", "{}", "s"]),
        ("ＬＥＤ\u00a0ﬁn", ["led", "fin"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("l'éteins", ["l", "éteins"]),
        ("?! …", []),
    ],
)  # fmt: skip
def test_tokens(text, words):
    assert tokenize(text) == words


def test_hash_is_the_same_on_every_machine():
    assert Subwords(65_536)(["turn", "开灯"]).ids.tolist() == GOLDEN


def test_a_word_is_itself_and_its_3_and_4_grams():
    rows = Subwords(1 << 30)
    word, longer = (set(ids.tolist()) for ids in rows.of_words(["licht", "lichter"]))
    assert len(word) == 1 + 5 + 4  # <licht> has seven characters
    assert len(word & longer) == 4 + 3  # <li lic ich cht, <lic lich icht


def test_an_unspaced_window_is_its_beginnings():
    one, two, three = Subwords(1 << 30).of_words(["客", "客厅", "客厅的"])
    assert three[:2].tolist() == two.tolist() and two[:1].tolist() == one.tolist()


def test_a_batch_equals_its_texts_one_by_one_whatever_was_seen_before(student):
    together = student.encode(TEXTS)
    fresh = StudentModel(["on", "off"], rows=4096, width=16, hidden=32, size=24)
    fresh.load_state_dict(student.state_dict())
    alone = torch.cat([fresh.encode([text]) for text in TEXTS])
    torch.testing.assert_close(together, alone)


def test_student_vectors_are_normalised_and_features_are_taken(student):
    vectors = student.encode(TEXTS)
    assert vectors.shape == (4, 24) and student(TEXTS).shape == (4, 2)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4))
    torch.testing.assert_close(student.encode(student.features(TEXTS)), vectors)


def test_empty_texts_and_batches_are_finite(student):
    assert torch.isfinite(student(["", "?"])).all()
    assert student([]).shape == (0, 2)


def test_saved_student_is_small_and_nearly_the_same(tmp_path):
    torch.manual_seed(0)
    student = StudentModel(["on", "off"])
    student.save(tmp_path / "new")
    loaded = StudentModel.load(tmp_path / "new")
    assert (tmp_path / "new" / WEIGHTS).stat().st_size < 9.2e6
    assert json.loads((tmp_path / "new" / CONFIG).read_text())["labels"] == ["on", "off"]
    assert F.cosine_similarity(student.encode(TEXTS), loaded.encode(TEXTS)).min() > 0.999
    assert loaded.labels == student.labels and not loaded.training


def test_a_student_is_loaded_onto_the_device_of_choice(tmp_path, monkeypatch):
    StudentModel(["a"], rows=8, width=4, hidden=4, size=4).save(tmp_path)
    assert StudentModel.load(tmp_path, "meta").head.weight.device.type == "meta"
    monkeypatch.setattr(students, "default_device", lambda: torch.device("meta"))
    assert StudentModel.load(tmp_path).head.weight.device.type == "meta"


def test_no_student_is_one_sentence(tmp_path):
    with pytest.raises(StudyError, match="no student.*kd_study distill"):
        StudentModel.load(tmp_path)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
@pytest.mark.parametrize("content", [None, b"", b'{"labels": ["a"]}'])
def test_a_damaged_student_is_one_sentence(tmp_path, name, content):
    StudentModel(["a"], rows=8, width=4, hidden=4, size=4).save(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError, match="python -m kd_study distill"):
        StudentModel.load(tmp_path)


def many_words(count: int) -> list[str]:
    """Different ones of five letters."""
    return list(map("".join, itertools.islice(itertools.product("abcdefghijklmnop", repeat=5), count)))


def test_hashing_is_vectorised(monkeypatch):
    """The number of NumPy's calls is the longest word's, not that of the words."""
    calls, fold = [], subwords._fold
    monkeypatch.setattr(subwords, "_fold", lambda *words, **salt: calls.append(1) or fold(*words, **salt))
    Subwords(65_536).of_words(many_words(5000))
    assert len(calls) == 3  # whole words, 3-grams and 4-grams


def test_one_long_word_among_many_takes_no_memory():
    """Such as an image in base64; a matrix of words by the longest word's letters would take gigabytes."""
    words = [*many_words(20_000), "x" * 5000]
    tracemalloc.start()
    together = Subwords(1 << 20).of_words(words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    for word in (0, 7, -1):
        assert together[word].tolist() == Subwords(1 << 20).of_words([words[word]])[0].tolist()


def test_teacher_pools_over_tokens_and_ignores_padding(teacher):
    short, long = (
        "Turn on the light",
        "Is the front door of the house at the end of the street open or closed?",
    )
    vectors = teacher.encode([long, short, ""])
    assert vectors.shape == (3, 384) and not vectors.requires_grad
    tokens = teacher.tokenizer([short], return_tensors="pt")
    with torch.no_grad():
        hidden = teacher.encoder(**tokens).last_hidden_state
    torch.testing.assert_close(vectors[1], F.normalize(hidden.mean(1))[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(vectors[0], teacher.encode([long])[0], atol=1e-5, rtol=1e-4)


def test_teacher_knows_english(teacher):
    on, light_up, weather = teacher.encode(
        ["Turn on the lamp", "Switch the light on", "Will it rain tomorrow?"]
    )
    assert on @ light_up > on @ weather + 0.3


def test_teacher_saves_and_loads_its_head(teacher, tmp_path):
    with pytest.raises(ValueError, match="no head"):
        teacher(TEXTS)
    teacher.head = nn.Linear(384, 3)
    teacher.save(tmp_path)
    loaded = TeacherModel.load(tmp_path)
    torch.testing.assert_close(loaded(TEXTS), teacher(TEXTS))
    assert loaded.fingerprint() == teacher.fingerprint()
    with torch.no_grad():
        next(loaded.encoder.parameters())[0, 0] += 1
    assert loaded.fingerprint() != teacher.fingerprint()
    teacher.head = None
    teacher.save(tmp_path)
    assert TeacherModel.load(tmp_path).head is None


def test_an_unknown_teacher_is_one_sentence(tmp_path):
    with pytest.raises(StudyError, match="no teacher at"):
        TeacherModel.from_pretrained(tmp_path)


def test_row_adam_touches_only_the_rows_of_the_batch_and_learns(student):
    before = student.table.weight.detach().clone()
    optimizer = RowAdam([student.table.weight], lr=0.05)
    target = F.normalize(torch.randn(4, 24, generator=torch.Generator().manual_seed(1)))
    losses = []
    for _ in range(30):
        loss = (1 - (student.encode(TEXTS) * target).sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    touched = student.features(TEXTS).ids.unique()
    changed = (student.table.weight != before).any(dim=1).nonzero()[:, 0]
    assert changed.tolist() == touched.tolist()
    assert losses[-1] < 0.5 * losses[0]


def test_row_adam_equals_adam_where_all_numbers_of_a_row_move_alike():
    table = nn.EmbeddingBag(5, 3, mode="sum", sparse=True)
    dense = nn.Parameter(table.weight.detach().clone())
    rows = RowAdam(table.parameters(), lr=0.1)
    adam = torch.optim.Adam([dense], lr=0.1)
    for step in range(5):
        scale = (-1) ** step * (step + 1)
        for loss, optimizer in (
            (table(torch.arange(5), torch.zeros(1, dtype=torch.long)), rows),
            (dense.sum(0), adam),
        ):
            optimizer.zero_grad()
            (loss.sum() * scale).backward()
            optimizer.step()
    torch.testing.assert_close(table.weight.detach(), dense.detach())


@pytest.mark.parametrize(
    "language, sentence", [("en", "give that to AdamW"), ("zh", "请把那个参数交给AdamW")]
)
@pytest.mark.parametrize("layer", [nn.Linear(3, 2), nn.EmbeddingBag(5, 3)])
def test_row_adam_refuses_dense_gradients_in_one_sentence(layer, language, sentence):
    before, optimizer = layer.weight.detach().clone(), RowAdam([layer.weight])
    layer.weight.grad = torch.ones_like(layer.weight)
    use_language(language)
    with pytest.raises(ValueError, match=sentence):
        optimizer.step()
    assert torch.equal(layer.weight, before) and not optimizer.state


GOLDEN = [44917, 57912, 18820, 47328, 49847, 303, 8316, 40093, 48015, 49803, 20704]
