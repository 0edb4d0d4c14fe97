"""The flagship in a terminal: distil a student, ask it. Results on standard output, progress on the error."""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean

from kd_solutions.data.commands import load_commands
from kd_solutions.data.translations import ENGLISH
from kd_solutions.flagship import ladder, scoreboard
from kd_solutions.flagship import recipe as recipes
from kd_solutions.flagship import store as serving
from kd_solutions.flagship import train as flagship
from kd_solutions.flagship.abstention import abstention, fit_threshold
from kd_solutions.flagship.predict import Predictor
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.models.student import StudentModel
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.training.loop import DistillResult

RIVALS = ("teacher", "translate_train", "english_labels_only")  # rungs of the ladder


def distill_and_report(languages: Sequence[str], seed: int, steps: int | None, as_json: bool) -> None:
    """Distils a student, saves it for `ask`, and prints what it can do beside its teacher and its rivals."""
    languages = flagship.known_languages(languages) if languages else flagship.default_languages()
    recipe = replace(recipes.FULL, steps=steps) if steps else recipes.FULL
    serving.require_room()
    teacher = PretrainedTeacher()
    _note(
        f"Distilling {len(languages)} languages from an English teacher, seed {seed}.",
        f"从英语教师模型蒸馏，共{len(languages)}种语言，随机种子{seed}。",
    )
    setting = ladder.settle(languages, recipe=recipe, teacher=teacher, seed=seed)
    student, training = flagship.imitate(setting.corpus, setting.vectors, recipe, seed)
    predictor = Predictor(student, serving.examples())
    predictor.threshold = fit_threshold(predictor)
    card = {"seed": seed, "steps": recipe.steps, "threshold": predictor.threshold}
    _save(student, card)  # whatever happens while it is measured
    _note("Training the rivals, which have no teacher.", "训练没有教师的对照模型。")
    readers = {"student": ladder.reader_of(student)}
    readers |= {name: ladder.RUNGS[name](setting) for name in RIVALS}
    _note("Measuring.", "正在评测。")
    report = _measure(predictor, languages, training, readers)
    folder = _save(student, report | card)
    report["megabytes"] = serving.megabytes(folder)
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        _print_table(report)


def _save(student: StudentModel, card: dict) -> Path:
    """Saves the student, whose training took minutes: on a full disk once there is room, or elsewhere."""
    while True:
        try:
            return serving.save_student(student, card)
        except StudyError as error:
            _note(f"{error}", f"{error}")
            if not sys.stdin.isatty():
                break
            input(
                say("Press Enter to try again, Ctrl-C to give the student up.", "按Enter重试，按Ctrl-C放弃。")
            )
    folder = serving.save_student(student, card, Path(tempfile.gettempdir()) / "kd-study-students")
    _note(
        f"The student is kept in {folder}: move it into {serving.students_folder()} when there is room.",
        f"学生模型保存在{folder}：等有了空间，请把它移到{serving.students_folder()}。",
    )
    return folder


def ask(text: str, as_json: bool) -> None:
    """Prints what a command in any language means to the student saved last."""
    answer = serving.load_predictor()(text)
    if as_json:
        print(json.dumps(asdict(answer), ensure_ascii=False))
        return
    print(answer.intent or say("not understood", "没有听懂"), f" {answer.confidence:.0%}")
    print(say("nearest English commands:", "最接近的英语指令："))
    for command, similarity in answer.nearest:
        print(f"  {similarity:.2f}  {command}")


def _measure(
    predictor: Predictor,
    languages: Sequence[str],
    training: DistillResult,
    readers: dict[str, ladder.Reader],
) -> dict:
    """What `--json` prints, sizes aside; accuracies in percent."""
    student = predictor.student
    rows = scoreboard.score_languages(languages, readers)
    rare = scoreboard.score_languages(languages, readers, split="rare")
    texts = load_commands(ENGLISH, "test").texts[:1000]
    return {
        "languages": {name: _rounded(asdict(row)) for name, row in rows.items()},
        "by_hand": {
            name: _rounded(asdict(row)) for name, row in scoreboard.score_by_hand(languages, readers).items()
        },
        "abstention": {name: _rounded(asdict(row)) for name, row in abstention(predictor, languages).items()},
        "retrieval_at_1": _rounded(scoreboard.retrieval(student, languages)),
        "sentences_per_second": round(scoreboard.texts_per_second(student, texts)),
        "seconds": round(training.seconds, 1),
        "pairs_per_second": round(training.rows_per_second),
        "rare_intents": {name: _rounded(asdict(row)) for name, row in rare.items()},
    }


def _print_table(report: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = (
        say("language", "语言"),
        say("teacher", "教师模型"),
        say("student", "学生模型"),
        "translate-train",
        say("English labels only", "仅用英语标签"),
        say("retrieval at 1", "检索准确率"),
        say("answered", "作答比例"),
        say("of these wrong", "其中答错"),
        say("out of scope, refused", "范围外，已拒答"),
    )
    table = Table(*columns[:1], box=None)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    rows = {name: _cells(report, name) for name in report["languages"]}
    for name, row in rows.items():
        table.add_row(name, *map(_one_decimal, row))
    if others := [row for name, row in rows.items() if name != ENGLISH]:
        label = say("mean without English", "平均（不含英语）")
        table.add_row(label, *map(_one_decimal, map(_mean, zip(*others, strict=True))), style="bold")
    Console().print(table)
    rare = [row["student"] for name, row in report["rare_intents"].items() if name != ENGLISH]
    print(
        say(
            f"Accuracy in percent on the test half. {report['megabytes']:.2f} MB on disk; "
            f"{report['sentences_per_second']:,} sentences a second, one by one; trained in "
            f"{report['seconds']:.0f} s, {report['pairs_per_second']:,} pairs a second.",
            f"准确率（%），测试集。磁盘占用{report['megabytes']:.2f} MB；逐句推理每秒"
            f"{report['sentences_per_second']:,}句；训练用时{report['seconds']:.0f}秒，每秒"
            f"{report['pairs_per_second']:,}对。",
        )
    )
    if by_hand := [row["student"] for name, row in report["by_hand"].items() if name != ENGLISH]:
        print(
            say(
                f"On commands written by hand, off the templates (15 a language): {mean(by_hand):.1f}.",
                f"在手写的、不出自模板的指令上（每种语言15条）：{mean(by_hand):.1f}。",
            )
        )
    if rare:
        print(
            say(
                f"Served too, but too rare in English to be split (time, date, vacuum …): {mean(rare):.1f}.",
                f"另有英语模板太少、无法划分的意图（时间、日期、扫地机器人等），单独统计：{mean(rare):.1f}。",
            )
        )


def _cells(report: dict, language: str) -> list[float | None]:
    """A row of the table; None where there is nothing to measure on."""
    abstention = report["abstention"].get(language, {})
    return [
        *report["languages"][language].values(),
        report["retrieval_at_1"].get(language),
        *(abstention.get(name) for name in ("coverage", "risk", "out_of_scope_refused")),
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 1) for name, value in values.items()}


def _one_decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _note(en: str, zh: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {say(en, zh)}", file=sys.stderr)
