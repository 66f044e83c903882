"""Running git, contained: our configuration only, no hooks, no prompts, bounded in time and size."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READ_SECONDS = 60
FETCH_SECONDS = 150
MAX_FILE_BYTES = 512 * 1024 * 1024
"""No file that git writes, pack or output, may be larger. The trees of one WebKit commit take about 30 MB."""

_INHERITED = (
    "PATH",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)
_CONFIG = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
}


class GitError(Exception):
    """Git could not do it. The text is for people and never contains a token."""


@dataclass(frozen=True)
class Git:
    """Git in one directory. `config` is passed through the environment, so it appears on no command line."""

    directory: Path
    config: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    protocols: Sequence[str] = ()

    def run(self, *arguments: str, stdin: bytes = b"", seconds: float = READ_SECONDS) -> bytes:
        """What git wrote to its standard output. Raises `GitError` with git's own words."""
        # A shell sets the file size limit: it is portable, and no Python runs between fork and exec.
        limited = ("/bin/sh", "-c", 'ulimit -f "$0" && exec git "$@"', str(MAX_FILE_BYTES // 512))
        # Output goes to files, so that the same limit bounds it and no pipe can fill up.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [*limited, *arguments],
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
            _finish(process, stdin, arguments[0], seconds)
            output.seek(0)
            errors.seek(0)
            if process.returncode:
                raise GitError(_explain(arguments[0], process.returncode, errors.read(64 * 1024)))
            return output.read()

    def _environment(self) -> dict[str, str]:
        configured = {**_CONFIG, **self.config}
        numbered = {f"GIT_CONFIG_KEY_{number}": key for number, key in enumerate(configured)}
        numbered |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(configured.values())}
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(configured)),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": ":".join(self.protocols) or "none",
            **numbered,
            **self.environment,
        }


def authorization(clone_url: str, token: str) -> dict[str, str]:
    """Configuration that sends an installation token to `clone_url` and to nothing else."""
    credentials = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {f"http.{clone_url}.extraHeader": f"Authorization: Basic {credentials}"}


def _finish(process: subprocess.Popen[bytes], stdin: bytes, command: str, seconds: float) -> None:
    """Waits for git; whatever ends the waiting early also ends git and all that it started."""
    try:
        process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise GitError(f"git {command} took longer than {seconds:g} seconds") from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _explain(command: str, status: int, errors: bytes) -> str:
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    ended = f"signal {-status}" if status < 0 else f"status {status}"
    return f"git {command}: " + ("; ".join(told[:5]) or f"ended with {ended}")
