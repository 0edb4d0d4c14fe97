"""Reference answers: teachers, students, losses and the distillation loop, in plain PyTorch.

Every contract of the coding exercises can be imported from here. Names are resolved on first use (the stub
beside this file says where each lives), so that `import kd_solutions` costs nothing until one is wanted.
"""

import lazy_loader

from kd_solutions.support import moved

moved.follow()
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
