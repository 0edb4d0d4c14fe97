"""A shared folder is looked at: what changed is told once, when it lies still and looks whole."""

import os

from kd_study.classroom.watching import SETTLED, UNFINISHED, Watch


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def names(paths):
    return sorted(str(path) for path in paths)


def test_a_file_is_told_once_it_lies_still_and_again_when_it_changes(tmp_path):
    watch = Watch(tmp_path, clock := Clock())
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "1.py").write_text("x = 1")
    (tmp_path / "notes.txt").write_text("no answer")
    assert watch.look() == ([], set())
    clock.now += SETTLED
    assert names(watch.look()[0]) == ["ann/1.py"] and watch.look() == ([], set())
    (tmp_path / "ann" / "1.py").write_text("x = 12")
    assert watch.look() == ([], set())
    (tmp_path / "ann" / "1.py").write_text("x = 123")
    clock.now += SETTLED
    assert watch.look() == ([], set())  # it has changed since
    clock.now += SETTLED
    assert names(watch.look()[0]) == ["ann/1.py"]
    (tmp_path / "ann" / "1.py").unlink()
    changed, gone = watch.look()
    assert (changed, names(gone)) == ([], ["ann/1.py"]) and watch.look() == ([], set())


def test_a_half_written_notebook_is_waited_for_but_not_for_ever(tmp_path):
    watch = Watch(tmp_path, clock := Clock())
    (tmp_path / "half.ipynb").write_text('{"cells": [{"cell_')
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "whole.ipynb").write_text('{"cells": []}\n')
    watch.look()
    clock.now += SETTLED
    assert names(watch.look()[0]) == ["whole.ipynb"]
    clock.now += UNFINISHED
    assert names(watch.look()[0]) == ["empty.py", "half.ipynb"]


def test_a_file_put_in_anothers_place_counts_as_changed(tmp_path):
    watch = Watch(tmp_path, clock := Clock())
    (tmp_path / "a.py").write_text("x = 1")
    watch.look()
    clock.now += SETTLED
    assert names(watch.look()[0]) == ["a.py"]
    state = (tmp_path / "a.py").stat()
    (tmp_path / "new").write_text("x = 2")
    os.utime(tmp_path / "new", ns=(state.st_atime_ns, state.st_mtime_ns))
    os.replace(tmp_path / "new", tmp_path / "a.py")
    watch.look()
    clock.now += SETTLED
    assert names(watch.look()[0]) == ["a.py"]
