"""The question bank: one YAML file a topic, both languages side by side."""

from kd_study.questions.bank import Question, all_questions, load_questions, question, render

__all__ = ["Question", "all_questions", "load_questions", "question", "render"]
