"""The way to an interview: what to do on which day, and what comes next."""

from kd_study.interview.plan import Day, Plan, make_plan
from kd_study.interview.tasks import Task

__all__ = ["Day", "Plan", "Task", "make_plan"]
