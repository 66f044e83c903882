"""Builds arm64 kernels from Debian's kernel source and our configuration: `kernel.config` beside this file.

Whoever calls sees to it that nobody else works in the same directory.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from workers.scenario.apt import Apt, Kind, Package
from workers.scenario.errors import ScenarioError
from workers.scenario.progress import Step, Tell
from workers.stress.processes import page_name

PREFIX = "aarch64-linux-gnu-"
TRIED_SOURCE = "linux-source-6.1"
"""The source that `kernel.config` was made for; taken where Debian lists it."""
MEASURED_STEPS = 1199
"""Lines that `make` prints for a whole build of `TRIED_SOURCE`: what the estimate of a first build rests on."""
CONFIGURATION = Path(__file__).with_name("kernel.config")

_NEEDS: Mapping[str, str] = {
    "gcc-aarch64-linux-gnu": f"{PREFIX}gcc",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdio.h",
    "make": "make",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "xz-utils": "xz",
    "dpkg": "dpkg-deb",
    "apt": "apt-get",
}
"""Debian package → the command or header that it brings; what every Debian has is left out."""
_DEB = re.compile(r"linux-source-(?P<series>[\d.]+)_(?P<version>[^_]+)_all\.deb")
_STEP = re.compile(r"  [A-Z][A-Z0-9_-]*(?: \[M\])? +\S")
_EARLY = 0.05
"""Part of a build after which its pace says something."""
_CHUNK = 1 << 20


class KernelError(Exception):
    """There is no such kernel, or it cannot be built. The text says what is missing and what to do."""


@dataclass(frozen=True)
class Source:
    """Debian's kernel source: its package's version ("6.1.192-2"), and where that package is."""

    version: str
    package: Path


@dataclass(frozen=True)
class Built:
    """A fresh kernel. `steps` are the lines that `make` printed, for the next estimate."""

    image: Path
    steps: int


def configuration(page_size: int) -> str:
    """The options asked for with pages of `page_size` bytes, a line each; all others are off."""
    lines = [line for line in CONFIGURATION.read_text().splitlines() if line and not line.startswith("#")]
    return "\n".join([*lines, f"CONFIG_ARM64_{page_name(page_size)}_PAGES=y"]) + "\n"


def not_in_effect(asked: str, config: str) -> list[str]:
    """The lines of `asked` that the kernel's own `config` doesn't have: options that are gone, or need others."""
    present = set(config.splitlines())
    return [line for line in asked.splitlines() if line not in present]


def is_step(line: str) -> bool:
    """Whether `make` printed this line for something that it did: "  CC      init/main.o"."""
    return _STEP.match(line) is not None


def seconds_left(elapsed: float, done: int, total: int) -> float | None:
    """What the rest takes at the pace so far, in seconds; None while that pace says little."""
    return elapsed * (total - done) / done if 0 < total * _EARLY <= done <= total else None


def missing_packages() -> list[str]:
    """The Debian packages that a build needs and that this machine has not."""
    return [
        package
        for package, brings in _NEEDS.items()
        if not (Path(brings).is_file() if brings.startswith("/") else shutil.which(brings))
    ]


def require_tools() -> None:
    """Raises `KernelError` where something that a build needs is missing, naming all of it."""
    if missing := missing_packages():
        raise KernelError(
            "A kernel cannot be built here: tools are missing. On Debian:\n"
            f"apt-get install {' '.join(missing)}\n"
            "Or give kernels that were built elsewhere: pagewarden kernels build --from DIR."
        )


def compiler() -> str:
    """The cross compiler's version, as it says it itself; "" where there is none."""
    try:
        said = subprocess.run([f"{PREFIX}gcc", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.splitlines()[0].strip()


def kept_source(directory: Path) -> Source | None:
    """The source that was fetched into `directory` before, if any."""
    for package in directory.glob("*.deb"):
        if match := _DEB.fullmatch(package.name):
            return Source(match["version"], package)
    return None


def fetch_source(directory: Path, tell: Tell) -> Source:
    """The newest source that Debian lists, fetched into `directory` in place of any before. Raises `KernelError`."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        state = directory.with_name("apt")
        names = Apt(state, tell, package=Package("linux-source", kind=Kind.BINARY)).names("linux-source-")
        apt = Apt(state, tell, package=Package(source_name(names), kind=Kind.BINARY))
        newest = apt.versions()[-1]
        kept = kept_source(directory)
        if kept is not None and kept.version == newest.full:
            return kept
        downloaded = apt.download(newest)
    except ScenarioError as error:
        raise KernelError(str(error)) from error
    if kept is not None:
        kept.package.unlink()
    package = downloaded.replace(directory / downloaded.name)
    shutil.rmtree(downloaded.parent)
    return Source(newest.full, package)


def source_name(listed: Sequence[str]) -> str:
    """Which of the packages listed: the one that our configuration was tried with, else the newest."""
    series = [name for name in listed if re.fullmatch(r"linux-source-\d+\.\d+", name)]
    if TRIED_SOURCE in series or not series:
        return TRIED_SOURCE
    return max(series, key=lambda name: [int(part) for part in name.removeprefix("linux-source-").split(".")])


def unpack(source: Source, directory: Path, tell: Tell) -> Path:
    """The whole tree, 1.5 GB, below `directory`. Raises `KernelError`.

    Leaving out what an arm64 build never reads would save 0.9 GB for that while and no time.
    """
    directory.mkdir(parents=True)
    inner = f"./usr/src/{source.package.name.split('_')[0]}.tar.xz"
    with (
        _child(["dpkg-deb", "--fsys-tarfile", source.package], stdout=subprocess.PIPE) as package,
        _child(["tar", "-xO", inner], stdin=package.stdout, stdout=subprocess.PIPE) as tarball,
        _child(["tar", "-xJ", "--strip-components=1"], stdin=subprocess.PIPE, cwd=directory) as tree,
    ):
        _pump(tarball, tree, source.package, tell)
        if tree.wait() or tarball.wait() or package.wait():
            raise KernelError(
                f"{source.package} could not be unpacked into {directory}. "
                "Is there room for 1.5 GB? If so, remove that package and try again."
            )
    return directory


def compile_kernel(
    source: Path, output: Path, name: str, asked: str, steps: int, tell: Tell, hold: Sequence[int]
) -> Built:
    """Configure the kernel as `asked` and compile it, with all files in `output`; `name` is for whoever listens.

    `steps` is the count that is expected. `make` inherits the descriptors `hold`. Raises `KernelError`.
    """
    output.mkdir(parents=True)
    fragment = output / "asked.config"
    fragment.write_text(asked)
    tell(Step(f"configuring {name}"))
    _make(source, output, "allnoconfig", hold, lambda _done: None, KCONFIG_ALLCONFIG=str(fragment))
    if refused := not_in_effect(asked, (output / ".config").read_text()):
        raise KernelError(
            f"{source.name}: this kernel source did not take all options of {CONFIGURATION.name}: {', '.join(refused)}."
        )
    started = time.monotonic()

    def follow(done: int) -> None:
        total = max(steps, done)
        left = seconds_left(time.monotonic() - started, done, total)
        tell(Step(f"compiling {name}", done, total, unit="steps", left=left))

    return Built(output / "arch/arm64/boot/Image", _make(source, output, "Image", hold, follow))


def _make(
    source: Path, output: Path, target: str, hold: Sequence[int], follow: Callable[[int], None], **variables: str
) -> int:
    """Run `make`, telling `follow` how many steps it has done; the number of all.

    Raises `KernelError` with the rest of what it said where it fails.
    """
    jobs = len(os.sched_getaffinity(0))
    fixed = [f"O={output}", "ARCH=arm64", f"CROSS_COMPILE={PREFIX}", "KBUILD_VERBOSE=0"]
    # make dies with us however we die, and its compilers with it.
    command = ["setpriv", "--pdeathsig", "TERM", "make", f"-j{jobs}", *fixed, target]
    environment = _environment(variables)
    said: deque[str] = deque(maxlen=30)
    done = 0
    with _child(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=source, env=environment, hold=hold
    ) as make:
        for raw in make.stdout or ():
            line = raw.decode(errors="replace").rstrip()
            if is_step(line):
                done += 1
                follow(done)
            else:
                said.append(line)
        if status := make.wait():
            told = "\n".join(f"  {line}" for line in said)
            raise KernelError(f"make {target} ended with status {status} in {source}. It said:\n{told}")
    return done


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Nothing of ours but the path: a make above us, or options for other builds, would change the kernel.

    Who built it, when and where is fixed, so that equal inputs give equal kernels.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C.UTF-8",
        "KBUILD_BUILD_TIMESTAMP": "1970-01-01 00:00:00 UTC",
        "KBUILD_BUILD_USER": "pagewarden",
        "KBUILD_BUILD_HOST": "pagewarden",
        "KBUILD_BUILD_VERSION": "1",
        **variables,
    }


@contextmanager
def _child(
    command: Sequence[str | Path],
    *,
    stdin: IO[bytes] | int | None = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hold: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; all of it has ended when the block is left."""
    process = subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=stderr, cwd=cwd, env=env, pass_fds=hold, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _pump(tarball: subprocess.Popen[bytes], tree: subprocess.Popen[bytes], package: Path, tell: Tell) -> None:
    """Carry the tarball from one process to the other, telling how far it is; its size is near the package's."""
    if tarball.stdout is None or tree.stdin is None:
        raise ValueError("both ends have to be pipes")
    size, moved = package.stat().st_size, 0
    with tree.stdin as into:
        while chunk := tarball.stdout.read(_CHUNK):
            moved += len(chunk)
            tell(Step("unpacking the kernel source", min(moved, size), size))
            try:
                into.write(chunk)
            except BrokenPipeError:
                return
