"""Complaints about what comes more than once: comments, checks, edits that say the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.complaints.quiet import is_quiet
from tests.workers.heard import Heard
from tests.workers.house import BAD, REPOSITORY
from workers.attempts import perform
from workers.github import Client
from workers.publish import publish
from workers.tools import Job

UNTOUCHED = {"README.md": "Another engine.\n"}
WITHOUT_EFFECT = {"Source/page.h": "/* 16 KB */\n#define PAGE 16384\n"}


def at_once(works: Sequence[Callable[[], None]]) -> None:
    """Several workers do these at the same time. Raises the first error."""
    barrier = threading.Barrier(len(works))

    def work(one: Callable[[], None]) -> None:
        barrier.wait()
        one()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work, one) for one in works]:
            done.result()


def meet(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever is about to make that call to GitHub waits a moment for another one who is."""
    call, meeting = getattr(Client, name), threading.Barrier(2)

    def later(*arguments: Any) -> Any:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=1)
        return call(*arguments)

    monkeypatch.setattr(Client, name, later)


def test_a_webhook_that_comes_twice_is_done_twice(heard: Heard) -> None:
    sha = heard.open(BAD)
    before = len(heard.simulator.calls)
    for one in heard.simulator.deliveries:
        heard.simulator.redeliver(one.guid)
    assert heard.settle() == []
    assert len(heard.simulator.calls) == before
    assert heard.house.conclusions(sha) == ["failure"]


def test_two_jobs_at_once_comment_twice(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    heard.house.step()
    assert heard.house.step().job is Job.CHECK
    (run_id,) = heard.house.tools.store.open_runs(-1)
    meet(monkeypatch, "create_comment")
    at_once([partial(publish, heard.house.tools, run_id)] * 3)
    heard.settle()
    assert len(heard.house.comments()) == 1
    assert heard.house.conclusions(sha) == ["failure"]
    assert is_quiet(heard)


def test_two_webhooks_at_once_make_two_checks(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = heard.house.open(BAD)
    heard.hear()
    news = [heard.house.deliver(heard.house.event("opened")) for _ in range(3)]
    heard.house.queue.clear()
    meet(monkeypatch, "create_check_run")
    at_once([partial(perform, heard.house.tools, Job.INTAKE, delivery) for delivery in news])
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert heard.house.calls("POST", "/check-runs") == 1
    assert len(heard.house.comments()) == 1


@pytest.mark.parametrize("performed", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/check-runs$"), ("POST", "/issues/1/comments$"), ("PATCH", "/check-runs/"), ("POST", "/pulls/1/")],
)
def test_lost_answers_make_a_second_check_comment_or_suggestion(
    heard: Heard, method: str, path: str, performed: bool
) -> None:
    heard.simulator.fail_next(method, path, 502, performed=performed, times=2)
    sha = heard.open(BAD)
    assert heard.house.conclusions(sha) == ["failure"]
    assert len(heard.house.comments()) == 1
    assert len(heard.house.suggestions()) == 1
    assert is_quiet(heard)


def test_each_push_makes_another_comment(heard: Heard) -> None:
    heard.open(BAD)
    (first,) = heard.simulator.comments(REPOSITORY, heard.house.number)
    for number in range(4):
        heard.push({"Source/page.h": f"#define PAGE {4096 << number}\n"})
    heard.push(UNTOUCHED)
    last = heard.push(BAD, start="main")
    (comment,) = heard.simulator.comments(REPOSITORY, heard.house.number)
    assert comment["id"] == first["id"]
    assert last[:12] in comment["body"]


@pytest.mark.parametrize("files", [UNTOUCHED, WITHOUT_EFFECT], ids=["nothing watched", "no effect"])
def test_there_is_a_comment_though_there_is_nothing_to_say(heard: Heard, files: dict[str, str]) -> None:
    heard.open(files)
    for number in range(3):
        heard.push({"docs.txt": str(number)})
    assert heard.house.comments() == []
    assert heard.simulator.reviews(REPOSITORY, heard.house.number) == []
    assert heard.simulator.labels(REPOSITORY, heard.house.number) == []


def test_a_comment_is_edited_though_it_says_the_same(heard: Heard) -> None:
    heard.open(BAD)
    edits = heard.house.calls("PATCH", "/comments/")
    heard.simulator.close_pull(REPOSITORY, heard.house.number)
    heard.simulator.reopen_pull(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.calls("PATCH", "/comments/") == edits
