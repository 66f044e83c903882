"""The reference pull request as edits of numbers, on whatever WebKit version: definitions are found by name.

It moves Linux on Arm from 16 KiB to 64 KiB pages in three commits. Every other target keeps its numbers, so
an edit wraps the definition in a condition, unless its new text has the old value elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workers.scenario.errors import ScenarioError

LIBPAS = "Source/bmalloc/libpas/src/libpas"
_LIBPAS_GUARD = "PAS_ARM64 && PAS_OS(LINUX)"
_BMALLOC_GUARD = "BOS(LINUX) && BCPU(ARM64)"
_WTF_GUARD = "OS(LINUX) && CPU(ARM64)"


@dataclass(frozen=True)
class Renumber:
    """Give the definition of `name` as `old` the value `new`, only where `guard` holds (None: everywhere)."""

    path: str
    name: str
    old: int
    new: str
    guard: str | None


@dataclass(frozen=True)
class AddSwitch:
    """Define the macro `name` as 1 where `guard` holds, after the block `#if !defined(after) … #endif`."""

    path: str
    name: str
    after: str
    guard: str


Edit = Renumber | AddSwitch


@dataclass(frozen=True)
class Commit:
    """One commit of the reference pull request. `name` is the tree after it: B, C or D."""

    name: str
    message: str
    edits: tuple[Edit, ...]


def _internal(name: str, old: int, new: int) -> Renumber:
    return Renumber(f"{LIBPAS}/pas_internal_config.h", name, old, str(new), _LIBPAS_GUARD)


def _jit(name: str, old: int, new: int) -> Renumber:
    return Renumber(f"{LIBPAS}/jit_heap_config.h", name, old, str(new), _LIBPAS_GUARD)


COMMITS: tuple[Commit, ...] = (
    Commit(
        "B",
        "Use 64 KiB pages on Linux arm64\n\n"
        "Kernels with 64 KiB pages trap in libpas and WTF, which assume 16 KiB.\n"
        "Raise the page-size ceiling, the libpas and JIT page and granule sizes and\n"
        "the expendable memory's page size, on Linux arm64 only.\n",
        (
            Renumber("Source/WTF/wtf/PageBlock.h", "CeilingOnPageSize", 16, "64", _WTF_GUARD),
            _internal("PAS_SMALL_PAGE_DEFAULT_SHIFT", 14, 16),
            _internal("PAS_SMALL_BITFIT_PAGE_DEFAULT_SHIFT", 14, 16),
            _internal("PAS_MEDIUM_PAGE_DEFAULT_SHIFT", 17, 18),
            _internal("PAS_GRANULE_DEFAULT_SHIFT", 14, 16),
            _jit("JIT_SMALL_PAGE_SIZE", 16384, 65536),
            _jit("JIT_SMALL_GRANULE_SIZE", 16384, 65536),
            _jit("JIT_MEDIUM_PAGE_SIZE", 131072, 262144),
            _jit("JIT_MEDIUM_GRANULE_SIZE", 16384, 65536),
            Renumber(
                f"{LIBPAS}/pas_expendable_memory.h",
                "PAS_EXPENDABLE_MEMORY_PAGE_SIZE",
                16384,
                "65536",
                _LIBPAS_GUARD,
            ),
            AddSwitch(
                "Source/bmalloc/bmalloc/BPlatform.h",
                "BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K",
                "BUSE_PRECOMPUTED_CONSTANTS_VMPAGE16K",
                _BMALLOC_GUARD,
            ),
        ),
    ),
    Commit(
        "C",
        "Derive PAS_MAX_OBJECTS_PER_PAGE from the small page size\n\n"
        "A 64 KiB page holds more than 2048 objects of minimal alignment.\n",
        (
            Renumber(
                f"{LIBPAS}/pas_internal_config.h",
                "PAS_MAX_OBJECTS_PER_PAGE",
                2048,
                "(PAS_SMALL_PAGE_DEFAULT_SIZE >> PAS_INTERNAL_MIN_ALIGN_SHIFT)",
                None,
            ),
        ),
    ),
    Commit(
        "D",
        "Align JIT medium bitfit objects to 512 bytes on Linux arm64\n\n"
        "A 64 KiB granule of 256-byte objects counts up to 257 uses, which a\n"
        "granule's use count cannot hold.\n",
        (_jit("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", 8, 9),),
    ),
)


def apply(commit: Commit, read: Callable[[str], str]) -> dict[str, str]:
    """The files that `commit` changes, by path. `read` gives a file's text, or raises `FileNotFoundError`.

    Raises `ScenarioError` with file, line and what was expected, when a definition is not as expected.
    """
    changed: dict[str, str] = {}
    for edit in commit.edits:
        try:
            text = changed.get(edit.path) or read(edit.path)
        except FileNotFoundError:
            raise ScenarioError(f"{edit.path}: no such file, expected a definition of {_sought(edit)} there") from None
        changed[edit.path] = _renumber(edit, text) if isinstance(edit, Renumber) else _add_switch(edit, text)
    return changed


def _sought(edit: Edit) -> str:
    return edit.name if isinstance(edit, Renumber) else edit.after


def _renumber(edit: Renumber, text: str) -> str:
    definition = re.compile(
        rf"^(?P<before>[ \t]*#[ \t]*define[ \t]+{edit.name}[ \t]+|[^#\n]*\b{edit.name}[ \t]*=[ \t]*)"
        r"(?P<number>\d+)(?P<after>[^\n]*)$",
        re.MULTILINE,
    )
    found = list(definition.finditer(text))
    fitting = [match for match in found if int(match["number"]) == edit.old]
    if len(fitting) != 1:
        raise ScenarioError(_mismatch(edit, text, found))
    match = fitting[0]
    fresh = f"{match['before']}{edit.new}{match['after']}"
    if edit.guard is not None:
        fresh = f"#if {edit.guard}\n{fresh}\n#else\n{match[0]}\n#endif"
    return text[: match.start()] + fresh + text[match.end() :]


def _mismatch(edit: Renumber, text: str, found: list[re.Match[str]]) -> str:
    if not found:
        return f"{edit.path}: no definition of {edit.name} as a number, expected one with {edit.old}"
    lines = [f"{edit.path}:{_line(text, match)}: {edit.name} is {match['number']}" for match in found]
    return "\n".join([*lines, f"expected exactly one definition of {edit.name} with {edit.old}"])


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def _add_switch(edit: AddSwitch, text: str) -> str:
    anchor = re.compile(
        rf"^#if !defined\({edit.after}\)[^\n]*\n"
        rf"#define[ \t]+{edit.after}[ \t]+1[^\n]*\n"
        r"#endif[^\n]*\n",
        re.MULTILINE,
    )
    match = anchor.search(text)
    if match is None or re.search(rf"\b{edit.name}\b", text):
        raise ScenarioError(
            f"{edit.path}: expected a block `#if !defined({edit.after})` that defines it as 1, and no {edit.name} yet"
        )
    fresh = f"\n#if !defined({edit.name}) && {edit.guard}\n#define {edit.name} 1\n#endif\n"
    return text[: match.end()] + fresh + text[match.end() :]
