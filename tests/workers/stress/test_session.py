"""A process counts only with its end said and its evidence whole."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

from workers.stress.evidence_disk import MOST_CORE_LENGTH, Frame, Kind
from workers.stress.plan import Plan
from workers.stress.processes import Process
from workers.stress.serial import End, Heard, Stage
from workers.stress.session import session_of

PLAN = Plan("0" * 32, 4096, (Process("a", ("/a",)), Process("b", ("/b",))))
END = End("a", None, 6, None, False, False, True, 1.5, 1.25, 4096, True)
HEARD = Heard(PLAN, since=0, stage=Stage.DONE, page_size=4096, ends=(END, replace(END, id="b")))
CORE = Frame(0, Kind.CORE, 4, struct.pack("<2Q", 0, 4) + b"\x7fELF")


def _frames(process: int) -> tuple[Frame, ...]:
    texts = {Kind.STDOUT: b"out", Kind.STDERR: b"err", Kind.KERNEL_LOG: b"log\n", Kind.MAPS: b"maps"}
    return tuple(Frame(process, kind, len(text), text) for kind, text in texts.items())


WHOLE = (*_frames(0), CORE, *_frames(1))


def test_all_of_it() -> None:
    session = session_of(HEARD, WHOLE, "console")
    first, second = session.ended
    assert (session.page_size, session.trouble, session.log) == (4096, None, "console")
    assert (first.id, first.status, first.signal, first.wall, first.user, first.peak_memory) == (
        *("a", None, 6, 1.5, 1.25, 4096),
    )
    assert (first.stdout, first.stderr, first.kernel_log, first.maps) == ("out", "err", "log\n", "maps")
    assert first.core is not None
    assert gzip.decompress(first.core) == b"\x7fELF"
    assert (second.id, second.core) == ("b", None)
    assert second.kernel_log == "log\n[pagewarden] the core is not kept: there was no room for it\n"


def test_a_core_without_a_dump_is_none() -> None:
    """A file of that name is not what the kernel wrote."""
    heard = replace(HEARD, ends=(replace(END, dumped=False),))
    assert session_of(heard, WHOLE, "").ended[0].core is None


def test_a_core_that_is_too_large_is_said_to_be_missing() -> None:
    frames = (*_frames(0), replace(CORE, total=MOST_CORE_LENGTH + 1), *_frames(1))
    first = session_of(HEARD, frames, "").ended[0]
    assert first.core is None
    assert "the core is not kept: it has " in first.kernel_log


def test_without_evidence_there_is_no_result() -> None:
    for frames in (WHOLE[1:], WHOLE[:3] + WHOLE[4:], _frames(1)):
        session = session_of(HEARD, frames, "")
        assert [ended.id for ended in session.ended] == ["b"]
        assert (session.trouble or "").startswith("a has no evidence: its ")


def test_evidence_that_was_not_kept() -> None:
    heard = replace(HEARD, ends=(replace(END, kept=False), HEARD.ends[1]))
    session = session_of(heard, WHOLE, "")
    assert [ended.id for ended in session.ended] == ["b"]
    assert session.trouble == "a has no evidence: the disk is full or broken"


def test_a_lie_takes_everything() -> None:
    session = session_of(replace(HEARD, trouble="it lied", lied=True), WHOLE, "")
    assert (session.ended, session.trouble) == ((), "it lied")


def test_trouble_leaves_what_had_ended() -> None:
    session = session_of(replace(HEARD, trouble="it hangs", ends=HEARD.ends[:1]), WHOLE, "")
    assert [ended.id for ended in session.ended] == ["a"]
    assert session.trouble == "it hangs"
