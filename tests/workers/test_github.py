from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
from redis import Redis

from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers.github import GitHub, GitHubError, NotThere, RateLimited, Rejected, Unavailable
from workers.github.failures import Forbidden, Unauthorized, Uninstalled, failure
from workers.tokens import Tokens


@pytest.mark.parametrize(
    ("status", "headers", "message", "expected", "seconds"),
    [
        (200, {}, "", None, None),
        (204, {}, "", None, None),
        (304, {}, "", Rejected, None),
        (307, {}, "Moved", Rejected, None),
        (401, {}, "Bad credentials", Unauthorized, None),
        (403, {}, "Resource not accessible by integration", Forbidden, None),
        (403, {"retry-after": "30"}, "", RateLimited, 30),
        (403, {"retry-after": "Fri, 31 Dec"}, "", RateLimited, 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}, "API rate limit exceeded", RateLimited, 91),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "900"}, "", RateLimited, 1),
        (403, {"x-ratelimit-remaining": "17"}, "You have exceeded a secondary rate limit", RateLimited, 60),
        (429, {}, "", RateLimited, 60),
        (404, {}, "Not Found", NotThere, None),
        (410, {}, "Gone", NotThere, None),
        (422, {}, "No commit found for SHA", Rejected, None),
        (500, {}, "", Unavailable, None),
        (503, {"retry-after": "9999"}, "", Unavailable, None),
    ],
)
def test_what_an_answer_means(
    status: int, headers: dict[str, str], message: str, expected: type[GitHubError] | None, seconds: int | None
) -> None:
    error = failure("GET /x", status, headers, message, now=1000.0)
    assert (type(error) if error else None) is expected
    if isinstance(error, RateLimited):
        assert error.seconds == seconds
    if error:
        assert str(error) == f"GET /x: {status} {message}".strip()


def test_reads_are_repeated_and_writes_are_not(house: House) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        house.simulator.fail_next("GET", "/pulls/", 502, times=3)
        assert client.pull(REPOSITORY, house.number).open
        assert house.calls("GET", "/pulls/") == 4
        for verb, path in (("POST", "/comments"), ("PATCH", "/comments/")):
            house.simulator.fail_next(verb, path, 502)
            before = house.calls(verb, "/comments")
            with pytest.raises(Unavailable):
                if verb == "POST":
                    client.create_comment(REPOSITORY, house.number, "x")
                else:
                    client.update_comment(REPOSITORY, 1, "x")
            assert house.calls(verb, "/comments") == before + 1


@pytest.mark.parametrize("status", [403, 429, 503])
def test_retry_after_is_never_slept_through(house: House, status: int) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        house.simulator.fail_next("GET", "/pulls/", status, {"Retry-After": "30"}, times=4)
        began = time.monotonic()
        with pytest.raises((RateLimited, Unavailable)):
            client.pull(REPOSITORY, house.number)
        assert time.monotonic() - began < 10


def test_an_answer_that_is_never_ready_is_not_polled_for_ever(house: House) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        house.simulator.fail_next("GET", "/pulls/", 202, times=1000)
        with pytest.raises(Unavailable):
            client.pull(REPOSITORY, house.number)
    assert house.calls("GET", "/pulls/") == 4


def test_a_redirection_elsewhere_is_not_followed(house: House) -> None:
    house.open(GOOD)
    with house.tools.github.client(house.installation_id) as client:
        house.simulator.fail_next("POST", "/comments", 307, {"Location": "http://example.com/steal"})
        with pytest.raises(Rejected):
            client.create_comment(REPOSITORY, house.number, "x")
    assert house.comments() == []


def test_lists_are_read_to_their_end(house: House) -> None:
    sha = house.open({f"Source/{number}.h": "/**/" for number in range(230)})
    with house.tools.github.client(house.installation_id) as client:
        assert len(client.files(REPOSITORY, house.number)) == 230
        for number in range(120):
            client.create_comment(REPOSITORY, house.number, str(number))
        assert [comment.body for comment in client.comments(REPOSITORY, house.number)] == [str(n) for n in range(120)]
        for number in range(101):
            fields = {"name": "other" if number else "pagewarden", "head_sha": sha, "external_id": str(number)}
            client.create_check_run(REPOSITORY, fields)
        assert [check.external_id for check in client.check_runs(REPOSITORY, sha, "pagewarden")] == ["0"]


def test_a_renamed_file_has_two_names(house: House) -> None:
    house.open({"Source/page.h": None, "Source/paging.h": "#define PAGE 16384\n"})
    with house.tools.github.client(house.installation_id) as client:
        assert client.files(REPOSITORY, house.number) == [("Source/paging.h", "Source/page.h")]


def test_the_merge_base_is_not_the_tip_of_the_target_branch(house: House) -> None:
    sha = house.open(GOOD)
    first = house.simulator.pull(REPOSITORY, house.number).base_sha
    house.change(BAD, start="main")
    tip = house.simulator.push(REPOSITORY, "main", "change")
    with house.tools.github.client(house.installation_id) as client:
        compared = client.compare(REPOSITORY, "main", sha)
    assert (compared.merge_base, compared.tip) == (first, tip)
    assert compared.files == (("Source/page.h",),)


def test_a_token_is_fetched_once_and_anew_five_minutes_before_it_expires(house: House) -> None:
    tokens = []
    for ahead in (0, 10, 3200, 3400):
        house.clock.ahead = ahead
        with house.tools.github.client(house.installation_id) as client:
            tokens.append(client.token)
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]
    assert house.calls("POST", "/access_tokens") == 2


def test_an_installation_that_is_gone_is_said_to_be(house: House) -> None:
    house.simulator.uninstall(house.installation_id)
    with pytest.raises(Uninstalled), house.tools.github.client(house.installation_id):
        pass


def _silent(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.recv(100)
    connection.close()


def _babbling(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.recv(10_000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{oops}")
    connection.close()


@pytest.mark.parametrize("server", [_silent, _babbling])
def test_no_answer_or_no_json_leaves_open_whether_it_was_done(
    redis: Redis, house: House, server: Callable[[socket.socket], None]
) -> None:
    key = house.tools.settings.read_private_key()
    tokens = Tokens(redis)
    tokens.keep_token(1, "ghs_0123456789abcdef", time.time() + 1000)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server, args=(listener,))
        thread.start()
        github = GitHub(f"http://127.0.0.1:{listener.getsockname()[1]}", 1, key, tokens)
        with github.client(1) as client, pytest.raises(Unavailable) as caught:
            client.create_comment(REPOSITORY, 1, "x")
        thread.join()
    assert "ghs_" not in str(caught.value)
