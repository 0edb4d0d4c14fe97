"""Fidelity, calibration, intervals, and what is shipped."""
