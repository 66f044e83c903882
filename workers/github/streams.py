"""Bodies that are too large for memory: files from GitHub and to it, from disk to disk.

PyGithub reads whole bodies, and follows a redirection with the token in its hands. GitHub keeps files elsewhere and
leads there by an address that is good for minutes; the token is for the API's own hosts alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import requests

from workers.github.failures import GitHubError, NotThere, Rejected, Unauthorized, Unavailable, failure
from workers.github.transport import message_of

TIMEOUTS = (10, 30)
"""Seconds for a connection, and for the next bytes: less than a lock lasts."""
BEAT_SECONDS = 20
"""While a body is on its way `before` is called this often."""
LONGEST_SECONDS = 1800
"""A body that takes longer is given up, however steadily it trickles."""
READS = 3
"""How often a read is tried in all."""
CHUNK_BYTES = 1 << 18
LONGEST_TEXT = 1 << 28
"""Bytes of a text that are read in order to get to its end."""

_JSON = "application/vnd.github+json"
_MOVED = (301, 307, 308)
_REDIRECTED = (*_MOVED, 302, 303)
_LONGEST_EXPLANATION = 1 << 16

T = TypeVar("T")


class TooLarge(GitHubError):
    """There is more of it than was asked for."""


class TooSlow(Unavailable):
    """It trickles."""


class Streams:
    """One connection to GitHub's API, to where it keeps files, and to where it takes them."""

    def __init__(
        self,
        api_url: str,
        token: str,
        before: Callable[[], None] = lambda: None,
        refused: Callable[[GitHubError], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`before` is called before each request, and during long ones, and may raise; `refused` hears of each of
        GitHub's refusals before it is raised."""
        self._api_url = api_url.rstrip("/")
        self._token = token
        self._before = before
        self._refused = refused
        self._clock = clock
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "pagewarden", "Accept-Encoding": "identity"})

    def close(self) -> None:
        """Ends the connections."""
        self._session.close()

    def download(
        self,
        path_or_url: str,
        file: Path,
        most_bytes: int,
        *,
        accept: str = "application/octet-stream",
        require: Callable[[], None] = lambda: None,
    ) -> int:
        """Writes what is at a path of the API into a new file; its bytes.

        Raises `TooLarge`, `GitHubError`, and what `require` raises, which is called all the time; no file is left then.
        """
        try:
            return self._read(path_or_url, accept, lambda body: self._write(body, file, most_bytes, require))
        except BaseException:
            file.unlink(missing_ok=True)
            raise

    def text(self, path: str, most_bytes: int) -> str:
        """The end of a text, such as a log: whole lines, where it is cut. Raises `GitHubError`."""
        return self._read(path, _JSON, lambda body: self._end_of(body, most_bytes))

    def upload(self, url: str, file: Path, content_type: str, require: Callable[[], None] = lambda: None) -> Any:
        """Sends a file, which must not be empty, to where GitHub takes files; the answer's JSON.

        After `Unavailable` it may be there all the same: look before repeating. Raises `GitHubError`, and what
        `require` raises.
        """
        if not self._takes_uploads(url):
            raise Rejected(f"files for GitHub are not sent to {urlsplit(url).netloc or url}")
        with file.open("rb") as source:
            body = _Body(source, file.stat().st_size, self._beat(require))
            headers = {"Content-Type": content_type, "Accept": _JSON}
            with self._answer("POST", url, headers, body) as answer:
                self._check(f"POST {urlsplit(url).path}", answer)
                try:
                    return answer.json()
                except (ValueError, requests.RequestException) as wrong:
                    raise Unavailable(f"POST {urlsplit(url).path}: the answer is not JSON") from wrong

    def _read(self, path_or_url: str, accept: str, take: Callable[[requests.Response], T]) -> T:
        for _ in range(READS - 1):
            try:
                with self._found(path_or_url, accept) as body:
                    return take(body)
            except (Unauthorized, TooSlow):
                raise
            except Unavailable:
                continue
        with self._found(path_or_url, accept) as body:
            return take(body)

    @contextmanager
    def _found(self, path_or_url: str, accept: str) -> Iterator[requests.Response]:
        """What is at an address of the API, or where it leads to: elsewhere nobody gets to see the token."""
        call, url = f"GET {path_or_url}", self._of_api(path_or_url)
        for _ in range(2):  # the repository may have another name now
            with self._answer("GET", url, {"Accept": accept}) as answer:
                leads_to = _location(answer)
                if leads_to is None:
                    self._check(call, answer)
                    yield answer
                    return
            url = leads_to
            if answer.status_code not in _MOVED or _origin(url) != _origin(self._api_url):
                break
        with self._stored(call, url) as answer:
            yield answer

    @contextmanager
    def _stored(self, call: str, url: str) -> Iterator[requests.Response]:
        """A file where GitHub keeps it. What is refused there says nothing of our permissions."""
        if urlsplit(url).scheme not in {"https", urlsplit(self._api_url).scheme}:
            raise Unavailable(f"{call}: leads to where nothing is secret")
        with self._answer("GET", url, {}, known=False) as answer:
            if answer.status_code in (404, 410):
                raise NotThere(f"{call}: {answer.status_code} where it is kept")
            if answer.status_code != 200:
                raise Unavailable(f"{call}: {answer.status_code} where it is kept")
            yield answer

    @contextmanager
    def _answer(
        self, verb: str, url: str, headers: dict[str, str], body: _Body | None = None, *, known: bool = True
    ) -> Iterator[requests.Response]:
        """The answer to one request; its body is yet to be read. `known`: we say who we are."""
        self._before()
        call = f"{verb} {urlsplit(url).path}"
        try:
            with self._session.request(
                verb,
                url,
                headers=headers,
                data=body,
                auth=self._sign if known else _anonymous,
                timeout=TIMEOUTS,
                stream=True,
                allow_redirects=False,
            ) as answer:
                yield answer
        except requests.RequestException as error:
            # The error's own text may quote an address that is as good as a token.
            raise Unavailable(f"{call}: no answer ({type(error).__name__})") from None

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        request.headers["X-GitHub-Api-Version"] = "2022-11-28"
        return request

    def _check(self, call: str, answer: requests.Response) -> None:
        """Raises `GitHubError` for an answer that is no good one."""
        status = answer.status_code
        if 200 <= status < 300 and status != 202:
            return
        headers = {name.lower(): value for name, value in answer.headers.items()}
        explanation = next(answer.iter_content(_LONGEST_EXPLANATION), b"").decode("utf-8", "replace")
        error = failure(call, status, headers, message_of(explanation), self._clock())
        error = error or Unavailable(f"{call}: {status}")
        self._refused(error)
        raise error

    def _write(self, body: requests.Response, file: Path, most_bytes: int, require: Callable[[], None]) -> int:
        told = body.headers.get("Content-Length", "")
        if told.isdecimal() and int(told) > most_bytes:
            raise TooLarge(f"{told} bytes; at most {most_bytes} are taken")
        written, beat = 0, self._beat(require)
        with file.open("wb") as target:
            for chunk in body.iter_content(CHUNK_BYTES):
                beat()
                written += len(chunk)
                if written > most_bytes:
                    raise TooLarge(f"more than {most_bytes} bytes")
                target.write(chunk)
        return written

    def _end_of(self, body: requests.Response, most_bytes: int) -> str:
        end, read, beat = bytearray(), 0, self._beat(lambda: None)
        for chunk in body.iter_content(CHUNK_BYTES):
            beat()
            read += len(chunk)
            if read > LONGEST_TEXT:
                raise TooLarge(f"a text of more than {LONGEST_TEXT} bytes")
            end += chunk
            del end[: max(0, len(end) - most_bytes)]
        if read > most_bytes and (line := end.find(b"\n")) >= 0:
            del end[: line + 1]
        return end.decode("utf-8", "replace")

    def _beat(self, require: Callable[[], None]) -> Callable[[], None]:
        """To be called all the time while a body is on its way."""
        began = last = self._clock()

        def beat() -> None:
            nonlocal last
            require()
            now = self._clock()
            if now - began > LONGEST_SECONDS:
                raise TooSlow(f"not done after {LONGEST_SECONDS} seconds")
            if now - last >= BEAT_SECONDS:
                last = now
                self._before()

        return beat

    def _of_api(self, path_or_url: str) -> str:
        if path_or_url.startswith("/"):
            return self._api_url + path_or_url
        if _origin(path_or_url) != _origin(self._api_url):
            raise Rejected(f"{urlsplit(path_or_url).netloc or path_or_url} is not GitHub's API")
        return path_or_url

    def _takes_uploads(self, url: str) -> bool:
        # github.com and ghe.com have hosts `api.…` and `uploads.…`; GitHub Enterprise Server has one for all.
        scheme, host = _origin(self._api_url)
        beside = f"uploads.{host.removeprefix('api.')}" if host.startswith("api.") else host
        return _origin(url) in {(scheme, host), (scheme, beside)}


class _Body:
    """A file on its way, with its size, so that it is sent as one piece from disk."""

    def __init__(self, source: BinaryIO, size: int, beat: Callable[[], None]) -> None:
        self._source = source
        self._size = size
        self._beat = beat

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(CHUNK_BYTES), b"")

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        self._beat()
        return self._source.read(size)


def upload_address(template: str, name: str) -> str:
    """Where a release takes an asset of that name; `template` is its `upload_url`, such as `https://…{?name,label}`."""
    return f"{template.partition('{')[0]}?name={quote(name, safe='')}"


def _anonymous(request: requests.PreparedRequest) -> requests.PreparedRequest:
    # Anything but `None`: requests would look for a password of that host in ~/.netrc.
    return request


def _location(answer: requests.Response) -> str | None:
    """Where an answer leads to, `None` where it is no redirection."""
    if answer.status_code not in _REDIRECTED or "Location" not in answer.headers:
        return None
    return urljoin(answer.url, answer.headers["Location"])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
