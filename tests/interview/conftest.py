"""The same desk and clock as the cards have."""

from tests.memory.conftest import clock, desk

__all__ = ["clock", "desk"]
