"""The command line of bubblewrap for one sandbox: what is inside, who the command is, and its limits."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.sandbox.limits import Limits

_LINKED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Beside `/usr`; links into it on a system with a merged `/usr`."""
_CONFIGURATION = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")
"""Of `/etc`: what compilers, linkers and loaders look for."""
_OPEN_FILES = 1024
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_OVERRIDE")


@dataclass(frozen=True)
class Identity:
    """Who the command is: users and groups inside, and what they are outside, as `uid_map` wants them.

    The kernel exempts the host's root from the limit on processes, whatever its name inside a namespace. So for root
    the command becomes a second user, `command`, who keeps the right to read root's files that were mounted. For an
    ordinary user it is that user, and `command` is None.
    """

    users: str
    groups: str
    command: int | None

    @property
    def outside(self) -> int | None:
        """The command's user and group outside, None where they are our own."""
        return _NOBODY if self.command is not None else None


_COMMAND, _NOBODY = 1000, 65533
"""The user inside and outside. Outside, it is below 65536, so that containers have it too, and usually nobody's."""


def identity(user: int, group: int, user_map: str) -> Identity:
    """The identity for a host process of `user` and `group` whose own `/proc/self/uid_map` reads `user_map`."""
    ranges = [tuple(map(int, line.split())) for line in user_map.splitlines()]
    if user == 0 and any(first <= _NOBODY < first + count for first, _, count in ranges):
        both = f"0 0 1\n{_COMMAND} {_NOBODY} 1\n"
        return Identity(both, both, _COMMAND)
    return Identity(f"{user} {user} 1\n", f"{group} {group} 1\n", None)


@dataclass(frozen=True)
class Descriptors:
    """Open files handed to bubblewrap: where it tells, where it waits, and what it reads."""

    info: int
    status: int
    block: int
    seccomp: int


def arguments(
    argv: Sequence[str],
    directory: str,
    read_only: Mapping[str, Path],
    writable: Mapping[str, Path],
    environment: Mapping[str, str],
    limits: Limits,
    who: Identity,
    descriptors: Descriptors,
) -> list[str]:
    """bubblewrap's arguments, without its own name."""
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *("--info-fd", str(descriptors.info), "--json-status-fd", str(descriptors.status)),
        *("--userns-block-fd", str(descriptors.block), "--seccomp", str(descriptors.seccomp)),
        *("--cap-drop", "ALL"),
        *(word for capability in _CAPABILITIES if who.command is not None for word in ("--cap-add", capability)),
        *_environment(environment),
        *_system(),
        *("--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"),
        *("--perms", "1777", "--size", str(limits.disk), "--tmpfs", "/tmp"),  # noqa: S108 a path inside the sandbox
        *(word for inside, host in read_only.items() for word in ("--ro-bind", str(host), inside)),
        *(word for inside, host in writable.items() for word in ("--bind", str(host), inside)),
        *("--remount-ro", "/", "--chdir", directory, "--"),
        *_become(who),
        *_limited(limits, who),
        *argv,
    ]


def _environment(environment: Mapping[str, str]) -> list[str]:
    """Nothing is inherited: not by the command, and not by bubblewrap either, which `/proc` shows."""
    plain = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 a path inside the sandbox
    return [
        "--clearenv",
        *(word for name, value in {**plain, **environment}.items() for word in ("--setenv", name, value)),
    ]


def _system() -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for name in _LINKED:
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in _CONFIGURATION:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return words


def _become(who: Identity) -> list[str]:
    if who.command is None:
        return []
    only = "-all,+dac_override"
    return [
        *("setpriv", "--reuid", str(who.command), "--regid", str(who.command), "--clear-groups", "--no-new-privs"),
        *("--bounding-set", only, "--inh-caps", only, "--ambient-caps", only),
    ]


def _limited(limits: Limits, who: Identity) -> list[str]:
    """Sets the limits inside: there the kernel counts the processes of the sandbox alone, not all of the user's.

    An ordinary user's count has bubblewrap's own first process in it. The limit on processor time cannot be met within
    the wall time; it ends what a host that died in the act may have left.
    """
    space = limits.memory if limits.address_space is None else limits.address_space
    processes = limits.processes + (1 if who.command is None else 0)
    processor = math.ceil(limits.seconds) * (os.cpu_count() or 1) + 1
    return [
        *("prlimit", f"--nproc={processes}", f"--as={space}", f"--fsize={limits.file_size}", f"--cpu={processor}"),
        *(f"--nofile={_OPEN_FILES}", "--core=0", "--msgqueue=0", "--"),
    ]
