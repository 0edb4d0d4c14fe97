"""The learner's desk: graded exercises, hints, questions, progress, and everything a notebook calls.

Names are resolved on first use; the stub beside this file says where each lives.
"""

import lazy_loader

from kd_solutions.support import moved

moved.follow(
    {
        "kd_study.assistant": (),  # what lessons draw and train with changed together with their text
        "kd_study.experiments": (),
        "kd_study.language": ("kd_solutions.support.language",),
        "kd_study.pictures": (),
    }
)
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
