"""A process of its own that starts bubblewrap and ends all of it when whoever asked for it dies. Run as a script.

The kernel's signal for a parent's death isn't enough. It comes when the parent's *thread* ends; and where the parent
dies while bubblewrap still mounts, it kills bubblewrap's outer process before the inner one has asked for the signal,
which then lives on. The guardian adopts such orphans (it is their subreaper) and learns of its client's death by a
socket.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

STREAMS_AND_FILES = 7
"""Descriptors that come with a request: they are 0, 1, ... in the process started."""
LARGEST_REQUEST = 1 << 20
_SET_CHILD_SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER` of linux/prctl.h."""
_FREE = 20
"""Descriptors from here on are never those that a process is started with."""


def main() -> None:
    """Serves the client at the socket on stdin: a command as JSON in, its pidfd or an error out; until it hangs up."""
    if ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "cannot adopt orphans")
    client = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: _reap())
    with suppress(ConnectionError):
        while _serve(client):
            pass
    _end_all()


def _serve(client: socket.socket) -> bool:
    request, received, _, _ = socket.recv_fds(client, LARGEST_REQUEST, STREAMS_AND_FILES)
    if not request:
        return False
    # Not reaped before there is a handle for it: the number could be another's by then.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    handles = [_moved(descriptor) for descriptor in received]
    try:
        handles.append(os.pidfd_open(_start(json.loads(request), handles)))
    except OSError as error:
        client.send(str(error).encode())
    else:
        socket.send_fds(client, [b"started"], handles[-1:])
    finally:
        for descriptor in handles:
            os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return True


def _moved(descriptor: int) -> int:
    free = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FREE)
    os.close(descriptor)
    return free


def _start(command: list[str], files: Sequence[int]) -> int:
    return os.posix_spawn(
        command[0],
        command,
        # Processes inside may look at bubblewrap's in /proc: it has no secrets to show.
        {},
        file_actions=[(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(files)],
        setsid=True,
        setsigmask=[],
        # Python ignores these, and what is ignored stays so.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _end_all() -> None:
    """Kills all descendants: a killed child's own children become ours."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with suppress(ChildProcessError):
        while True:
            for child in _children():
                os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children() -> list[int]:
    mine = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # "pid (name) state parent ...", and a name may have anything in it.
                parent = int((entry / "stat").read_bytes().rpartition(b")")[2].split()[1])
                if parent == os.getpid():
                    mine.append(int(entry.name))
    return mine


if __name__ == "__main__":
    main()
