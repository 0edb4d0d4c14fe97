"""Where a teacher's outputs come from: asked live, read from a table, or kept on disk."""

from kd_solutions.signals.cached import CachedSignal, Encoder, cache_teacher
from kd_solutions.signals.live import LiveSignal, TableSignal
from kd_solutions.signals.vector_store import VectorStore

__all__ = ["CachedSignal", "Encoder", "LiveSignal", "TableSignal", "VectorStore", "cache_teacher"]
