"""Engines for JavaScript under stress: a script of ours, and whatever can run it on aarch64."""
