"""Teacher and student, and what they are made of."""

from kd_solutions.models.pooling import mean_pool
from kd_solutions.models.pretrained import PretrainedTeacher, Teacher
from kd_solutions.models.student import StudentModel
from kd_solutions.models.subwords import Features, Subwords, WordBags, tokenize
from kd_solutions.models.teacher import TeacherModel
from kd_solutions.models.vocabulary import trim_vocabulary

__all__ = [
    "Features",
    "PretrainedTeacher",
    "StudentModel",
    "Subwords",
    "Teacher",
    "TeacherModel",
    "WordBags",
    "mean_pool",
    "tokenize",
    "trim_vocabulary",
]
