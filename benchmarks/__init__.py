"""Benchmarks: ratios against a peer measured in the same run. Run one with `python -m benchmarks.NAME`."""
