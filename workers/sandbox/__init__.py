"""Runs what nobody vouches for, under bubblewrap: no network, a read-only system, limits, and nothing left behind."""

from workers.sandbox.box import Running, Sandbox, command_user, require_sandbox
from workers.sandbox.limits import Finished, Limits, SandboxError

__all__ = ["Finished", "Limits", "Running", "Sandbox", "SandboxError", "command_user", "require_sandbox"]
