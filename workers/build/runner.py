"""What takes long about a preview build, in a process of its own: `python -m workers.build.runner RUN OWNER`.

It builds, where that is done on this host; fetches what was built; inspects, keeps and releases it. It takes its
settings from the environment, and stops as soon as the build is not its any more, or nobody can be told.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from config.settings import load
from workers import logs
from workers.app import create_app
from workers.build.disk import scratch
from workers.build.driver import BuildError
from workers.build.drivers import driver_for, scratch_of, slot
from workers.build.inspection.inspect import inspect
from workers.build.job import made_of
from workers.build.kept import keep
from workers.build.local import LocalDriver
from workers.build.log import tail
from workers.build.released import base_of, put_out
from workers.build.result import Binary, Ending, Made
from workers.build.store import WORK, Build, key_of
from workers.git import CommitGone, GitError
from workers.github import Client, GitHubError, RateLimited, Rejected
from workers.github.failures import Unavailable
from workers.heart import Heart, Stopped
from workers.host import alone
from workers.sandbox import SandboxError
from workers.store import Busy
from workers.tasks import connect, sender
from workers.tools import Job, Tools

PAUSES = (5.0, 20.0, 60.0, 180.0)
"""Seconds before GitHub is asked again, where it did not answer: what was built is not to be built again."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


def work(tools: Tools, run_id: str, owner: str) -> None:
    """Does the work of a build that was claimed for `owner`, and keeps what comes of it."""
    state = tools.builds.get(run_id)
    if state is None:
        return
    with _room(tools, state) as free:
        if not free:
            tools.builds.parts.release(key_of(run_id), WORK, owner)
            return
        heart = Heart(lambda progress: tools.builds.parts.beat(key_of(run_id), WORK, owner, progress))
        with heart.beating():
            try:
                made = _made(tools, run_id, state, heart)
            except Stopped:
                log.info("stopped", run=run_id)
                return
    if not tools.builds.parts.finish(key_of(run_id), WORK, owner, json.dumps(made.to_json())):
        log.info("somebody else's by now", run=run_id)
        return
    log.info("done", run=run_id, ending=made.ending)
    tools.send(Job.BUILD, run_id)


@contextmanager
def _room(tools: Tools, state: Build) -> Iterator[bool]:
    """Whether there is room for it on this host: of those that are built here, one at a time."""
    if state.order.settings.actions is not None:
        yield True
        return
    with alone(slot(tools)) as free:
        yield free


def _made(tools: Tools, run_id: str, state: Build, heart: Heart) -> Made:
    try:
        with scratch(scratch_of(tools)) as folder:
            return _work(tools, run_id, state, heart, folder)
    except BuildError as error:
        return made_of(error, state)
    except CommitGone:
        return Made(Ending.GONE, "its commit can no longer be fetched", url=state.seen.url)
    except SandboxError as error:
        return Made(Ending.BROKEN, str(error), url=state.seen.url)
    except Busy:
        return Made(Ending.BROKEN, "its verdict was withdrawn, or somebody else wrote its release", url=state.seen.url)
    except (GitHubError, GitError, OSError) as error:
        log.warning("no build", run=run_id, exc_info=error)
        return Made(Ending.BROKEN, _reason(error), url=state.seen.url)


def _work(tools: Tools, run_id: str, state: Build, heart: Heart, folder: Path) -> Made:
    order = state.order
    artifacts, log_file = folder / "artifacts", folder / "build.log"
    artifacts.mkdir()
    _build(tools, state, heart, artifacts, log_file)
    inspection = inspect(artifacts, require=heart.require)
    made = Made(Ending.BUILT, url=state.seen.url, inspection=inspection)
    if inspection.problems:
        return replace(made, ending=Ending.UNFIT, log=tail(log_file) if log_file.exists() else "")

    def asked(client: Client) -> tuple[tuple[Binary, ...], str]:
        return base_of(tools, client, order, heart.require)

    base, base_tag = _patiently(heart, lambda: _with(tools, state, asked))
    made = replace(made, base=base, base_tag=base_tag)
    if order.settings.release:
        built, at = made, state.begun or state.since
        said = log_file if log_file.exists() else None
        made = _patiently(heart, lambda: put_out(tools, run_id, order, built, at, artifacts, said, heart.ask))
    keep(tools, inspection, artifacts)
    return made


def _build(tools: Tools, state: Build, heart: Heart, artifacts: Path, log_file: Path) -> None:
    """Has what was built in `artifacts`, and what was said meanwhile in `log_file`."""
    order = state.order

    def fetched(client: Client) -> None:
        driver = driver_for(tools, client, order, heart.require)
        for half in (*artifacts.iterdir(), log_file):
            half.unlink(missing_ok=True)
        try:
            if isinstance(driver, LocalDriver):
                driver.make(order, client.token, heart.require)
            driver.artifacts(order, state.external_id or "", artifacts)
            driver.log(order, state.external_id or "", log_file)
        finally:
            if isinstance(driver, LocalDriver):
                driver.clear(order)

    _patiently(heart, lambda: _with(tools, state, fetched))


def _with(tools: Tools, state: Build, do: Callable[[Client], T]) -> T:
    with tools.github.client(state.order.installation_id) as client:
        return do(client)


def _patiently(heart: Heart, do: Callable[[], T]) -> T:
    """Does it, and again where GitHub did not answer. Raises what it raises at last."""
    for pause in PAUSES:
        try:
            return do()
        except (Unavailable, RateLimited, Busy) as error:
            log.info("once more", seconds=pause, error=str(error))
            heart.stopping.wait(max(pause, error.seconds) if isinstance(error, RateLimited) else pause)
            heart.require()
    return do()


def _reason(error: Exception) -> str:
    """What people are told. The error's own text may name files of this machine; it is in the log."""
    if isinstance(error, GitError):
        return "its commits could not be fetched"
    if isinstance(error, Rejected):
        # Rules for tags, or a release that is immutable: people can see to that.
        return f"GitHub refused it, and said: {str(error).partition(': ')[2]}"
    if isinstance(error, GitHubError):
        return "GitHub did not answer as it should"
    return f"a file of the server could not be used ({error.strerror})" if isinstance(error, OSError) else "it failed"


def main() -> None:
    """The process."""
    run_id, owner = sys.argv[1:]
    settings = load()
    logs.configure(settings)
    app = create_app(settings)
    tools = Tools.of(settings, connect(settings), sender(app))
    work(tools, run_id, owner)


if __name__ == "__main__":
    main()
