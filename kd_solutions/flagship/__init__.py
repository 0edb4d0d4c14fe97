"""From an English-only teacher to a student of 9 MB that reads every language."""

from kd_solutions.flagship.corpus import Corpus, Mixture, build_corpus, rewritten_commands, training_commands
from kd_solutions.flagship.predict import Prediction, Predictor, predict
from kd_solutions.flagship.recipe import FULL, LABELS_ONLY, QUICK, SHORTER, Recipe
from kd_solutions.flagship.scoreboard import Row, retrieval, score_languages, texts_per_second
from kd_solutions.flagship.store import load_student, megabytes, save_student, students_folder
from kd_solutions.flagship.train import (
    Flagship,
    cosine_loss,
    default_languages,
    distill_student,
    encode,
    fit_head,
    known_languages,
    train_on_english_labels,
    train_student_head,
    train_teacher_head,
)

__all__ = [
    "Corpus",
    "FULL",
    "Flagship",
    "LABELS_ONLY",
    "Mixture",
    "Prediction",
    "Predictor",
    "QUICK",
    "Recipe",
    "Row",
    "SHORTER",
    "build_corpus",
    "cosine_loss",
    "default_languages",
    "distill_student",
    "encode",
    "fit_head",
    "known_languages",
    "load_student",
    "megabytes",
    "predict",
    "retrieval",
    "rewritten_commands",
    "save_student",
    "score_languages",
    "students_folder",
    "texts_per_second",
    "train_on_english_labels",
    "train_student_head",
    "train_teacher_head",
    "training_commands",
]
