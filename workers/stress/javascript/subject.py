"""An engine for JavaScript as a subject of stress: its files, and the process that runs a phase of our script."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from workers.stress.javascript.closure import Closure
from workers.stress.javascript.reading import read_script
from workers.stress.processes import DEFAULT_MEMORY, Ended, Process
from workers.stress.subjects import Phase, Reading

SCRIPT = Path(__file__).with_name("stress.js")
PHASES = (Phase("threads"), Phase("functions"), Phase("collect-idle"), Phase("compile-collect"))
SECONDS = 180.0
"""Wall time of a phase at scale 1: about twenty times what it takes on a core of its own under TCG."""

THRESHOLDS = {
    "thresholdForJITAfterWarmUp": 10,
    "thresholdForOptimizeAfterWarmUp": 40,
    "thresholdForOptimizeSoon": 40,
    "thresholdForFTLOptimizeAfterWarmUp": 200,
}
"""JavaScriptCore's own names for how warm a function must be for the next compiler."""


class Kind(StrEnum):
    """How an engine is told of its script and options."""

    BUN = "bun"
    JSC = "jsc"
    SCRIPT = "script"
    """Anything that runs `BINARY SCRIPT WORDS…`."""

    @classmethod
    def of(cls, binary: Path) -> Kind:
        """By the file's name."""
        return next((kind for kind in (cls.BUN, cls.JSC) if binary.name.startswith(kind)), cls.SCRIPT)

    @property
    def options(self) -> Mapping[str, str]:
        """Environment that lowers the thresholds of its compilers, where they are known."""
        prefix = {Kind.BUN: "BUN_JSC_", Kind.JSC: "JSC_"}.get(self)
        return {f"{prefix}{name}": str(value) for name, value in THRESHOLDS.items()} if prefix else {}


@dataclass(frozen=True)
class JavaScriptSubject:
    """A binary for aarch64 with its libraries, and our script. `directory` is where they lie below `/subject`.

    `scale` multiplies what each phase does, and its time where above 1.
    """

    name: str
    kind: Kind
    closure: Closure
    directory: str
    scale: float = 1.0

    @property
    def phases(self) -> tuple[Phase, ...]:
        """All four. Whether an engine of kind `script` offers threads, only its run can say."""
        return PHASES

    @property
    def files(self) -> Mapping[str, Path]:
        """The binary in `bin`, its loader and libraries in `lib`, and the script."""
        return {
            f"{self.directory}/stress.js": SCRIPT,
            f"{self.directory}/bin/{self.closure.binary.name}": self.closure.binary,
            **{f"{self.directory}/lib/{name}": path for name, path in self.closure.libraries.items()},
        }

    def process(self, phase: str, seed: int, process_id: str, seconds: float | None = None) -> Process:
        """The process that runs a phase, within `seconds` of wall time and `DEFAULT_MEMORY`."""
        at = f"/subject/{self.directory}"
        binary = f"{at}/bin/{self.closure.binary.name}"
        # The loader is named, as no file of the subject lies where the binary looks for it.
        loader = [f"{at}/lib/{self.closure.loader}", "--library-path", f"{at}/lib"] if self.closure.loader else []
        separator = ["--"] if self.kind is Kind.JSC else []
        script = [f"{at}/stress.js", *separator, phase, str(seed), f"{self.scale:g}"]
        environment = {"HOME": _HOME, "LC_ALL": "C", **_QUIET, **self.kind.options}
        return Process(
            process_id,
            (*loader, binary, *script),
            tuple(environment.items()),
            seconds or SECONDS * max(1.0, self.scale),
            DEFAULT_MEMORY,
        )

    def read(self, phase: str, seed: int, ended: Ended) -> Reading:
        """What an ended process says of its phase."""
        return read_script(phase, seed, ended, may_lack_threads=self.kind is Kind.SCRIPT)


_HOME = "/tmp"  # noqa: S108  It is the guest's, or the sandbox's own.
_QUIET = {"DO_NOT_TRACK": "1", "BUN_ENABLE_CRASH_REPORTING": "0", "BUN_RUNTIME_TRANSPILER_CACHE_PATH": "0"}
"""Keeps bun from the network and from caching our script: neither is there."""


def make_subject(name: str, kind: Kind, closure: Closure, scale: float = 1.0) -> JavaScriptSubject:
    """A subject whose directory is named by name and content, so that only equal ones share theirs."""
    plain = JavaScriptSubject(name, kind, closure, "", scale)
    digest = hashlib.sha256()
    for path, file in sorted(plain.files.items()):
        with file.open("rb") as stream:
            digest.update(f"{path} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")
    return JavaScriptSubject(name, kind, closure, f"{slug}-{digest.hexdigest()[:12]}", scale)
