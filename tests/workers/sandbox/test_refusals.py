"""Where bubblewrap cannot work, the sandbox says what to install or set."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workers.sandbox import Sandbox, SandboxError, require_sandbox
from workers.sandbox.advice import advice
from workers.sandbox.arguments import identity

_REPOSITORY = Path(__file__).parents[3]


def test_it_works_here() -> None:
    require_sandbox()


@pytest.mark.parametrize(
    ("missing", "package"), [("bwrap", "bubblewrap"), ("setpriv", "util-linux"), ("prlimit", "util-linux")]
)
def test_missing_programs(missing: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"bwrap", "setpriv", "prlimit"} - {missing}:
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=f"{missing}.*apt-get install {package}"):
        require_sandbox()


_WITHOUT_NAMESPACES = f"""
echo 0 > /proc/sys/user/max_user_namespaces
exec {sys.executable} -c 'from workers.sandbox import require_sandbox; require_sandbox()'
"""


def test_a_kernel_without_user_namespaces() -> None:
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", _WITHOUT_NAMESPACES]
    done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "SandboxError: the sandbox cannot be made" in done.stderr
    assert "sysctl user.max_user_namespaces" in done.stderr


def test_a_place_inside_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"bubblewrap said: bwrap: .*nowhere"):
        Sandbox({"/usr/nowhere": tmp_path}).run(["true"])


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (
            "bwrap: No permissions to create new namespace, likely because the kernel ...",
            "kernel.unprivileged_userns_clone=1",
        ),
        ("bwrap: setting up uid map: Permission denied", "kernel.apparmor_restrict_unprivileged_userns=0"),
        (
            "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "bwrap: Creating new namespace failed: Operation not permitted",
            "docker run --security-opt seccomp=unconfined",
        ),
        ("bwrap: Can't mount proc on /newroot/proc: Operation not permitted", "systempaths=unconfined"),
        ("bwrap: Creating new namespace failed: nesting depth or ... exceeded (ENOSPC)", "user.max_user_namespaces="),
        ("bwrap: Creating new namespace failed: No space left on device", "user.max_user_namespaces="),
        ("bwrap: Creating new namespace failed: Function not implemented", "CONFIG_USER_NS"),
        ("bwrap: Unknown option --perms", "0.8 or newer"),
        ("", "bubblewrap said: nothing"),
    ],
)
def test_advice(said: str, answer: str) -> None:
    assert answer in advice(said)
    assert said in advice(said)


def test_root_becomes_another_user() -> None:
    who = identity(0, 0, "         0          0 4294967295\n")
    assert who.command == 1000
    assert who.users.splitlines() == ["0 0 1", "1000 65533 1"]
    assert identity(0, 0, "         0       1000          1\n").command is None
    assert identity(1001, 100, "0 0 4294967295\n").users == "1001 1001 1\n"
    assert identity(1001, 100, "0 0 4294967295\n").groups == "100 100 1\n"
