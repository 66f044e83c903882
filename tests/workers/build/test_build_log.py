"""The log of a build: how it stays small, and what people are shown of its end."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from workers.build.log import LogFile, Transcript, cleaned, ending, tail


def test_a_log_within_its_limit_is_all_there(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log", most=1000) as log:
        log.write(b"one\n")
        log.write(b"two\n")
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_a_log_that_is_flushed_can_be_followed(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log") as log:
        log.write(b"under way\n")
        log.flush()
        assert tail(tmp_path / "log") == "under way"


def test_of_a_long_log_the_beginning_and_the_end_are_kept_in_whole_lines(tmp_path: Path) -> None:
    lines = [b"line %d\n" % number for number in range(1000)]
    with LogFile(tmp_path / "log", most=400) as log:
        for line in lines:
            log.write(line)
            log.flush()
            assert (tmp_path / "log").stat().st_size <= 400
    kept = (tmp_path / "log").read_bytes()
    beginning, _, rest = kept.partition(b"\n... ")
    left_out, _, end = rest.partition(b" bytes are left out here ...\n\n")
    assert b"".join(lines).startswith(beginning)
    assert b"".join(lines).endswith(end)
    assert end.startswith(b"line ")
    assert min(len(beginning), len(end)) >= 400 // 4 - 10
    assert len(beginning) + int(left_out) + len(end) == sum(map(len, lines))


@given(st.lists(st.binary(max_size=300), max_size=40), st.integers(200, 500))
def test_whatever_is_written_the_limit_holds_and_the_end_is_there(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], most: int
) -> None:
    path = tmp_path_factory.mktemp("logs") / "log"
    with LogFile(path, most=most) as log:
        for piece in pieces:
            log.write(piece)
    written, kept = b"".join(pieces), path.read_bytes()
    assert len(kept) <= most
    assert kept == written if len(written) <= most else written.endswith(kept[-min(20, most // 4) :])


def test_colours_titles_links_and_progress_bars_are_taken_out() -> None:
    log = (
        b"\x1b]0;title\x07\x1b[1m\x1b[31merror:\x1b[0m no such file\r\n"
        b"10%\r 50%\r\x1b[2K100% done\r\n"
        b"\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\\n"
        b"bell\x07 back\x08 null\x00 \xe2\x80\xaebidi \xff\xfebytes\ttab\n\n\n"
    )
    assert cleaned(log) == snapshot("""\
error: no such file
100% done
link
bell back null bidi bytes	tab""")


@given(st.binary(max_size=400))
def test_nothing_that_is_not_seen_is_left(data: bytes) -> None:
    text = cleaned(data)
    assert not set(text) & {"\x1b", "\r", "\x00", "\x08", "\u202e", "\u200b", "\u2028"}
    text.encode()


def test_the_end_is_cut_to_lines_and_to_bytes() -> None:
    log = b"".join(b"%d\n" % number for number in range(100))
    assert ending(log, lines=3) == "97\n98\n99"
    assert ending(log, lines=50, most=9) == "97\n98\n99"
    assert ending(b"first\n" + b"x" * 50, lines=3, most=10) == "x" * 10
    assert ending("é".encode() * 50, most=5) == "éé"
    assert ending(b"") == ""


def test_a_log_that_is_not_there_has_no_end(tmp_path: Path) -> None:
    assert tail(tmp_path / "log") == ""


def test_a_huge_line_does_not_keep_the_end_from_being_read(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"\r".join(b"%d%%" % (number % 100) for number in range(500_000)) + b"\nlast\n")
    assert tail(tmp_path / "log", lines=2).endswith("\nlast")


def test_a_transcript_is_written_at_once_and_keeps_its_end() -> None:
    log = io.BytesIO()
    transcript = Transcript(log)
    transcript.command("make all\nmake install\n")
    assert log.getvalue() == b"$ make all\n> make install\n"
    for number in range(100_000):
        transcript.write(b"line %d\n" % number)
    assert log.getvalue().endswith(b"line 99999\n")
    assert transcript.tail.splitlines()[-2:] == ["line 99998", "line 99999"]
    assert len(transcript.end) < 1 << 20
