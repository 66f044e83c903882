"""What GitHub is told of a run, however often and with whatever failures in between."""

from __future__ import annotations

import pytest

from checker.report import Commit, Finding, Measure, Report, RuleText, Severity, State, TargetReport, Verdict
from tests.workers.house import BAD, GOOD, REPOSITORY, House
from workers.check_runs import changes
from workers.github import CheckRun, GitHub
from workers.publish import publish
from workers.report.context import Annotation, CheckOutput
from workers.runs import Ending, Outcome
from workers.tools import Job

RULE = RuleText(
    id="page-covers-os-page",
    title="A page covers an OS page",
    severity=Severity.ERROR,
    why="It crashes.",
    bites=None,
    relied_on_in="Source/page.h",
    also_in=(),
    advice="Make it larger.",
)


def report(findings: int) -> Report:
    """A report of so many broken lines."""
    broken = tuple(
        Finding(
            rule="page-covers-os-page",
            heap=f"heap_{line}",
            os_page=65536,
            state=State.INTRODUCED,
            severity=Severity.ERROR,
            close=False,
            base=Measure(value=65536, limit=65536, holds=True, headroom=0),
            head=Measure(value=4096, limit=65536, holds=False, headroom=-61440),
            path="Source/page.h",
            line=line,
            explanation="4096, must be >= 65536",
            chain=(),
        )
        for line in range(1, findings + 1)
    )
    target = TargetReport(target="linux-arm64", constants=(), heaps=(), findings=broken, not_applicable=(), costs=())
    return Report(
        verdict=Verdict.FAIL if findings else Verdict.PASS,
        profile="small",
        base=Commit(sha="a" * 40),
        head=Commit(sha="b" * 40),
        page_sizes=(4096, 16384, 65536),
        rules=(RULE,),
        targets=(target,),
        changes=(),
        errors=(),
    )


def begun(house: House) -> tuple[str, str]:
    """A pull request with its check in progress: its sha and its run."""
    sha = house.open(BAD)
    house.deliver()
    house.step()
    house.queue.clear()
    (run_id,) = house.tools.store.open_runs(-1)
    return sha, run_id


def lines(house: House, sha: str) -> list[int]:
    """Lines of all annotations of the one check run."""
    (run,) = house.simulator.check_runs(REPOSITORY, sha)
    return [note["start_line"] for note in house.simulator.annotations(run["id"])]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (50, 1), (51, 2), (120, 3)])
def test_annotations_go_in_batches_of_fifty_and_none_is_lost_or_doubled(house: House, count: int, calls: int) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(count)])
    publish(house.tools, run_id)
    publish(house.tools, run_id)
    assert house.calls("PATCH", "/check-runs/") == calls
    assert lines(house, sha) == list(range(1, count + 1))
    assert house.conclusions(sha) == ["failure" if count else "success"]


@pytest.mark.parametrize("performed", [True, False])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_failure_at_any_batch_loses_and_doubles_nothing(house: House, performed: bool, before: int) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(120)])
    house.simulator.fail_next("PATCH", "/check-runs/", 502, performed=True, times=before)
    house.simulator.fail_next("PATCH", "/check-runs/", 502, performed=performed)
    house.tools.send(Job.PUBLISH, run_id)
    house.drain()
    assert lines(house, sha) == list(range(1, 121))
    assert house.conclusions(sha) == ["failure"]


@pytest.mark.parametrize("performed", [True, False])
def test_a_502_on_the_new_check_run_makes_one_check_run(house: House, performed: bool) -> None:
    sha = house.open(GOOD)
    house.simulator.fail_next("POST", "/check-runs$", 502, performed=performed)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["success"]


@pytest.mark.parametrize("performed", [True, False])
def test_a_502_on_the_new_comment_makes_one_comment(house: House, performed: bool) -> None:
    house.open(GOOD)
    house.simulator.fail_next("POST", "/comments$", 502, performed=performed)
    house.deliver()
    house.drain()
    assert len(house.comments()) == 1


def test_a_failed_edit_of_the_comment_is_made_up_for(house: House) -> None:
    house.open(BAD)
    house.deliver()
    house.drain()
    house.simulator.fail_next("PATCH", "/comments/", 502)
    house.push(GOOD)
    house.deliver()
    house.drain()
    (comment,) = house.comments()
    assert "65536" in comment


@pytest.mark.parametrize(
    ("outcome", "conclusion"),
    [
        (Outcome(Ending.COMMIT_GONE), "cancelled"),
        (Outcome(Ending.BROKEN, "it is Monday"), "failure"),
        (Outcome(Ending.NOT_APPLICABLE), "success"),
    ],
)
def test_other_ends_are_told_by_the_check_alone(house: House, outcome: Outcome, conclusion: str) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, outcome)
    publish(house.tools, run_id)
    assert house.conclusions(sha) == [conclusion]
    assert outcome.reason in house.checks(sha)[0][2]
    assert house.comments() == []
    writes = house.calls("PATCH")
    publish(house.tools, run_id)
    assert house.calls("PATCH") == writes


@pytest.mark.parametrize("status", [404, 422])
def test_a_refusal_after_a_force_push_is_the_end_of_it(house: House, status: int) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(1)])
    house.simulator.fail_next("PATCH", "/check-runs/", status)
    house.push(GOOD, start="main")
    house.tools.send(Job.PUBLISH, run_id)
    assert len(house.drain()) == 1
    assert house.tools.store.open_runs(-1) == []
    assert house.conclusions(sha) == [None]


def test_a_refusal_without_one_is_not_taken_for_success(house: House) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(1)])
    house.simulator.fail_next("PATCH", "/check-runs/", 422, times=5)
    house.tools.send(Job.PUBLISH, run_id)
    house.drain()
    ((status, conclusion, title),) = house.checks(sha)
    assert (status, conclusion) == ("completed", "failure")
    assert "could not evaluate" in title


def test_a_redirected_write_is_followed(house: House) -> None:
    sha, run_id = begun(house)
    house.tools.store.end(run_id, Outcome(Ending.REPORT), [report(0)])
    (run,) = house.simulator.check_runs(REPOSITORY, sha)
    there = f"{house.simulator.api_url}/repos/{REPOSITORY}/check-runs/{run['id']}"
    house.simulator.fail_next("PATCH", "/check-runs/", 307, {"Location": there})
    publish(house.tools, run_id)
    assert house.conclusions(sha) == ["success"]


def test_a_locked_conversation_does_not_keep_the_check_open(house: House) -> None:
    sha = house.open(BAD)
    house.simulator.fail_next("POST", "/comments$", 403, times=9)
    house.deliver()
    house.drain()
    assert house.conclusions(sha) == ["failure"]
    assert house.comments() == []
    assert house.tools.store.open_runs(-1) == []


def test_a_stranger_with_our_marker_is_left_alone(house: House) -> None:
    house.open(BAD)
    other = house.simulator.create_app("other")
    installation = house.simulator.install(other.id, REPOSITORY)
    stranger = GitHub(house.simulator.api_url, other.id, other.private_key_pem, house.tools.tokens)
    with stranger.client(installation) as client:
        client.create_comment(REPOSITORY, house.number, "<!-- pagewarden -->\nall is well")
    house.deliver()
    house.drain()
    theirs, ours = house.comments()
    assert theirs == "<!-- pagewarden -->\nall is well"
    assert "4096" in ours


def shown(conclusion: str | None = None, title: str = "t", annotations: int = 0, summary: str = "s") -> CheckRun:
    return CheckRun(1, 1, "x", conclusion, title, summary, None, annotations)


def wanted(annotations: int = 0) -> CheckOutput:
    notes = tuple(Annotation("a.h", line, "failure", "t", "m") for line in range(annotations))
    return CheckOutput("failure", "t", "s\n", None, notes)


def test_nothing_is_written_when_nothing_differs() -> None:
    assert changes(shown("failure", annotations=3), wanted(3)) == []
    assert changes(shown("failure", summary="s\r\n"), wanted()) == []


def test_the_conclusion_comes_with_the_last_annotations() -> None:
    updates = changes(shown(), wanted(101))
    assert [len(update["output"]["annotations"]) for update in updates] == [50, 50, 1]
    assert [update.get("conclusion") for update in updates] == [None, None, "failure"]


def test_a_text_is_corrected_without_adding_annotations_again() -> None:
    (update,) = changes(shown("failure", title="old", annotations=3), wanted(3))
    assert "annotations" not in update["output"]
    assert update["output"]["title"] == "t"


def test_what_is_concluded_is_not_concluded_the_same_way_again() -> None:
    updates = changes(shown("failure", title="old"), wanted(60))
    assert [list(update) for update in updates] == [["output"], ["output"]]
    assert changes(shown("success"), wanted())[-1]["conclusion"] == "failure"
