"""Benchmarks, as ratios against a peer measured in the same run, and studies.

Run one with `python -m benchmarks.NAME`.
"""
