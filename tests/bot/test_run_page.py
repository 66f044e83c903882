"""The page of a run: what a person finds on it, and that nothing on it is anybody else's HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.pages.run_page import MOST_LINES, MOST_SHOWN, RunView, render_run
from tests.workers.report.states import HOSTILE_MESSAGE
from tests.workers.report.stress_states import (
    BUILDING,
    RUNNING,
    SIZES,
    STATES,
    WAITING,
    controls,
    record,
    thousand,
    trap,
)
from workers.report import stress_words
from workers.stress.anchors import record_anchor
from workers.stress.progress import Progress
from workers.stress.result import Result, Trouble
from workers.stress.verdicts import Crash, Evidence, Role, Verdict

EVIDENCE = "/runs/1/evidence"
NASTY = st.text(st.sampled_from("<>\"'&/=;{}%# \n\x00\x1b\u202e`aonscriptx"), min_size=1, max_size=60)


def _view(seen: Result | Progress | None) -> RunView:
    return RunView(
        repository="oven-sh/WebKit",
        number=176,
        head="b" * 40,
        base="a" * 40,
        profiles=("libpas",),
        seen=seen,
        static_report="https://github.com/oven-sh/WebKit/runs/7",
        evidence_url=EVIDENCE,
    )


class _Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def every(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


@pytest.mark.parametrize("state", STATES)
def test_title_verdict_and_every_record_are_there(state: str) -> None:
    result = STATES[state]
    page = _Page(render_run(_view(result)))
    assert not page.open
    assert stress_words.title(result) in page.text
    ids = page.every("id")
    assert len(set(ids)) == len(ids)
    assert {record_anchor(each) for each in result.records} <= set(ids)
    assert {record_anchor(each.seen) for each in result.controls if each.seen is not None} <= set(ids)


@pytest.mark.parametrize("state", STATES)
def test_every_link_within_the_page_leads_somewhere(state: str) -> None:
    page = _Page(render_run(_view(STATES[state])))
    inside = {each[1:] for each in page.every("href") if each.startswith("#")}
    assert inside
    assert inside <= set(page.every("id"))


def test_a_failure_is_open_and_shows_its_evidence_with_the_way_to_the_files() -> None:
    result = STATES["regression-64k"]
    page = _Page(render_run(_view(result)))
    (bad,) = [each for each in result.of(Role.HEAD) if each.verdict is Verdict.FAIL]
    assert [attrs["id"] for tag, attrs in page.tags if tag == "details" and "open" in attrs] == [record_anchor(bad)]
    for words in ("SIGTRAP", "pas_utility_heap.c:147", "page-header-fits", "allocated 39 of 20000", "BRK handler"):
        assert words in page.text
    for name in ("stdout.txt", "stderr.txt", "kernel.txt", "core.gz"):
        assert f"{EVIDENCE}/{record_anchor(bad)}/{name}" in page.every("href")
    assert "TCG on x86" in page.text


def test_without_evidence_handed_out_there_is_no_link_to_it() -> None:
    page = _Page(render_run(replace(_view(STATES["regression-64k"]), evidence_url=None)))
    assert not [each for each in page.every("href") if "evidence" in each]
    assert "allocated 39 of 20000" in page.text


def test_it_links_the_pull_request_and_the_static_check() -> None:
    links = _Page(render_run(_view(None))).every("href")
    assert links == ["https://github.com/oven-sh/WebKit/pull/176", "https://github.com/oven-sh/WebKit/runs/7"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "JAVASCRIPT:x"])
def test_only_addresses_of_the_web_are_linked(address: str) -> None:
    view = replace(_view(STATES["regression-64k"]), static_report=address, evidence_url=address, web_url=address)
    assert not [each for each in _Page(render_run(view)).every("href") if not each.startswith("#")]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (None, "Nothing has been stressed for this run so far."),
        (WAITING, "Waiting for a machine"),
        (BUILDING, "Building: 96 of 302 files"),
        (RUNNING, "16K phase 7 of 36 libpas bbbbbbbbbbbb, jit-small-bitfit"),
    ],
)
def test_before_there_is_a_result(seen: Progress | None, words: str) -> None:
    assert words in _Page(render_run(_view(seen))).text


def _is_ours(page: str) -> None:
    parsed = _Page(page)
    assert not parsed.open
    assert "script" not in {tag for tag, _ in parsed.tags}
    allowed = {"id", "href", "rel", "class", "open", "scope", "charset", "name", "content", "lang"}
    assert {name for _, attrs in parsed.tags for name in attrs} <= allowed
    for address in parsed.every("href"):
        assert re.fullmatch(
            r"#[a-z0-9.-]+|/runs/1/evidence/[a-z0-9.-]+/[a-z]+\.(txt|gz)|https://github\.com/.*", address
        )
    assert not re.search("[\x00\x1b\u202e]", page)


def test_the_hostile_state_is_only_text() -> None:
    page = render_run(_view(STATES["hostile"]))
    _is_ours(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@given(NASTY, NASTY)
@hypothesis_settings(deadline=None, max_examples=60)
def test_nothing_gets_out_of_its_place(name: str, message: str) -> None:
    evidence = Evidence(message, f"{name}\n{message}", message, name, message, name.encode())
    bad = trap(name, SIZES[2], Crash(message, name, 7, (message,)), subject=message, reason=name, signal=message)
    bad = replace(bad, evidence=evidence, progress=message, checksum=name)
    made = Result("vm", SIZES, (bad,), controls(), (Trouble(message, 4096), Trouble(name, own=True)))
    _is_ours(render_run(replace(_view(made), head=name, base=message, profiles=(name, message))))
    pages = tuple(replace(each, subject=name, phase=message) for each in RUNNING.pages)
    _is_ours(render_run(_view(replace(RUNNING, pages=pages))))


@pytest.mark.parametrize(
    ("profiles", "words"), [(("libpas",), "profile libpas"), (("libpas", "jemalloc"), "profile libpas, jemalloc")]
)
def test_the_profiles_that_the_change_concerns_are_named(profiles: tuple[str, ...], words: str) -> None:
    assert words in _Page(render_run(replace(_view(None), profiles=profiles))).text


def test_before_there_is_a_report_no_profile_is_named() -> None:
    assert "profile" not in _Page(render_run(replace(_view(None), profiles=()))).text


def test_the_run_of_a_branch_links_no_pull_request() -> None:
    page = _Page(render_run(replace(_view(STATES["regression-64k"]), number=None, web_url="https://github.com")))
    assert not [each for each in page.every("href") if "/pull/" in each]
    assert "pull request #" not in page.text


def test_a_repository_with_a_hostile_name_is_quoted() -> None:
    page = _Page(render_run(replace(_view(None), repository='a/"><script>', static_report=None)))
    assert page.every("href") == ["https://github.com/a/%22%3E%3Cscript%3E/pull/176"]


def test_long_streams_show_their_end() -> None:
    lines = "\n".join(f"line {number}." for number in range(MOST_LINES + 7))
    bad = record("churn", 4096, Verdict.FAIL, evidence=Evidence(stdout=lines), reason=HOSTILE_MESSAGE)
    text = _Page(render_run(_view(Result("vm", SIZES, (bad,), controls())))).text
    assert f"line {MOST_LINES + 6}." in text
    assert "line 7." in text
    assert "line 6." not in text


def test_a_thousand_records_make_a_page() -> None:
    page = _Page(render_run(_view(thousand())))
    assert len([tag for tag, _ in page.tags if tag == "details"]) > 1000
    assert page.text.count("is not shown here") == len(thousand().records) - MOST_SHOWN
    assert len([each for each in page.every("href") if each.endswith("/stderr.txt")]) == len(thousand().records)
