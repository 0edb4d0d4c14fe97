"""Losses of models that answer every token."""
