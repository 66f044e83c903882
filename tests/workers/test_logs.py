from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config.settings import Settings
from workers import logs
from workers.logs import REDACTED, redacted

LINES = ("MIIEpAIBAAKCAQEAverysecretline", "anothersecretlineofthekey")
KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES[0]}\n{LINES[1]}\n-----END RSA PRIVATE KEY-----\n"
SECRET = "the secret of the webhook"


@pytest.mark.parametrize(
    "secret",
    [
        "ghs_16C7e42F292c6912E7710c838347Ae178B4a",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "github_pat_11ABCDEFG0123456789_abcdefghij",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOjF9.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_not_written(secret: str) -> None:
    assert redacted(f"before {secret} after") == f"before {REDACTED} after"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Basic eC1hY2Nlc3MtdG9rZW46YWJj", f"Authorization: Basic {REDACTED}"),
        ("Authorization: bearer abc.def", f"Authorization: bearer {REDACTED}"),
        ("redis://user:password@host:6379/0", f"redis://{REDACTED}@host:6379/0"),
        ('{"token": "anything", "x": 1}', f'{{"token": "{REDACTED}", "x": 1}}'),
        ("fetched acme/engine#7/0123456789ab..cdef", "fetched acme/engine#7/0123456789ab..cdef"),
        ("https://github.com/acme/engine.git", "https://github.com/acme/engine.git"),
    ],
)
def test_what_surrounds_a_secret_stays(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.configure(Settings(app_id=1, private_key=KEY, webhook_secret=SECRET, data_dir=tmp_path, cache_dir=tmp_path))
    yield stream
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def fail() -> None:
    token = "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
    raise ValueError(f"{token} and {SECRET} and {KEY}")


def test_no_line_of_anybody_holds_a_secret(written: io.StringIO) -> None:
    try:
        fail()
    except ValueError as error:
        structlog.get_logger("ours").warning("failed", exc_info=error, key=KEY, secret=SECRET)
        logging.getLogger("theirs").exception("failed with %s", SECRET)
    text = written.getvalue()
    assert "Traceback" in text
    assert "ours" in text
    assert "theirs" in text
    for secret in ("ghs_16C7", SECRET, *LINES):
        assert secret not in text


def test_what_quotes_answers_of_github_is_not_logged(written: io.StringIO) -> None:
    logging.getLogger("github.Requester").debug("an answer")
    logging.getLogger("github.Requester").info("an answer")
    assert written.getvalue() == ""
