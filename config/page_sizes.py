"""The page sizes that kernels for 64-bit Arm can be built with."""

from __future__ import annotations

from collections.abc import Mapping

PAGE_SIZES: Mapping[str, int] = {"4K": 4096, "16K": 16384, "64K": 65536}
"""As people write them → bytes, in order."""
