"""What decides a teacher's vectors decides its fingerprint; half a teacher is one sentence."""

import copy
import json
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from kd_solutions.models import teacher as teachers
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.models.teacher import TeacherModel
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.assets import ASSETS, asset_folder
from kd_solutions.support.errors import StudyError

TEXTS = ["Turn ON the Café's light", "what time is it"]


@pytest.fixture(scope="module")
def shipped():
    return TeacherModel.from_pretrained()


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory, shipped):
    """A teacher of one thin layer with the shipped one's words, as `TeacherModel.save` writes it."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    vocabulary = len(shipped.tokenizer)
    sizes = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    encoder = BertModel(BertConfig(vocab_size=vocabulary, **sizes))
    folder = tmp_path_factory.mktemp("teacher")
    TeacherModel(encoder, shipped.tokenizer).save(folder)
    return folder


@pytest.fixture
def folder(small_folder, tmp_path):
    return shutil.copytree(small_folder, tmp_path / "teacher")


@pytest.fixture
def teacher(folder):
    return TeacherModel.load(folder)


def with_config(teacher, **changed):
    """The same weights in an encoder with another configuration."""
    from transformers import AutoModel

    config = copy.deepcopy(teacher.encoder.config)
    config.update(changed)
    encoder = AutoModel.from_config(config)
    encoder.load_state_dict(teacher.encoder.state_dict())
    return TeacherModel(encoder.eval(), teacher.tokenizer)


def with_normalizer(teacher, **changed):
    other = copy.deepcopy(teacher)
    tokenizer = json.loads(other.tokenizer.backend_tokenizer.to_str())
    tokenizer["normalizer"] |= changed
    other.tokenizer._tokenizer = type(other.tokenizer.backend_tokenizer).from_str(json.dumps(tokenizer))
    return other


def with_weight(teacher):
    other = copy.deepcopy(teacher)
    with torch.no_grad():
        other.encoder.embeddings.LayerNorm.weight[0] += 1
    return other


class FirstToken(TeacherModel):
    def encode(self, texts, batch_size=64):
        tokens = self.tokenizer(list(texts), padding=True, return_tensors="pt")
        return self.encoder(**tokens).last_hidden_state[:, 0].detach()


@pytest.mark.parametrize(
    "change",
    [
        with_weight,
        lambda teacher: with_config(teacher, hidden_act="relu"),
        lambda teacher: with_config(teacher, num_attention_heads=4),
        lambda teacher: with_config(teacher, layer_norm_eps=0.1),
        lambda teacher: with_normalizer(teacher, lowercase=False, strip_accents=False),
        lambda teacher: with_normalizer(teacher, strip_accents=False),
        lambda teacher: FirstToken(teacher.encoder, teacher.tokenizer),
    ],
)
def test_what_changes_a_vector_changes_the_fingerprint(teacher, change):
    other = change(teacher)
    assert not torch.equal(other.encode(TEXTS), teacher.encode(TEXTS))
    assert other.fingerprint() != teacher.fingerprint()


def test_where_a_text_is_cut_is_part_of_the_fingerprint(teacher, monkeypatch):
    before = teacher.fingerprint()
    monkeypatch.setattr(teachers, "LONGEST", 4)
    assert teacher.fingerprint() != before


def test_what_changes_no_vector_leaves_the_fingerprint(teacher, tmp_path):
    before = teacher.fingerprint()
    teacher.encode(TEXTS)  # sets the tokenizer's padding and truncation
    teacher.train()
    teacher.head = nn.Linear(24, 3)
    teacher.save(tmp_path / "elsewhere")
    assert teacher.fingerprint() == TeacherModel.load(tmp_path / "elsewhere").fingerprint() == before


def test_a_fingerprint_takes_any_encoder_and_changes_with_any_buffer(teacher):
    encoder = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))  # whose count of batches is no row of numbers
    before = TeacherModel(encoder, teacher.tokenizer).fingerprint()
    encoder[1].num_batches_tracked += 1
    assert before != TeacherModel(encoder, teacher.tokenizer).fingerprint()
    assert before != TeacherModel(nn.Sequential(encoder, nn.ReLU()), teacher.tokenizer).fingerprint()


def test_a_teacher_in_training_mode_reads_in_eval_mode(teacher):
    clean = teacher.encode(TEXTS)
    nn.Sequential(teacher).train()
    teacher.encoder.pooler.eval()
    assert torch.equal(teacher.encode(TEXTS), clean)
    assert teacher.encoder.training and not teacher.encoder.pooler.training


def test_half_an_emoji_is_read_as_a_character_that_is_gone(teacher):
    cut, whole = teacher.encode(["light \ud83d", "light \ud83d\ude00"])
    assert torch.equal(cut, teacher.encode(["light \ufffd"])[0])
    torch.testing.assert_close(whole, teacher.encode(["light 😀"])[0])


@pytest.mark.parametrize("device", ["cpu"] + (["cuda"] if torch.cuda.is_available() else []))
def test_a_teacher_lives_where_it_is_told_or_on_the_device_of_choice(folder, teacher, device, monkeypatch):
    assert TeacherModel.load(folder, "meta").device.type == "meta"
    monkeypatch.setattr(teachers, "default_device", lambda: torch.device("meta"))
    assert TeacherModel.load(folder).device.type == "meta"
    there = TeacherModel.load(folder, device)
    assert there.encode(TEXTS).device.type == device and there.fingerprint() == teacher.fingerprint()
    torch.testing.assert_close(there.encode(TEXTS).cpu(), teacher.encode(TEXTS).cpu())


# folders


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", teachers.HEAD])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage", None, b"{}"])
def test_a_damaged_teacher_is_one_sentence(folder, teacher, name, content):
    teacher.head = nn.Linear(24, 3)
    teacher.save(folder)
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
    with pytest.raises(StudyError, match="give a folder with config.json, model.safetensors and") as error:
        TeacherModel.load(folder)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_tokenizer_is_refused(folder):
    """transformers would make one that knows five tokens, and every word would be [UNK]."""
    for path in folder.iterdir():
        if path.name not in ("config.json", "model.safetensors"):
            path.unlink()
    with pytest.raises(StudyError, match="tokenizer"):
        TeacherModel.load(folder)


def test_weights_that_lack_a_part_are_refused(folder):
    """transformers would draw it at random."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layer.0.attention.self.query.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StudyError, match="weights lack encoder.layer.0.attention.self.query.weight"):
        TeacherModel.load(folder)


def test_weights_without_a_pooler_whose_output_nobody_reads_are_enough(folder, teacher):
    from safetensors.torch import load_file, save_file

    expected = teacher.encode(TEXTS)  # before the file changes: transformers 5.4 maps it into memory
    weights = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in weights.items() if "pooler" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(TeacherModel.load(folder).encode(TEXTS), expected)


# the teacher that is known by its files


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_its_model(folder, teacher, cache):
    known = PretrainedTeacher(folder)
    assert (known.size, known.fingerprint()) == (24, teacher.fingerprint()) and known.head is None
    assert torch.equal(known.encode(TEXTS), teacher.encode(TEXTS))
    with pytest.raises(ValueError, match="no head"):
        known(TEXTS)
    known.head = nn.Linear(24, 3)
    assert torch.equal(known(TEXTS), known.head(teacher.encode(TEXTS)))
    teacher.head = known.head
    teacher.save(folder)
    assert torch.equal(PretrainedTeacher(folder)(TEXTS), known(TEXTS))


def test_what_is_cached_needs_no_model(folder, teacher, cache, monkeypatch):
    vectors = CachedSignal(PretrainedTeacher(folder))(TEXTS)
    monkeypatch.setattr(TeacherModel, "from_pretrained", None)  # loading would fail
    known = PretrainedTeacher(folder)
    assert torch.equal(CachedSignal(known)(TEXTS), vectors) and torch.equal(vectors, teacher.encode(TEXTS))
    with pytest.raises(TypeError):
        CachedSignal(known)(["a text that is new"])


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "model.safetensors"])
def test_another_file_is_another_teacher(folder, teacher, cache, name):
    before = PretrainedTeacher(folder).fingerprint()
    match name:
        case "config.json":
            with_config(teacher, hidden_act="relu").save(folder)
        case "tokenizer_config.json":
            settings = json.loads((folder / name).read_text())
            (folder / name).write_text(json.dumps(settings | {"do_lower_case": False}))
        case "model.safetensors":
            with_weight(teacher).save(folder)
    assert PretrainedTeacher(folder).fingerprint() == TeacherModel.load(folder).fingerprint() != before


def test_what_it_remembers_may_be_damaged_or_not_be_written(folder, teacher, cache, monkeypatch):
    PretrainedTeacher(folder).fingerprint()
    (path,) = (cache / "teachers").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    assert PretrainedTeacher(folder).fingerprint() == teacher.fingerprint()
    shutil.rmtree(cache)
    cache.touch()
    assert PretrainedTeacher(folder).fingerprint() == teacher.fingerprint()


def test_a_model_that_is_not_the_one_remembered_writes_nothing(folder, cache, monkeypatch):
    """The shipped weights are not read to learn their name, so that damage shows when they are loaded."""
    known = PretrainedTeacher(folder)
    known.fingerprint()
    spoilt = with_weight(TeacherModel.load(folder))
    monkeypatch.setattr(TeacherModel, "from_pretrained", lambda *_: spoilt)
    with pytest.raises(StudyError, match="damaged: delete that folder"):
        CachedSignal(PretrainedTeacher(folder))(TEXTS)
    assert not list((cache / "vectors").glob("*.vectors"))


def test_no_teacher_is_one_sentence(tmp_path, cache):
    with pytest.raises(StudyError, match="no teacher at"):
        PretrainedTeacher(tmp_path).fingerprint()


def test_the_shipped_one_is_known_without_its_weights_or_transformers(shipped):
    assert PretrainedTeacher().fingerprint() == shipped.fingerprint()
    weights = asset_folder("teacher") / "model.safetensors"
    code = f"""
import sys, pathlib, builtins
import kd_solutions.support.assets as assets
hashed, real = [], assets._sha256
assets._sha256 = lambda path: hashed.append(path) or real(path)
from kd_solutions.models import PretrainedTeacher
from kd_solutions.signals import CachedSignal
teacher = PretrainedTeacher()
CachedSignal(teacher)([])
assert teacher.size == 384 and "transformers" not in sys.modules
assert hashed and pathlib.Path({str(weights)!r}) not in hashed
print(teacher.fingerprint())
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert finished.stdout.strip() == shipped.fingerprint(), finished.stderr
    assert ASSETS["teacher"].contents  # the pinned hash that stands for the weights
