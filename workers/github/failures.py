"""What GitHub's refusals mean for a job: wait, try again, or take it as final."""

from __future__ import annotations

from collections.abc import Mapping

SECONDARY_LIMIT_SECONDS = 60
"""How long to stay away when GitHub limits us and does not say for how long: its documentation asks for a minute."""


class GitHubError(Exception):
    """GitHub did not do what it was asked. The text never contains a token."""


class RateLimited(GitHubError):
    """GitHub wants no calls for `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unavailable(GitHubError):
    """No answer, or none that says anything: whether a write was done is unknown."""


class Unauthorized(Unavailable):
    """The token is not accepted; another one may be."""


class NotThere(GitHubError):
    """The thing does not exist, or no longer, or is hidden from us."""


class Uninstalled(NotThere):
    """The App is no longer installed there, so nothing is left to be told."""


class Rejected(GitHubError):
    """GitHub understood and will not do it, as for a commit that was force-pushed away."""


class Forbidden(GitHubError):
    """The App lacks a permission."""


def failure(call: str, status: int, headers: Mapping[str, str], message: str, now: float) -> GitHubError | None:
    """The error that an answer stands for, `None` for a good one.

    Header names are in lower case, `now` is in epoch seconds.
    """
    if 200 <= status < 300:
        return None
    text = f"{call}: {status} {message}".strip()
    if status in (403, 429):
        seconds = _wait(status, headers, message, now)
        return Forbidden(text) if seconds is None else RateLimited(text, seconds)
    if status == 401:
        return Unauthorized(text)
    if status in (404, 410):
        return NotThere(text)
    if status < 300 or status >= 500:
        return Unavailable(text)
    return Rejected(text)


def _wait(status: int, headers: Mapping[str, str], message: str, now: float) -> int | None:
    """Seconds that a rate limit lasts yet, `None` when the answer is about something else."""
    if "retry-after" in headers:
        after = headers["retry-after"]
        return int(after) if after.isdigit() else SECONDARY_LIMIT_SECONDS
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1, int(int(reset) - now) + 1)
    if status == 429 or "rate limit" in message.lower():
        return SECONDARY_LIMIT_SECONDS
    return None
