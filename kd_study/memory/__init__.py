"""What a learner can still say: answers ticked point by point, and the cards that come back."""

from kd_study.memory.answering import Answering
from kd_study.memory.cards import Card, all_cards
from kd_study.memory.session import Session
from kd_study.memory.ticks import MARKS, grade_of, read_marks

__all__ = ["MARKS", "Answering", "Card", "Session", "all_cards", "grade_of", "read_marks"]
