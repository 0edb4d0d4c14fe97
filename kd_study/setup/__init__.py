"""From a fresh machine to an open lesson: the workspace, the launch, the doctor."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "doctor": ["findings"],
        "launch": ["open_lab"],
        "workspace": ["lay_down", "reset", "workspace_folder"],
    },
)
