"""The container's recipe, which can't be built here, holds what its page promises."""

import re
from pathlib import Path

import kd_study
from kd_study.grading.limits import MEMORY_BYTES
from kd_study.grading.marking import AT_ONCE

PROJECT = Path(kd_study.__file__).parents[1]
FOLDER = PROJECT / "deploy" / "marking"
RECIPE, RUN = ((FOLDER / name).read_text("utf-8") for name in ("Dockerfile", "run"))


def test_the_recipe_copies_what_is_there_and_runs_as_nobody_in_particular():
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", RECIPE, re.MULTILINE) for name in line.split()]
    assert {"kd_study", "kd_solutions", "requirements.txt"} <= set(copied)
    assert 'if [ "$user" = 0 ]; then' in RUN  # not even where root calls it
    assert all((PROJECT / name).exists() for name in copied)
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", RECIPE, re.MULTILINE)
    assert 'ENTRYPOINT ["python", "-m", "kd_study", "mark"]' in RECIPE
    assert "No image could be built" in RECIPE


def test_the_container_has_no_network_no_rights_and_bounds():
    for option in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        '--user "$user:$group"',
        "target=/class,readonly",
    ):
        assert option in RUN, option
    for page in ("README.md", "README.zh.md"):
        told = (FOLDER / page).read_text("utf-8")
        for option in ("--pids-limit", "--memory", "--cpus"):
            bound = re.search(rf"{option} (\d+)", RUN)[1]
            assert re.search(rf"(?<!\d){bound} ?(processes|GB|cores|个进程|个核)", told), (page, option)


def test_its_memory_is_enough_for_what_runs_at_once():
    cores = int(re.search(r"--cpus (\d)", RUN)[1])
    assert int(re.search(r"--memory (\d)g", RUN)[1]) * 1024**3 > min(cores, AT_ONCE) * MEMORY_BYTES
