"""From a trained student to what is shipped."""

from kd_solutions.export.quantization import quantize_int8

__all__ = ["quantize_int8"]
