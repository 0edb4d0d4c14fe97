import pytest

from kd_solutions.support.language import use_language


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    use_language("en")
