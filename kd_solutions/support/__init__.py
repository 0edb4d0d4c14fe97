"""What every room may need: errors, the two languages, files, paths, downloads and the line that counts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "assets": ["asset_folder"],
        "errors": ["StudyError"],
        "files": ["write_whole"],
        "language": ["Text", "current_language", "say", "use_language"],
        "paths": ["cache_folder", "home_folder"],
        "progress": ["counting"],
    },
)
