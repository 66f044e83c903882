"""An allocation driver for libpas: built for aarch64 from any tree's sources, run under qemu.

`source` gives trees, `build` makes the driver's binary from one, `run` runs a phase and says how it ended. The driver
itself is C, in `c/`.
"""
