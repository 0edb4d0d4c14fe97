"""What every room may need: errors, the two languages, files, devices, downloads and the line that counts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "assets": ["asset_folder"],
        "devices": ["default_device", "use_device"],
        "errors": ["StudyError"],
        "files": ["write_whole"],
        "modes": ["answering", "modes_restored"],
        "language": ["Text", "current_language", "say", "use_language"],
        "paths": ["cache_folder", "home_folder"],
        "progress": ["counting"],
    },
)
