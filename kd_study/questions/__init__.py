"""The question bank: one YAML file a topic, both languages side by side."""

from kd_study.questions.bank import all_questions, load_questions, question
from kd_study.questions.form import KINDS, Question, Sighting, Weighted
from kd_study.questions.markdown import attachments, render, rubric

__all__ = [
    "KINDS",
    "Question",
    "Sighting",
    "Weighted",
    "all_questions",
    "attachments",
    "load_questions",
    "question",
    "render",
    "rubric",
]
