"""The question bank: one YAML file a topic, both languages side by side."""

from kd_study.questions.bank import all_questions, load_questions, question
from kd_study.questions.form import KINDS, Question, Sighting, Weighted
from kd_study.questions.markdown import attachments, beyond, in_words, render, rubric, with_pictures
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
    "beyond",
    "by_topic",
    "find",
    "in_words",
    "load_questions",
    "question",
    "render",
    "rubric",
    "with_pictures",
]
