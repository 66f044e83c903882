"""What the driver can reach: the phases that use a heap config, and the rules whose breach it cannot show."""

from __future__ import annotations

from collections.abc import Mapping

_COMMON = ("baseline", "scavenger", "auxiliary-heaps", "expendable-memory", "threads", "threads-exit")
_THREADS = ("threads", "threads-exit")

PHASES: Mapping[str, tuple[str, ...]] = {
    "utility": ("utility", "auxiliary-heaps", "expendable-memory"),
    "bmalloc_small_segregated": _COMMON,
    "bmalloc_medium_segregated": ("scavenger", "auxiliary-heaps", *_THREADS),
    "bmalloc_small_bitfit": ("bitfit",),
    "bmalloc_medium_bitfit": ("bitfit",),
    "bmalloc_marge_bitfit": ("bitfit", "scavenger", *_THREADS),
    "jit_small_segregated": ("jit-small", "jit-baseline", "scavenger", *_THREADS),
    "jit_small_bitfit": ("jit-small-bitfit",),
    "jit_medium_bitfit": ("jit-medium-bitfit", "scavenger", *_THREADS),
}
"""Heap config → phases that allocate from it until something gives, or would."""

RULE_PHASES: Mapping[str, tuple[str, ...]] = {
    # Segregated pages that sizes share would show it too; no heap has them.
    "small-pages-agree": ("bitfit",),
    "expendable-payload": ("auxiliary-heaps", "expendable-memory"),
}
"""The same for rules about the whole tree; all phases for those that are not here."""

# What the small config has room for never comes here, and a shrunk object stays where it is.
NO_SHRINKING = "only the JIT heap shrinks objects, and this config is given large ones only"

OUT_OF_REACH: Mapping[tuple[str, str | None], str] = {
    ("use-count", "bmalloc_medium_segregated"): NO_SHRINKING,
    ("use-count", "bmalloc_medium_bitfit"): NO_SHRINKING,
    ("use-count", "bmalloc_marge_bitfit"): NO_SHRINKING,
    ("alloc-bits", "utility"): "the utility heap never has a baseline allocator",
}
"""(rule, heap config or none for a rule about the tree) → why no phase can show the breach."""
