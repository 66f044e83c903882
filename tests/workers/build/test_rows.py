"""Which rows the comment's table has, of whatever is known of builds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.build.ordered import HEAD, ordered
from workers.build.driver import Seen, State
from workers.build.job import NOT_OFFERED
from workers.build.result import GOOD, Ending, Made, Release, Row, RowState
from workers.build.rows import row_of, table
from workers.build.store import Build
from workers.parts import Part
from workers.trust import Distrust

TAG = "autobuild-preview-pr-7-aaaaaaaa"
CHECK, LOG, PAGE = "https://github.com/o/r/runs/1", "https://github.com/o/r/actions/runs/2", "https://github.com/o/r/r"
ORDER = ordered(command={"run": ["make"], "output": "out"})
RELEASE = Release(TAG, PAGE, 500.0)


def build(made: Made | None = None, starts: int = 0, **more: Any) -> Build:
    """One that is wanted since 1000; over, once something came of it."""
    result = json.dumps(made.to_json()) if made is not None else None
    fields = {"over": True, "ended": 3000.0, "begun": 2000.0} if made is not None else {}
    return Build(ORDER, 1000.0, work=Part(result, starts=starts), **{**fields, **more})


def over(**more: Any) -> Build:
    """One that nothing came of."""
    return build(over=True, begun=2000.0, ended=3000.0, **more)


def row(state: str, at: float, url: str = CHECK) -> Row:
    return Row(HEAD, state, TAG, url, at)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(build(), row(RowState.QUEUED, 1000.0), id="queued"),
        pytest.param(build(starts=1, begun=2000.0), row(RowState.BUILDING, 2000.0), id="taken-on"),
        pytest.param(
            build(begun=2000.0, seen=Seen(State.RUNNING, LOG)), row(RowState.BUILDING, 2000.0, LOG), id="running"
        ),
        pytest.param(
            build(begun=2000.0, seen=Seen(State.SUCCEEDED, LOG)), row(RowState.BUILDING, 2000.0, LOG), id="collected"
        ),
        pytest.param(over(refused=Distrust.FORK), row(RowState.WAITING, 3000.0), id="fork"),
        pytest.param(over(refused=Distrust.NEWCOMER), row(RowState.WAITING, 3000.0), id="newcomer"),
        pytest.param(over(refused=NOT_OFFERED), None, id="not-offered"),
        pytest.param(over(timed_out=True), row(RowState.FAILED, 3000.0), id="out-of-time"),
        pytest.param(over(cancelled_by="wendy"), row(RowState.CANCELLED, 3000.0), id="cancelled"),
        pytest.param(over(closed=True), row(RowState.CANCELLED, 3000.0), id="closed"),
        pytest.param(
            over(superseded_by="b" * 40, seen=Seen(State.RUNNING, LOG)),
            row(RowState.CANCELLED, 3000.0, LOG),
            id="superseded",
        ),
        pytest.param(
            build(Made(Ending.RELEASED, release=RELEASE), starts=1),
            row(RowState.RELEASED, 3000.0, PAGE),
            id="released",
        ),
        pytest.param(
            build(Made(Ending.RELEASED, release=RELEASE)), row(RowState.RELEASED, 500.0, PAGE), id="found-released"
        ),
    ],
)
def test_what_a_row_tells_of_a_build(known: Build, expected: Row | None) -> None:
    assert row_of(known, CHECK) == expected


@pytest.mark.parametrize("ending", [each for each in Ending if each is not Ending.RELEASED])
def test_a_build_that_was_not_released_leads_to_where_it_was_made_or_else_to_its_check(ending: Ending) -> None:
    states = dict.fromkeys(GOOD, RowState.BUILT) | {Ending.CANCELLED: RowState.CANCELLED}
    state = states.get(ending, RowState.FAILED)
    assert row_of(build(Made(ending, url=LOG), starts=1), CHECK) == row(state, 3000.0, LOG)
    assert row_of(build(Made(ending), starts=1), CHECK) == row(state, 3000.0)


def of(letter: str, state: str, at: float) -> Row:
    """A row of the commit that is called so."""
    return Row(letter * 40, state, letter, "", at)


def told(rows: tuple[Row, ...]) -> list[tuple[str, str, float]]:
    return [(each.sha[0], each.state, each.at) for each in rows]


def test_the_newest_comes_first() -> None:
    rows = [of("a", RowState.RELEASED, 10.0), of("b", RowState.FAILED, 30.0), of("c", RowState.BUILDING, 20.0)]
    assert [sha for sha, _, _ in told(table(rows, []))] == ["b", "c", "a"]


def test_within_a_second_what_is_wanted_later_comes_first() -> None:
    rows = [of("a", RowState.CANCELLED, 10.9), of("b", RowState.BUILDING, 10.1)]
    assert [sha for sha, _, _ in told(table(rows, []))] == ["b", "a"]


def test_of_two_builds_of_a_commit_the_later_tells() -> None:
    early, late = of("a", RowState.CANCELLED, 10.0), of("a", RowState.RELEASED, 20.0)
    assert told(table([early, late], [])) == told(table([late, early], [])) == [("a", RowState.RELEASED, 20.0)]


def test_within_a_second_the_build_that_is_wanted_later_tells() -> None:
    early, late = of("a", RowState.CANCELLED, 10.9), of("a", RowState.RELEASED, 10.1)
    assert told(table([early, late], [])) == [("a", RowState.RELEASED, 10.1)]


@pytest.mark.parametrize(
    ("mine", "kept", "state"),
    [
        pytest.param(None, of("a", RowState.RELEASED, 5.0), RowState.RELEASED, id="only-kept"),
        pytest.param(None, of("a", RowState.REMOVED, 5.0), RowState.REMOVED, id="only-removed"),
        pytest.param(
            of("a", RowState.BUILDING, 10.0), of("a", RowState.RELEASED, 5.0), RowState.BUILDING, id="built-again"
        ),
        pytest.param(
            of("a", RowState.FAILED, 10.0), of("a", RowState.REMOVED, 20.0), RowState.FAILED, id="never-released"
        ),
        pytest.param(
            of("a", RowState.RELEASED, 10.0), of("a", RowState.REMOVED, 20.0), RowState.REMOVED, id="removed-since"
        ),
        pytest.param(
            of("a", RowState.RELEASED, 10.0), of("a", RowState.REMOVED, 5.0), RowState.RELEASED, id="released-anew"
        ),
    ],
)
def test_what_is_kept_counts_where_nothing_newer_is_known(mine: Row | None, kept: Row, state: str) -> None:
    (found,) = table([mine] if mine is not None else [], [kept])
    assert found.state == state


ROWS = st.builds(of, st.sampled_from("abcdef"), st.sampled_from([*RowState]), st.floats(0, 100))


@given(st.lists(ROWS), st.lists(ROWS))
def test_each_commit_has_one_row_and_none_is_invented(mine: list[Row], kept: list[Row]) -> None:
    found = table(mine, kept)
    assert sorted(row.sha for row in found) == sorted({row.sha for row in (*mine, *kept)})
    assert {*found} <= {*mine, *kept}
    assert [int(row.at) for row in found] == sorted((int(row.at) for row in found), reverse=True)


@given(st.lists(ROWS))
def test_a_removed_release_never_hides_what_came_after_it(mine: list[Row]) -> None:
    removed = [replace(row, state=RowState.REMOVED, at=row.at - 1) for row in mine]
    newest = {row.sha: row for row in sorted(mine, key=lambda row: int(row.at))}
    assert {row.sha: row for row in table(mine, removed[-1:])} == newest
