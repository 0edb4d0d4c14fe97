"""What a learner can still say: answers ticked point by point, and the cards that come back."""

from kd_study.review.answering import Answering
from kd_study.review.ticks import MARKS, grade_of, read_marks

__all__ = ["MARKS", "Answering", "grade_of", "read_marks"]
