"""Pooling, alignment, retrieval and transfer between languages."""
