"""Large bodies from GitHub and to it: what reaches the disk, who gets to see the token, and what ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
import requests
from requests.adapters import BaseAdapter

from workers.github.failures import (
    Forbidden,
    GitHubError,
    NotThere,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from workers.github.streams import (
    BEAT_SECONDS,
    CHUNK_BYTES,
    LONGEST_SECONDS,
    READS,
    Streams,
    TooLarge,
    upload_address,
)

TOKEN = "ghs_0123456789abcdef"
BYTES = b"\x7fELF" + bytes(range(256)) * 1200


@dataclass
class Said:
    """An answer. With `breaks` the connection ends after that many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    breaks: int | None = None


@dataclass
class Heard:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Host:
    """A web server that gives its answers one after another, the last one for ever."""

    def __init__(self, *answers: Said) -> None:
        self.answers = list(answers)
        self.heard: list[Heard] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body, headers = self.rfile.read(length), {name.lower(): value for name, value in self.headers.items()}
                outer.heard.append(Heard(self.command, self.path, headers, body))
                said = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                self.send_response(said.status)
                for name, value in {"Content-Length": str(len(said.body)), **said.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said.body[: said.breaks])
                self.close_connection = said.breaks is not None

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  The name is the base's.
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    """Makes web servers."""
    made: list[Host] = []

    def make(*answers: Said) -> Host:
        made.append(Host(*answers))
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[..., Host]


def leading_to(url: str, status: int = 302) -> Said:
    """A redirection."""
    return Said(status, headers={"Location": url})


def streams(api: Host, **more: Callable[..., object]) -> Streams:
    """As a job has them."""
    return Streams(api.url, TOKEN, **more)  # type: ignore[arg-type]


def test_a_file_is_fetched_from_where_github_leads_to_which_never_sees_the_token(host: Make, tmp_path: Path) -> None:
    storage = host(Said(body=BYTES))
    api = host(leading_to(f"{storage.url}/blob?sig=secret"))
    file = tmp_path / "file"
    assert streams(api).download("/repos/a/b/releases/assets/1", file, len(BYTES)) == len(BYTES)
    assert file.read_bytes() == BYTES
    (asked,), (fetched,) = api.heard, storage.heard
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["accept"] == "application/octet-stream"
    assert fetched.path == "/blob?sig=secret"
    assert not {"authorization", "cookie"} & fetched.headers.keys()
    assert TOKEN not in str(fetched.headers)


def test_not_even_where_a_password_for_that_host_lies_around(
    host: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    storage = host(Said(body=BYTES))
    api = host(leading_to(f"{storage.url}/blob"))
    streams(api).download("/file", tmp_path / "file", len(BYTES))
    assert "authorization" not in storage.heard[0].headers
    assert api.heard[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_an_address_of_the_same_host_gets_no_token_either(host: Make, tmp_path: Path) -> None:
    api = host(leading_to("/downloads/1"), Said(body=BYTES))
    streams(api).download("/file", tmp_path / "file", len(BYTES))
    assert [each.path for each in api.heard] == ["/file", "/downloads/1"]
    assert "authorization" not in api.heard[1].headers


def test_what_github_sends_itself_is_taken_too(host: Make, tmp_path: Path) -> None:
    api = host(Said(body=BYTES))
    assert streams(api).download("/file", tmp_path / "file", len(BYTES)) == len(BYTES)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_renamed_repository_is_asked_under_its_new_name(host: Make, tmp_path: Path, status: int) -> None:
    storage = host(Said(body=BYTES))
    api = host(leading_to("/repositories/7/file", status), leading_to(f"{storage.url}/blob"))
    streams(api).download("/repos/old/name/file", tmp_path / "file", len(BYTES))
    assert [(each.path, "authorization" in each.headers) for each in api.heard] == [
        ("/repos/old/name/file", True),
        ("/repositories/7/file", True),
    ]


def test_a_redirection_that_does_not_end_is_not_followed_for_ever(host: Make, tmp_path: Path) -> None:
    api = host(leading_to("/again", 307))
    with pytest.raises(Unavailable):
        streams(api).download("/file", tmp_path / "file", 1)
    assert len(api.heard) == 3 * READS
    assert not (tmp_path / "file").exists()


class Leading(BaseAdapter):
    """Answers every request with a redirection."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: requests.PreparedRequest, *args: object, **more: object) -> requests.Response:
        """The redirection."""
        answer = requests.Response()
        answer.status_code, answer.url, answer.raw = 302, str(request.url), BytesIO()
        answer.request, answer.headers["Location"] = request, self.url
        return answer

    def close(self) -> None:
        """Nothing is open."""


def test_nothing_is_fetched_from_where_anybody_could_listen(host: Make, tmp_path: Path) -> None:
    storage = host(Said(body=BYTES))
    safe = Streams("https://api.github.example", TOKEN)
    safe._session.mount("https://", Leading(f"{storage.url}/blob"))
    with pytest.raises(Unavailable, match="secret"):
        safe.download("/file", tmp_path / "file", len(BYTES))
    assert storage.heard == []


@pytest.mark.parametrize("told", [True, False])
def test_a_file_larger_than_wanted_is_stopped_and_not_kept(host: Make, tmp_path: Path, told: bool) -> None:
    headers = {} if told else {"Content-Length": ""}
    api = host(Said(body=BYTES, headers=headers, breaks=len(BYTES)))
    with pytest.raises(TooLarge):
        streams(api).download("/file", tmp_path / "file", len(BYTES) - 1)
    assert len(api.heard) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_breaks_off_is_begun_anew(host: Make, tmp_path: Path) -> None:
    storage = host(Said(body=BYTES, breaks=1000), Said(503), Said(body=BYTES))
    api = host(leading_to(f"{storage.url}/blob"))
    assert streams(api).download("/file", tmp_path / "file", len(BYTES)) == len(BYTES)
    assert (tmp_path / "file").read_bytes() == BYTES
    assert len(api.heard) == 3  # an address may be good for one use, or a minute


def test_one_that_breaks_off_each_time_leaves_nothing(host: Make, tmp_path: Path) -> None:
    api = host(Said(body=BYTES, breaks=1000))
    with pytest.raises(Unavailable):
        streams(api).download("/file", tmp_path / "file", len(BYTES))
    assert len(api.heard) == READS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(401, b'{"message": "Bad credentials"}'), Unauthorized),
        (Said(403, b'{"message": "Resource not accessible by integration"}'), Forbidden),
        (Said(403, headers={"Retry-After": "9"}), RateLimited),
        (Said(404, b'{"message": "Not Found"}'), NotThere),
        (Said(410), NotThere),
        (Said(422, b"<html>"), Rejected),
        (Said(202), Unavailable),
        (Said(502), Unavailable),
    ],
)
def test_refusals_mean_what_they_mean_elsewhere_and_are_told(
    host: Make, tmp_path: Path, said: Said, expected: type[GitHubError]
) -> None:
    told: list[GitHubError] = []
    with pytest.raises(expected) as caught:
        streams(host(said), refused=told.append).download("/file", tmp_path / "file", 1)
    assert type(caught.value) is expected
    assert told[-1] is caught.value


@pytest.mark.parametrize(
    ("status", "expected"), [(404, NotThere), (410, NotThere), (400, Unavailable), (403, Unavailable)]
)
def test_a_refusal_where_files_are_kept_says_nothing_of_the_apps_permissions(
    host: Make, tmp_path: Path, status: int, expected: type[GitHubError]
) -> None:
    told: list[GitHubError] = []
    storage = host(Said(status))
    with pytest.raises(expected) as caught:
        api = host(leading_to(f"{storage.url}/blob?sig=secret"))
        streams(api, refused=told.append).download("/file", tmp_path / "file", 1)
    assert type(caught.value) is expected
    assert told == []
    assert "secret" not in str(caught.value)


class Stop(Exception):
    """Somebody wants it to end."""


def test_a_download_that_is_to_stop_stops_and_leaves_nothing(host: Make, tmp_path: Path) -> None:
    def require() -> None:
        raise Stop

    with pytest.raises(Stop):
        streams(host(Said(body=BYTES))).download("/file", tmp_path / "file", len(BYTES), require=require)
    assert list(tmp_path.iterdir()) == []


class Ticking:
    """A clock that goes on by so many seconds each time it is looked at."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds

    def __call__(self) -> float:
        """Epoch seconds."""
        self.now += self.seconds
        return self.now


def test_while_a_body_is_on_its_way_the_lock_is_extended(host: Make, tmp_path: Path) -> None:
    beats: list[None] = []
    large = bytes(CHUNK_BYTES * 8)
    api = host(Said(body=large), Said(201, b"{}"))
    slow = streams(api, before=lambda: beats.append(None), clock=Ticking(BEAT_SECONDS / 2))
    slow.download("/file", tmp_path / "file", len(large))
    assert len(beats) > 2
    beats.clear()
    slow.upload(f"{api.url}/assets", tmp_path / "file", "text/plain")
    assert len(beats) > 2


def test_a_lock_that_is_lost_ends_an_upload(host: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BYTES)
    calls = iter([None, Stop()])

    def before() -> None:
        if (error := next(calls)) is not None:
            raise error

    api = host(Said(201, b"{}"))
    with pytest.raises(Stop):
        streams(api, before=before, clock=Ticking(BEAT_SECONDS)).upload(f"{api.url}/assets", tmp_path / "file", "x/y")


def test_a_body_that_trickles_for_ever_is_given_up(host: Make, tmp_path: Path) -> None:
    api = host(Said(body=BYTES))
    with pytest.raises(Unavailable):
        streams(api, clock=Ticking(LONGEST_SECONDS)).download("/file", tmp_path / "file", len(BYTES))
    assert len(api.heard) == 1


def test_the_end_of_a_text_is_whole_lines(host: Make) -> None:
    log = "".join(f"line {number} é\n" for number in range(100_000)).encode()
    storage = host(Said(body=log))
    api = host(leading_to(f"{storage.url}/log"))
    assert streams(api).text("/jobs/1/logs", 40) == "line 99998 é\nline 99999 é\n"
    assert streams(api).text("/jobs/1/logs", len(log)).startswith("line 0 é\n")
    assert "authorization" not in storage.heard[0].headers


def test_a_text_may_be_any_bytes(host: Make) -> None:
    assert streams(host(Said(body=b"\xff\xfeone line"))).text("/log", 5) == " line"
    assert streams(host(Said(body=b"\xff!"))).text("/log", 5) == "\ufffd!"
    assert streams(host(Said())).text("/log", 5) == ""


def test_a_file_is_sent_from_disk_as_one_piece(host: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BYTES)
    api = host(Said(201, b'{"id": 7}'))
    url = upload_address(f"{api.url}/api/uploads/repos/a/b/releases/1/assets{{?name,label}}", "a b&c=d.zip")
    assert streams(api).upload(url, tmp_path / "file", "application/zip") == {"id": 7}
    (heard,) = api.heard
    assert heard.path == "/api/uploads/repos/a/b/releases/1/assets?name=a%20b%26c%3Dd.zip"
    assert heard.body == BYTES
    assert heard.headers["content-length"] == str(len(BYTES))
    assert heard.headers["content-type"] == "application/zip"
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert "transfer-encoding" not in heard.headers


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(502), Unavailable),
        (Said(422, b'{"message": "Validation Failed"}'), Rejected),
        (Said(201, b"{oops}"), Unavailable),
        (Said(201, b'{"id": 7}', breaks=4), Unavailable),
        (Said(307, headers={"Location": "http://example.com/steal"}), Rejected),
    ],
)
def test_an_upload_is_never_repeated(host: Make, tmp_path: Path, said: Said, expected: type[GitHubError]) -> None:
    (tmp_path / "file").write_bytes(BYTES)
    api = host(said)
    with pytest.raises(expected) as caught:
        streams(api).upload(f"{api.url}/assets?name=x", tmp_path / "file", "x/y")
    assert type(caught.value) is expected
    assert len(api.heard) == 1


@pytest.mark.parametrize(
    ("api", "url", "is_taken"),
    [
        ("https://api.github.com", "https://uploads.github.com/repos/a/b/releases/1/assets", True),
        ("https://api.acme.ghe.com", "https://uploads.acme.ghe.com/repos/a/b/releases/1/assets", True),
        ("https://ghes.example/api/v3", "https://ghes.example/api/uploads/repos/a/b/releases/1/assets", True),
        ("https://api.github.com", "http://uploads.github.com/x", False),
        ("https://api.github.com", "https://uploads.github.com.evil.example/x", False),
        ("https://api.github.com", "https://uploads.github.com@evil.example/x", False),
        ("https://api.github.com", "https://uploads.github.com:8443/x", False),
        ("https://api.github.com", "https://evil.example/x", False),
        ("https://ghes.example/api/v3", "https://uploads.ghes.example/x", False),
        ("https://ghes.example/api/v3", "/x", False),
    ],
)
def test_a_token_is_sent_with_files_to_the_apis_own_hosts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str, url: str, is_taken: bool
) -> None:
    (tmp_path / "file").write_bytes(BYTES)

    def before() -> None:
        raise Stop  # just before it would go out

    with pytest.raises(Stop if is_taken else Rejected):
        Streams(api, TOKEN, before).upload(url, tmp_path / "file", "x/y")


def test_a_token_is_sent_for_files_to_the_api_alone(host: Make, tmp_path: Path) -> None:
    other = host(Said(body=BYTES))
    with pytest.raises(Rejected):
        streams(host(Said())).download(f"{other.url}/file", tmp_path / "file", 1)
    assert other.heard == []


def test_no_answer_tells_neither_token_nor_address(tmp_path: Path, host: Make) -> None:
    gone = Host(Said())
    gone.close()
    api = host(leading_to(f"{gone.url}/blob?sig=secret"))
    with pytest.raises(Unavailable) as caught:
        streams(api).download("/file", tmp_path / "file", 1)
    assert "secret" not in str(caught.value)
    assert TOKEN not in str(caught.value)
