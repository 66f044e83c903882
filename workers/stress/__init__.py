"""Stress: what was built is run under kernels with each page size, beside controls that must fail."""
