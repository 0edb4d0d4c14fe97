"""The question bank: one YAML file a topic, both languages side by side."""

from kd_study.questions.bank import all_questions, load_questions, question
from kd_study.questions.form import KINDS, Question, Sighting, Weighted
from kd_study.questions.markdown import attachments, render, rubric
from kd_study.questions.search import find
from kd_study.questions.topics import TOPICS, by_topic

__all__ = [
    "KINDS",
    "TOPICS",
    "Question",
    "Sighting",
    "Weighted",
    "all_questions",
    "attachments",
    "by_topic",
    "find",
    "load_questions",
    "question",
    "render",
    "rubric",
]
