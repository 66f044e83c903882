"""From what bubblewrap says when it fails to what its user must install or set."""

from __future__ import annotations

MISSING = (
    "bubblewrap (bwrap) isn't installed; what a pull request brings runs in it only. Debian: apt-get install bubblewrap"
)
TOOLS_MISSING = "{} isn't installed; the sandbox sets its limits with it. Debian: apt-get install util-linux"

_EXHAUSTED = "the kernel allows no more user namespaces; set: sysctl user.max_user_namespaces=10000"
_FORBIDDEN = (
    "the kernel forbids user namespaces to this user; set, as root, whichever of them is there: "
    "sysctl kernel.unprivileged_userns_clone=1 (Debian), "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu). "
    "Inside a container, its runtime must allow them: docker run --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined"
)
_NESTED = (
    "the container that this runs in hides parts of /proc, so no new one can be mounted; start it with: "
    "docker run --security-opt systempaths=unconfined --security-opt seccomp=unconfined (or run without a container)"
)
_UNSUPPORTED = (
    "the kernel knows no user namespaces; it must be built with CONFIG_USER_NS, CONFIG_PID_NS and CONFIG_NET_NS"
)
_OLD = "this bubblewrap is too old; 0.8 or newer is needed"

_SIGNS = (
    (("unknown option",), _OLD),
    (("mount proc",), _NESTED),
    (("enospc", "no space left on device", "max_*_namespaces", "max_user_namespaces"), _EXHAUSTED),
    (("function not implemented", "invalid argument"), _UNSUPPORTED),
    (("permission denied", "not permitted", "no permissions"), _FORBIDDEN),
)


def advice(stderr: str) -> str:
    """What to do about a failure of bubblewrap's own, told from its `stderr`, which is quoted after it."""
    said = stderr.strip() or "nothing"
    lower = said.lower()
    for signs, answer in _SIGNS:
        if any(sign in lower for sign in signs):
            return f"the sandbox cannot be made: {answer}. bubblewrap said: {said}"
    return f"the sandbox cannot be made. bubblewrap said: {said}"
