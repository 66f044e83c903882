"""The allocation driver of libpas's stress, under qemu's user mode: `run` runs a phase and says how it ended."""
