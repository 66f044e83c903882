"""The release of a preview: its name, its body, and the line by which it is known again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.preview import PreviewSettings
from tests.workers.report.preview_states import CONTEXT, MADE, binary
from tests.workers.report.run_states import FAILS, HOLDS
from tests.workers.report.samples import BASE_SHA, HEAD_SHA
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.test_preview import is_harmless
from workers.build.result import Artifact, Ending, Inspection, Made
from workers.report.preview_marker import Marked, marked, release_marker
from workers.report.preview_release import release_body, release_name

LARGEST_BODY = 125_000
OURS = release_marker("oven-sh/WebKit", 176, HEAD_SHA)
SETTINGS = PreviewSettings()


def test_name() -> None:
    assert release_name(CONTEXT) == "Preview of pull request 176 at bbbbbbbb"


def test_body() -> None:
    assert_snapshot("preview-release.md", release_body(MADE["released-base"], CONTEXT, HOLDS, SETTINGS))


def test_body_of_what_breaks_limits_and_is_removed_at_once() -> None:
    settings = PreviewSettings(keep=1, remove_after_days=0)
    assert_snapshot("preview-release-broken.md", release_body(MADE["objects"], CONTEXT, FAILS, settings))


def test_body_of_hostile_files() -> None:
    assert_snapshot("preview-release-hostile.md", release_body(MADE["hostile-release"], CONTEXT, (), SETTINGS))


@pytest.mark.parametrize("state", MADE)
def test_every_body_is_harmless_and_known_again(state: str) -> None:
    body = release_body(MADE[state], CONTEXT, HOLDS, SETTINGS)
    is_harmless(body.rpartition("\n<!-- ")[0])
    assert marked(body) == Marked("oven-sh/WebKit", 176, HEAD_SHA)


def test_a_body_is_the_same_before_it_is_released_and_at_each_attempt() -> None:
    made = MADE["released"]
    body = release_body(made, CONTEXT, HOLDS, SETTINGS)
    before = Made(Ending.BUILT, inspection=made.inspection)
    assert release_body(before, replace(CONTEXT, attempt=3, asked_by="octocat"), HOLDS, SETTINGS) == body


def test_thousands_of_files_fit() -> None:
    files = tuple(Artifact("x" * 200 + str(number), number, "0f" * 32) for number in range(3_000))
    many = tuple(binary(each.name) for each in files)
    body = release_body(Made(Ending.RELEASED, inspection=Inspection(files, many)), CONTEXT, HOLDS, SETTINGS)
    assert len(body) <= LARGEST_BODY
    assert marked(body) is not None


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (OURS, True),
        (f"A body.\n\n{OURS}\n", True),
        (f"A body.\r\n\r\n{OURS}\r\n", True),
        (f"{OURS}\nsaid somebody", False),
        (f"> {OURS}", False),
        (f"said somebody {OURS}", False),
        (f"said somebody\u2028{OURS}", False),
        (f"said somebody\r{OURS}", False),
        (OURS.replace(HEAD_SHA, HEAD_SHA[:8]), False),
        (OURS.replace(HEAD_SHA, HEAD_SHA.upper()), False),
        (OURS.replace("#176", "#0"), False),
        (OURS.replace("#176", "#１７６"), False),
        (OURS.replace("oven-sh/", ""), False),
        ("", False),
        ("<!-- pagewarden -->", False),
    ],
)
def test_only_a_marker_on_the_last_line_counts(body: str, known: bool) -> None:
    assert (marked(body) is not None) == known


def test_the_last_marker_counts() -> None:
    other = release_marker("oven-sh/WebKit", 177, BASE_SHA)
    assert marked(f"{OURS}\n{other}\n") == Marked("oven-sh/WebKit", 177, BASE_SHA)


@given(
    st.from_regex(r"[A-Za-z0-9_.-]{1,39}/[A-Za-z0-9_.-]{1,100}", fullmatch=True),
    st.integers(1, 10**9),
    st.from_regex(r"[0-9a-f]{40}|[0-9a-f]{64}", fullmatch=True),
)
def test_what_is_marked_is_known_again(repository: str, number: int, sha: str) -> None:
    assert marked(release_marker(repository, number, sha)) == Marked(repository, number, sha)


@given(st.text())
def test_any_body_is_read(body: str) -> None:
    assert marked(body) is None or body.rstrip().endswith(" -->")
