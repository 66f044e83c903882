"""libpas of any tree for aarch64, and the driver linked with it, statically.

A pull request's sources are hostile to compilers, too: all of it happens in the sandbox, which sees the toolchain and
the tree and nothing else. Objects are kept by what they are made from: the compiler, its flags and the preprocessed
text. Each is compiled in a sandbox of its own, so that no tree can put another one's object there. A header that a
tree changes costs a compilation only of the files whose text it changes.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from workers.sandbox import Finished, Limits, Sandbox
from workers.scenario.source import default_cache_dir
from workers.stress.libpas.harness import ADAPTERS, CORE, harness_digest, offered, own_files, table
from workers.stress.libpas.sources import LIBPAS, Sources, digest_of
from workers.stress.libpas.toolchain import AS_CPLUSPLUS, FLAGS, LIBRARIES, Toolchain, Unit, find_toolchain
from workers.stress.subjects import Phase, SubjectError

LIMITS = Limits(seconds=240.0, memory=2 << 30, processes=16, file_size=64 << 20, disk=256 << 20, output=64 << 20)
"""Of one compiler. The largest file of WebKit 2.50 takes 6 s alone and 0.5 GiB, and its text has 24 MB."""

KEPT_FOR = 14 * 86400.0
"""Seconds for which objects and drivers are kept after their last use."""

TREE = "/tree"
OWN = "driver"
"""The directory of the driver's own files, beside the tree's `Source`."""

Tell = Callable[[int, int], None]
"""Told how many files of how many are compiled. It may raise to stop."""


def untold(_done: int, _total: int) -> None:
    """Tells nobody."""


class CompileError(SubjectError):
    """A source that does not compile, or objects that do not link. `first`: the compiler's first error."""

    def __init__(self, first: str, *, own: bool = True) -> None:
        super().__init__(f"libpas does not compile: {first}" if own else first, own=own)
        self.first = first


@dataclass(frozen=True)
class Driver:
    """A driver linked with some tree's libpas. `digest` is that of all it was made from."""

    binary: Path
    phases: tuple[Phase, ...]
    digest: str


@dataclass(frozen=True)
class Build:
    """Builds into `cache`; `jobs` compilers at a time."""

    toolchain: Toolchain = field(default_factory=find_toolchain)
    cache: Path = field(default_factory=lambda: default_cache_dir() / "stress")
    jobs: int = 2

    def driver(self, tree: Sources, tell: Tell = untold) -> Driver:
        """The driver linked with libpas of `tree`; from the cache where it is there.

        Raises `CompileError`, `SandboxError`, and what `tell` raises.
        """
        digest = self.digest(tree)
        kept = self.cache / "drivers" / digest
        if (known := _known(kept, digest)) is not None:
            kept.touch()
            return known
        kept.parent.mkdir(parents=True, exist_ok=True)
        _forget_unused(self.cache)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=kept.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            phases = self._make(tree, Path(scratch), made / "driver", tell)
            (made / "phases.json").write_text(json.dumps([asdict(phase) for phase in phases]))
            shutil.rmtree(kept, ignore_errors=True)
            try:
                made.rename(kept)
            except OSError:
                # Another process was faster, with the same.
                if _known(kept, digest) is None:
                    raise
        return Driver(kept / "driver", phases, digest)

    def digest(self, tree: Sources) -> str:
        """Changes with whatever the driver is made from."""
        parts = (digest_of(tree), harness_digest(), repr(FLAGS), self.toolchain.version)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _make(self, tree: Sources, scratch: Path, binary: Path, tell: Tell) -> tuple[Phase, ...]:
        directory = scratch / "tree"
        for path, content in tree.items():
            _write(directory / path, content)
        for name, content in own_files().items():
            _write(directory / OWN / name, content)
        objects, misfits = self._objects(units(tree), directory, tell)
        phases = offered(misfits)
        try:
            binary.write_bytes(self._link(objects, phases, directory))
        except _Unresolved as unresolved:
            # A function that a header declares and no source has: without its adapter there is nothing to miss.
            misfits |= unresolved.misfits
            phases = offered(misfits)
            fitting = {unit: kept for unit, kept in objects.items() if PurePosixPath(unit.path).name not in misfits}
            binary.write_bytes(self._link(fitting, phases, directory))
        binary.chmod(0o755)
        return phases

    def _objects(self, wanted: Sequence[Unit], directory: Path, tell: Tell) -> tuple[dict[Unit, Path], dict[str, str]]:
        """Unit → object, and adapter → why it does not fit the tree."""
        objects: dict[Unit, Path] = {}
        misfits: dict[str, str] = {}
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                futures: dict[Future[Path], Unit] = {pool.submit(self._object, u, directory): u for u in wanted}
                for done, future in enumerate(as_completed(futures), 1):
                    unit = futures[future]
                    try:
                        objects[unit] = future.result()
                    except CompileError as error:
                        if (name := _adapter(unit)) is None:
                            raise
                        misfits[name] = f"the driver does not fit this tree: {error.first}"
                    tell(done, len(wanted))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return objects, misfits

    def _object(self, unit: Unit, directory: Path) -> Path:
        seeing = Sandbox(read_only={TREE: directory}, limits=LIMITS)
        text = _output(_finished(lambda: seeing.run(self.toolchain.preprocess(unit), directory=TREE)), unit.path)
        command = self.toolchain.compile(unit)
        key = hashlib.sha256(repr((self.toolchain.version, command)).encode() + text).hexdigest()
        kept = self.cache / "objects" / key[:2] / f"{key}.o"
        if kept.is_file():
            kept.touch()
        else:
            blind = Sandbox(limits=LIMITS)
            made = _output(_finished(lambda: blind.run(_to_stdout(command), stdin=text)), unit.path)
            _keep(kept, made)
        return kept

    def _link(self, objects: Mapping[Unit, Path], phases: tuple[Phase, ...], directory: Path) -> bytes:
        (directory / OWN / "table.c").write_bytes(table(phases))
        every = {**objects, (own := Unit(f"{OWN}/table.c", sees_tree=False)): self._object(own, directory)}
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            names = []
            for index, (unit, kept) in enumerate(sorted(every.items(), key=lambda item: item[0].path)):
                names.append(f"{index}-{PurePosixPath(unit.path).name}.o")
                shutil.copyfile(kept, Path(scratch) / names[-1])
            box = Sandbox(read_only={"/objects": Path(scratch)}, limits=LIMITS)
            command = (self.toolchain.gxx, "-static", *names, *LIBRARIES)
            finished = _finished(lambda: box.run(_to_stdout(command), directory="/objects"))
        if finished.status and (misfits := unresolved_adapters(finished.stderr.decode(errors="replace"))):
            raise _Unresolved(misfits)
        return _output(finished, "the driver", own=b"undefined reference" not in finished.stderr)


class _Unresolved(Exception):
    """Adapters that use functions which nobody has."""

    def __init__(self, misfits: Mapping[str, str]) -> None:
        super().__init__()
        self.misfits = dict(misfits)


def units(tree: Sources) -> list[Unit]:
    """All that is compiled; what takes longest, C++, comes first."""
    paths = sorted(path for path in tree if path.startswith(f"{LIBPAS}/") and path.endswith(".c"))
    of_tree = [Unit(path, PurePosixPath(path).name in AS_CPLUSPLUS) for path in paths]
    own = [Unit(f"{OWN}/{name}", sees_tree=name in ADAPTERS) for name in (*CORE, *ADAPTERS)]
    return sorted([*of_tree, *own], key=lambda unit: not unit.cplusplus)


def _adapter(unit: Unit) -> str | None:
    name = PurePosixPath(unit.path).name
    return name if unit.path == f"{OWN}/{name}" and name in ADAPTERS else None


def _to_stdout(command: Sequence[str]) -> tuple[str, ...]:
    """Compilers seek in what they write, so that must be a file first."""
    return ("/bin/sh", "-c", '"$@" -o "$HOME/made" && exec cat "$HOME/made"', "sh", *command)


def _finished(run: Callable[[], Finished]) -> Finished:
    """A stop counts when it comes twice: a machine with too much to do can make one, too."""
    finished = run()
    return finished if finished.stopped is None else run()


def _output(finished: Finished, what: str, *, own: bool = True) -> bytes:
    """Raises `CompileError` where there is no output to trust."""
    name = PurePosixPath(what).name
    if finished.stopped is not None:
        limit = {"time": f"{LIMITS.seconds:.0f} s", "memory": f"{LIMITS.memory >> 20} MiB of memory"}
        most = limit.get(finished.stopped, f"{LIMITS.output >> 20} MiB of output")
        raise CompileError(f"{name}: the compiler was stopped after {most}")
    if finished.signal is not None:
        raise CompileError(f"{name}: the compiler died of signal {finished.signal}")
    if finished.status:
        raise CompileError(first_error(finished.stderr.decode(errors="replace")), own=own)
    return finished.stdout


def first_error(text: str) -> str:
    """The first line of a compiler's or linker's output that is an error, without the directory of libpas."""
    told = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in told if re.search(r"error:|undefined reference", line)]
    first = (errors or told or ["no reason given"])[0].replace(f"{LIBPAS}/", "")
    return "".join(character for character in first if character.isprintable())[:400]


def unresolved_adapters(text: str) -> dict[str, str]:
    """Adapter → the function that it misses, from a linker's output."""
    found: dict[str, str] = {}
    for match in re.finditer(r"\b(libpas_\w+\.c):\S*: undefined reference to \W(\w+)", text):
        if match[1] in ADAPTERS:
            found.setdefault(match[1], f"this tree's libpas has no {match[2]}")
    return found


def _known(kept: Path, digest: str) -> Driver | None:
    try:
        phases = tuple(Phase(**entry) for entry in json.loads((kept / "phases.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return Driver(kept / "driver", phases, digest) if (kept / "driver").is_file() else None


def _forget_unused(cache: Path) -> None:
    """Deletes what nobody has asked for in `KEPT_FOR`."""
    oldest = time.time() - KEPT_FOR
    for path in (*cache.glob("objects/*/*"), *cache.glob("drivers/*")):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".fresh-", delete=False) as fresh:
        fresh.write(content)
    Path(fresh.name).replace(path)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
