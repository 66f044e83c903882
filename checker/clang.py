"""Runs libclang on a probe in a contained child process.

Everything that the parse can see is in memory: a redirect-only overlay with no roots hides the host's files, and
the child has limits for processor time, memory and wall time. What comes back is data to be judged, not trusted.
"""

from __future__ import annotations

import json
import marshal
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from checker import evaluator
from checker.conditions import all_conditions
from checker.entries import Target
from checker.probe import GIVEN, MAIN, ROOT, SLICES, STUBS, Probe, slice_of
from checker.profile import Profile

CPU_SECONDS = 5
WALL_SECONDS = 30
MEMORY_BYTES = 1536 * 1024 * 1024
MAX_ANSWER_BYTES = 16 * 1024 * 1024
CONSTEXPR_STEPS = 100_000
ERROR_LIMIT = 5000
"""The slices of libpas's profile have about 230 errors. One more than this is fatal, and takes every value away."""

_OVERLAY = json.dumps({"version": 0, "redirecting-with": "redirect-only", "roots": []})


class Killed(Exception):
    """The child did not answer: it ran into a limit or crashed. The text says which."""


@dataclass(frozen=True)
class Diagnostic:
    """An error that libclang reported. `path` is in the evaluation's own file system."""

    severity: int
    category: str
    path: str | None
    line: int
    text: str
    notes: tuple[tuple[str, int], ...] = ()
    """Where what clang adds to it points; for an error in a macro, the bodies it comes out of, the innermost last."""


@dataclass(frozen=True)
class MacroDefinition:
    """Where a macro is defined, in the evaluation's own file system, its body and the identifiers in that."""

    path: str
    line: int
    last: int
    body: str
    uses: tuple[str, ...]
    takes_arguments: bool
    other: tuple[str, int] | None
    """Where another file defines it differently before, in the evaluation's own file system."""


@dataclass(frozen=True)
class Answer:
    """What libclang saw. Variables are the probe's; paths are in the evaluation's own file system."""

    values: Mapping[str, int]
    references: Mapping[str, tuple[tuple[str, int, int], ...]]
    macros: Mapping[str, MacroDefinition]
    defined: frozenset[str]
    """Of the names in the slices' conditions, those that are macros."""
    inclusions: Mapping[str, int]
    diagnostics: tuple[Diagnostic, ...]


def run(probe: Probe, tree: Mapping[str, bytes], profile: Profile, target: Target) -> Answer:
    """Parses `probe` over the files of `tree` (path → content) for `target`.

    Raises `Killed` when the child gave no answer.
    """
    virtual = {MAIN: probe.text.encode(), **stubs()}
    virtual.update((f"{ROOT}/{path}", content) for path, content in tree.items())
    virtual.update((f"{GIVEN}/{path}", text.encode()) for path, text in {**profile.files, **target.files}.items())
    for section in profile.sections:
        virtual.update((f"{SLICES}/{path}", slice_of(tree[path])) for path in section.slices if path in tree)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as overlay:
        overlay.write(_OVERLAY)
        overlay.flush()
        request = {
            "files": virtual,
            "main": MAIN,
            "arguments": _arguments(profile, target, overlay.name),
            "probes": list(probe.variables),
            "macros": list(probe.macros),
            "conditions": sorted(_names_in_conditions(tree, profile)),
        }
        return _read(_call(marshal.dumps(request)))


def _names_in_conditions(tree: Mapping[str, bytes], profile: Profile) -> set[str]:
    slices = (path for section in profile.sections for path in section.slices if path in tree)
    return {name for path in slices for condition in all_conditions(tree[path]) for name in condition.names}


def _arguments(profile: Profile, target: Target, overlay: str) -> list[str]:
    defines = {**profile.defines, **target.defines}
    return [
        *("-x", "c++", f"-std={profile.language}", "-w", f"-ferror-limit={ERROR_LIMIT}"),
        *("-fmacro-backtrace-limit=0", "-nostdinc", "-nostdinc++", f"-fconstexpr-steps={CONSTEXPR_STEPS}"),
        *("-target", target.triple, "-ivfsoverlay", overlay),
        *(f"-D{name}={value}" for name, value in defines.items()),
        *(f"-I{root}/{directory}" for directory in (*target.include, *profile.include) for root in (GIVEN, ROOT)),
        *(argument for kind in target.system for argument in ("-isystem", f"{STUBS}/{kind}")),
    ]


def _call(request: bytes) -> bytes:
    command = [
        sys.executable,
        "-I",
        "-S",
        evaluator.__file__,
        _site_packages(),
        str(CPU_SECONDS),
        str(MEMORY_BYTES),
    ]
    try:
        child = subprocess.run(
            command, input=request, capture_output=True, timeout=WALL_SECONDS, env={}, cwd="/", check=False
        )
    except subprocess.TimeoutExpired:
        raise Killed(f"the compiler did not finish within {WALL_SECONDS} s") from None
    if child.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise Killed(f"the compiler used more than {CPU_SECONDS} s of processor time")
    if child.returncode != 0 or not child.stdout:
        raise Killed(f"the compiler crashed or ran out of memory ({_ending(child.returncode)})")
    if len(child.stdout) > MAX_ANSWER_BYTES:
        raise Killed(f"the compiler's answer has {len(child.stdout)} bytes; at most {MAX_ANSWER_BYTES} are read")
    return child.stdout


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def _read(answer: bytes) -> Answer:
    data: dict[str, Any] = json.loads(answer)
    if "failure" in data:
        raise Killed("the compiler gave up on the headers")
    return Answer(
        values=data["values"],
        references={name: tuple(map(tuple, places)) for name, places in data["references"].items()},
        macros={
            name: MacroDefinition(path, line, last, body, tuple(uses), takes_arguments, tuple(other) if other else None)
            for name, (path, line, last, body, uses, takes_arguments, other) in data["macros"].items()
        },
        defined=frozenset(data["defined"]),
        inclusions=data["inclusions"],
        diagnostics=tuple(
            Diagnostic(severity, category, path, line, text, tuple((file, at) for file, at in notes))
            for severity, category, path, line, text, notes in data["diagnostics"]
        ),
    )


def libclang_version() -> str:
    """The installed libclang, such as "18.1.1"."""
    return version("libclang")


@lru_cache(maxsize=1)
def _site_packages() -> str:
    spec = find_spec("clang")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent.parent)


@lru_cache(maxsize=1)
def stubs() -> Mapping[str, bytes]:
    """pagewarden's stand-ins for system headers; `empty.txt` names those that need no content."""
    root = Path(str(files("checker").joinpath("stubs")))
    stubs: dict[str, bytes] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        directory = f"{STUBS}/{path.relative_to(root).parent.as_posix()}"
        if path.name == "empty.txt":
            stubs.update((f"{directory}/{name}", b"#include <stddef.h>\n") for name in path.read_text().split())
        else:
            stubs[f"{directory}/{path.name}"] = path.read_bytes()
    return stubs
