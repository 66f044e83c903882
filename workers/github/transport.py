"""PyGithub's requester, tamed for jobs: it never sleeps for GitHub and never repeats a write by itself.

PyGithub's own retry policy repeats POSTs after a 502, which doubles comments, and sleeps through `Retry-After`
inside the worker. Here only reads are repeated; every refusal becomes an exception that says what to do, and the
job goes back to the queue.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from github.Auth import Auth
from github.Requester import Requester
from urllib3 import Retry

from workers.github.failures import GitHubError, Unavailable, failure
from workers.github.graphql import refusal

TIMEOUT_SECONDS = 10
PER_PAGE = 100
MAX_PAGES = 100
PUBLIC_API = "https://api.github.com"
SECONDS_BETWEEN_WRITES = 1.0
"""What GitHub asks for on github.com."""

_MOVED = (307, 308)


class Transport:
    """One connection to GitHub's REST and GraphQL interfaces, with one way to authenticate."""

    def __init__(
        self,
        api_url: str,
        auth: Auth,
        before: Callable[[], None] = lambda: None,
        refused: Callable[[GitHubError], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`before` is called before each request and may raise; `refused` hears of each failure before it is raised."""
        self._requester = Requester(
            auth=auth,
            base_url=api_url,
            timeout=TIMEOUT_SECONDS,
            user_agent="pagewarden",
            per_page=PER_PAGE,
            verify=True,
            retry=_reads_only(),
            pool_size=None,
            seconds_between_requests=None,
            seconds_between_writes=SECONDS_BETWEEN_WRITES if api_url == PUBLIC_API else None,
            api_version="2022-11-28",
        )
        self._host = urlsplit(api_url).netloc
        self._before = before
        self._refused = refused
        self._clock = clock

    def call(
        self, verb: str, path: str, parameters: Mapping[str, str | int] | None = None, body: object = None
    ) -> tuple[Any, Mapping[str, str]]:
        """The answer's JSON and headers, their names in lower case. Raises `GitHubError`."""
        status, headers, text = self._send(verb, path, parameters, body)
        if status in _MOVED and urlsplit(headers.get("location", "")).netloc == self._host:
            # A renamed repository. PyGithub would take the redirection of a write for success.
            status, headers, text = self._send(verb, headers["location"], None, body)
        if error := failure(f"{verb} {path}", status, headers, message_of(text), self._clock()):
            raise self._told(error)
        try:
            return (json.loads(text) if text else None), headers
        except ValueError as wrong:
            raise Unavailable(f"{verb} {path}: the answer is not JSON") from wrong

    def pages(self, path: str, parameters: Mapping[str, str | int] | None = None, within: str = "") -> Iterator[Any]:
        """All items of a list, which is the answer or is `within` it. Raises `GitHubError`."""
        for page in range(1, MAX_PAGES + 1):
            asked = {**(parameters or {}), "per_page": PER_PAGE, "page": page}
            answer, headers = self.call("GET", path, asked)
            yield from answer[within] if within else answer
            if 'rel="next"' not in headers.get("link", ""):
                return

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Any:
        """The answer's data. Raises `GitHubError`, also where GitHub answers a part of the question only."""
        answer, headers = self.call("POST", self._requester.graphql_url, body={"query": query, "variables": variables})
        if not isinstance(answer, dict):
            raise Unavailable("POST /graphql: the answer is no object")
        if errors := answer.get("errors"):
            raise self._told(refusal(errors, headers, self._clock()))
        return answer.get("data")

    def close(self) -> None:
        """Ends the connection."""
        self._requester.close()

    def _told(self, error: GitHubError) -> GitHubError:
        self._refused(error)
        return error

    def _send(
        self, verb: str, path: str, parameters: Mapping[str, str | int] | None, body: object
    ) -> tuple[int, Mapping[str, str], str]:
        self._before()
        try:
            return self._requester.requestJson(verb, path, dict(parameters or {}), input=body)
        except requests.RequestException as error:
            # The error's own text may quote headers.
            raise Unavailable(f"{verb} {path}: no answer ({type(error).__name__})") from None


def _reads_only() -> Retry:
    """Repeats reads that failed or that are not ready (202, which PyGithub would poll for ever)."""
    return Retry(
        total=3,
        status_forcelist=[202, *range(500, 600)],
        allowed_methods={"GET", "HEAD"},
        backoff_factor=0.1,
        respect_retry_after_header=False,
    )


def message_of(text: str) -> str:
    """GitHub's explanation of a refusal."""
    try:
        answer = json.loads(text)
    except ValueError:
        return ""
    return str(answer.get("message", ""))[:500] if isinstance(answer, dict) else ""
