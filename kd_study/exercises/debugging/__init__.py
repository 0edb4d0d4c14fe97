"""Functions that are handed out with a fault, to be found by reading and mended."""
