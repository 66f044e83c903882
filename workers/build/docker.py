"""Builds by `docker buildx build`: the repository's Dockerfile, on an engine that whoever runs pagewarden has chosen.

The client is a process of ours; what it builds runs where the builder is. It is given nothing of the head but paths:
a folder to send, a Dockerfile to read.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.preview import DockerSettings
from config.settings import bare_environment
from workers.build import docker_log
from workers.build.artifacts import output_of
from workers.build.disk import Room
from workers.build.docker_cache import LayerCache
from workers.build.driver import BuildError, State, Workshop
from workers.build.log import Transcript
from workers.build.order import Order
from workers.build.stream import LOOK_SECONDS, follow
from workers.sandbox.advice import TOOLS_MISSING

PLATFORM = "linux/arm64"
STOP_SECONDS = 10.0
"""How long a client may take to end its build once it is asked to."""
ANSWER_SECONDS = 30.0
"""How long it may take to tell its version."""

_PASSED_ON = frozenset(
    {
        *("PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK", "KUBECONFIG"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)
_PASSED_ON_PREFIXES = ("DOCKER_", "BUILDX_", "BUILDKIT_")
_FIXED = {
    # The client would run git in the head's folder, and git does what that folder's configuration says.
    "BUILDX_GIT_INFO": "0",
    "BUILDX_GIT_LABELS": "0",
    "GIT_DIR": os.devnull,
    "DOCKER_CLI_HINTS": "false",
}

KILL_TRIES = 50
"""How often, a tenth of a second apart, it is looked whether all that was killed is gone."""


@dataclass(frozen=True)
class DockerMaker:
    """A `Maker` for `preview.docker`. `context` and `builder` are docker's names, the user's current ones when `None`.

    Below `cache`, layers are kept for each repository, if there is a `builder`: the engine's own may not hand them out.
    """

    cache: Path
    context: str | None = None
    builder: str | None = None
    client: str = "docker"
    clock: Callable[[], float] = time.monotonic
    stop_seconds: float = STOP_SECONDS

    def make(self, order: Order, source: Path, workshop: Workshop) -> Path:
        """See `Maker`."""
        settings = order.settings.docker
        if settings is None:
            raise BuildError("this repository's settings name no Dockerfile")
        _require_inside(source, settings.dockerfile, Path.is_file)
        _require_inside(source, settings.context, Path.is_dir)
        self._require_buildx()
        output = workshop.directory / "output"
        output.mkdir()
        cache = LayerCache(self.cache, order.repository) if self.builder is not None else None
        if cache is not None:
            cache.begin()
        places = _places(source, output, cache, workshop.directory)
        transcript = Transcript(workshop.log)
        self._run(arguments(settings, places, self.context, self.builder), workshop, transcript)
        if cache is not None:
            cache.keep()
        return output_of(output, settings.output)

    def _require_buildx(self) -> None:
        """Raises `BuildError` that tells whoever runs pagewarden what to install."""
        try:
            done = subprocess.run(
                [self.client, "buildx", "version"],
                env=environment(bare_environment()),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ANSWER_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(docker_log.NO_CLIENT) from error
        if done.returncode:
            raise BuildError(docker_log.NO_BUILDX)

    def _run(self, words: Sequence[str], workshop: Workshop, transcript: Transcript) -> None:
        """Raises `BuildError` where nothing is built, and what `require` raises; no process is left then."""
        room, end = Room(workshop.directory), self.clock() + workshop.seconds

        def look() -> None:
            workshop.require()
            room.require()
            if self.clock() >= end:
                raise BuildError("docker was stopped when the time was over", State.TIMED_OUT, transcript.tail)

        transcript.command(shlex.join(["docker", *words]))
        try:
            process = subprocess.Popen(
                # A client whose parent dies ends its build.
                ["setpriv", "--pdeathsig", "INT", self.client, *words],
                cwd=workshop.directory,
                env=environment(bare_environment()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise BuildError(TOOLS_MISSING.format("setpriv")) from error
        assert process.stdout is not None
        try:
            follow(process.stdout, transcript.write, look, self.clock)
            status = self._awaited(process, look)
        finally:
            self._stop(process)
            process.stdout.close()
        if status:
            raise docker_log.failure(status, transcript.end)

    def _awaited(self, process: subprocess.Popen[bytes], look: Callable[[], None]) -> int:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(LOOK_SECONDS)
            look()

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """Ends the client and all that it started. Asked first, it takes back what it has asked of the builder."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(self.stop_seconds)
        # A client that has no terminal gives its plugins process groups of their own.
        for _ in range(KILL_TRIES):
            members = _session(process.pid)
            for member in members:
                with suppress(ProcessLookupError):
                    os.kill(member, signal.SIGKILL)
            if not members:
                break
            time.sleep(0.1)
        process.wait()


@dataclass(frozen=True)
class Places:
    """Where things are, from the folder that the client runs in: no path of this machine gets into the log."""

    source: str
    output: str
    layers: str | None = None
    fresh: str | None = None


def _places(source: Path, output: Path, cache: LayerCache | None, here: Path) -> Places:
    def seen(path: Path) -> str:
        return os.path.relpath(path.resolve(), here.resolve())

    if cache is None:
        return Places(seen(source), seen(output))
    layers = cache.layers
    return Places(seen(source), seen(output), seen(layers) if layers is not None else None, seen(cache.fresh))


def arguments(settings: DockerSettings, places: Places, context: str | None, builder: str | None) -> list[str]:
    """What the client is told. All that a repository's settings say stands behind a `=`, so nothing of it is an
    option."""
    optional = {
        "builder": builder,
        "target": settings.target or None,
        "network": None if settings.network else "none",
        "cache-from": f"type=local,{_field('src', places.layers)}" if places.layers is not None else None,
        "cache-to": f"type=local,{_field('dest', places.fresh)},mode=max" if places.fresh is not None else None,
    }
    return [
        *((f"--context={context}",) if context is not None else ()),
        *("buildx", "build", f"--platform={PLATFORM}", "--progress=plain"),
        # Else they are files beside what was built.
        *("--provenance=false", "--sbom=false"),
        *(f"--{name}={value}" for name, value in optional.items() if value is not None),
        *(f"--build-arg={name}={value}" for name, value in settings.build_args.items()),
        f"--file={_join(places.source, settings.dockerfile)}",
        f"--output=type=local,{_field('dest', places.output)}",
        _join(places.source, settings.context),
    ]


def _join(folder: str, path: str) -> str:
    """Begins with `folder`, whatever `path` is."""
    return f"{folder}/{path}"


def _field(name: str, value: str) -> str:
    """A field of an option that docker reads as a line of CSV."""
    text = f"{name}={value}"
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The client's environment: what it takes to find its configuration and its engine, and nothing else of `ours`."""
    kept = {name: value for name, value in ours.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)}
    return {**kept, **_FIXED}


def _require_inside(source: Path, path: str, is_it: Callable[[Path], bool]) -> None:
    """Raises `BuildError` for what isn't there: the client follows links where it reads."""
    found = (source / path).resolve()
    if not found.is_relative_to(source.resolve()) or not is_it(found):
        raise BuildError(f"this commit has no {path!r}, which preview.docker in the settings names", State.FAILED)


def _session(leader: int) -> list[int]:
    """The processes of a session that have not ended."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _parent, _group, session = status.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(status.parent.name))
    return found
