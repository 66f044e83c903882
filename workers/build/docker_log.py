"""What the output of `docker buildx build --progress=plain` tells of a build that failed.

Each line of a step begins with `#`, the step's number, and a space; what the step's own processes print has a time
after that. So a step cannot speak for the builder. The client's last word is a line that begins with `ERROR:`.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from workers.build.driver import BuildError, State
from workers.build.log import MOST_LINES, cleaned, ending

NO_CLIENT = (
    "docker isn't installed where pagewarden builds, or does not answer, and preview builds by docker need it (Debian: "
    "apt-get install docker.io, or docker-ce-cli and docker-buildx-plugin of Docker's own packages)"
)
NO_BUILDX = (
    "docker has no buildx where pagewarden builds, and preview builds need it: install docker-buildx-plugin of "
    "Docker's own packages, for the user that pagewarden runs as"
)
NO_ENGINE = (
    "the docker engine cannot be reached from where pagewarden builds: start it, or name a context or a builder with "
    "docker_context or docker_builder in pagewarden's settings"
)
NO_BUILDER = (
    "docker does not know the builder or the context that pagewarden's settings name (docker_builder, docker_context)"
)
NO_CACHE = (
    "the builder in pagewarden's setting docker_builder cannot hand out its cache: name one of another driver, such as "
    "docker-container, or none"
)
TOO_OLD = "docker's buildx is too old where pagewarden builds: 0.10 or newer is needed"

_ADVICE = (
    (
        ("cannot connect to the docker daemon", "error during connect", "permission denied while trying to conn"),
        NO_ENGINE,
    ),
    (("no builder ", "context not found", "to switch to context"), NO_BUILDER),
    (("cache export is not supported", "cache export feature is currently not supported"), NO_CACHE),
    (("unknown flag",), TOO_OLD),
)
_BOOT = "[internal] booting buildkit"
_BY_THE_BUILDER = "failed to solve: "
_PREFIXES = re.compile(r"^ERROR: (failed to build: )?(failed to solve: )?")
_LONGEST = 300
"""Characters of what docker says, in a sentence."""


def failure(status: int, output: bytes) -> BuildError:
    """What to say of a client that ended with `status` (a negative one is a signal), and with `output`."""
    lines = [line for line in cleaned(output).split("\n") if line and not line.startswith("$ ")]
    last = next((line for line in reversed(lines) if line.startswith("ERROR: ")), "")
    said = (_PREFIXES.sub("", last or "".join(lines[-1:])) or f"ended with status {status}")[:_LONGEST]
    step = _failed_step(lines)
    if step is not None and not step[0].startswith(_BOOT):
        name, told = step
        return BuildError(f"docker: {name[:_LONGEST]} failed: {said}", State.FAILED, told)
    log = ending(output)
    if status < 0 or status == 128 + signal.SIGINT:
        return BuildError("docker was interrupted where pagewarden builds", log=log)
    if step is not None:
        return BuildError(NO_ENGINE, log=log)
    # What the builder has to say may quote the Dockerfile.
    own = [] if _BY_THE_BUILDER in last else [last.lower()] if last else [line.lower() for line in lines]
    for signs, advice in _ADVICE:
        if any(sign in line for sign in signs for line in own):
            return BuildError(advice, log=log)
    return BuildError(f"docker: {said}", State.FAILED, log)


def _failed_step(lines: Sequence[str]) -> tuple[str, str] | None:
    """The name of the step that failed, and what it told, from lines that end with it. Others that ran beside it, and
    those that were called off with it, are left out."""
    failed = next((found for line in reversed(lines) if (found := re.match(r"(#\d+ )ERROR: ", line))), None)
    if failed is None:
        return None
    own = [line.removeprefix(failed[1]) for line in lines if line.startswith(failed[1])]
    names = [line for line in own if line.startswith("[")]
    told = [re.sub(r"^\d+\.\d+ ", "", line) for line in own if line not in {*names, "..."}]
    return (names[0] if names else "a step"), ending("\n".join(told).encode(), MOST_LINES)
