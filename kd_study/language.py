"""Which language a person reads; the package below speaks it, too (`kd_solutions.language`)."""

from kd_solutions.language import LANGUAGES, Text, current_language, say, use_language

__all__ = ["LANGUAGES", "Text", "current_language", "say", "use_language"]
