"""The demo's stage: a simulated GitHub with the scenario in it, and a pagewarden that listens to it."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console

from bot import demo_preview, demo_stress
from bot.demo_preview import PreviewVerdict, Row
from bot.demo_stress import StressVerdict
from bot.demo_watch import say
from bot.embedded import free_port
from config.settings import ENVIRONMENT_PREFIX, bare_environment
from simulator.server import Simulator
from workers.scenario import BASE_BRANCH, CHANGE_BRANCH, UNRELATED_BRANCH, Scenario

REPOSITORY = "example/WebKit"
CHECK_NAME = "pagewarden"
_START_SECONDS = 60.0
_VERDICT_SECONDS = 90.0
_STUDY_SECONDS = 240.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.1
_SHORT_SHA = 12
_FINDING = re.compile(r"^([a-z][a-z0-9-]*) on ([a-z0-9_]+)\b", re.MULTILINE)
"""How an annotation begins to tell of a finding; see `workers.report.check`."""
_STUDIED = re.compile(r"^\*\*Repair", re.MULTILINE)
"""What a check says only once its head has been studied; see `workers.report.sections`."""
_SUGGESTION = re.compile(
    r"<!-- pagewarden suggestion (\S+) [0-9a-f]+ -->.*?^```suggestion\n(.*?)\n```", re.MULTILINE | re.DOTALL
)
"""See `workers.report.suggestion`."""
_REPLY = "<!-- answers "
"""What a reply to a command ends with; see `workers.conversation.answer`."""

Cells = frozenset[tuple[str, str]]
"""(rule, heap config) of introduced findings."""
Suggestions = frozenset[tuple[str, str]]
"""(rule, the line that is suggested)."""


@dataclass(frozen=True)
class Push:
    """One head that is pushed, and what pagewarden must say of it."""

    commit: str
    conclusion: str
    introduced: Cells = frozenset()
    suggested: Suggestions = frozenset()


_USE_COUNT: Cells = frozenset({("use-count", "jit_medium_bitfit")})
_ALLOC_BITS: Cells = frozenset(
    ("alloc-bits", heap) for heap in ("utility", "bmalloc_small_segregated", "jit_small_segregated")
)
_HEADER: Cells = frozenset({("out-of-line-header", "jit_small_bitfit")})
_MEND_USE_COUNT: Suggestions = frozenset({("use-count", "#define JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT 9u")})
_MEND_HEADER: Suggestions = frozenset({("out-of-line-header", "#define JIT_SMALL_BITFIT_MIN_ALIGN_SHIFT 4u")})
PUSHES = (
    Push("B", "failure", _ALLOC_BITS | _USE_COUNT | _HEADER, _MEND_USE_COUNT | _MEND_HEADER),
    Push("C", "failure", _USE_COUNT | _HEADER, _MEND_USE_COUNT | _MEND_HEADER),
    Push("D", "failure", _HEADER, _MEND_HEADER),
)
UNRELATED = Push("unrelated", "success")
QUESTION = "/explain JIT_SMALL_BITFIT_MIN_ALIGN_SHIFT"
"""What a person asks in a comment, and what the answer must speak of."""
ANSWERED = "out-of-line-header"


@dataclass(frozen=True)
class Verdict:
    """What GitHub shows for one push: the check, and after some more seconds of study the suggestions."""

    push: Push
    conclusion: str
    title: str
    introduced: Cells
    seconds: float
    suggested: Suggestions
    study_seconds: float

    @property
    def commit(self) -> str:
        return self.push.commit

    @property
    def expected(self) -> bool:
        shown = (self.conclusion, self.introduced, self.suggested)
        return shown == (self.push.conclusion, self.push.introduced, self.push.suggested)


class DemoError(Exception):
    """The demo cannot go on. The text says why."""


class Stage:
    """GitHub with the repository, and a pagewarden that listens to it."""

    def __init__(self, github: Simulator, scenario: Scenario, server: subprocess.Popen[bytes], console: Console):
        self._github = github
        self._scenario = scenario
        self._server = server
        self._console = console
        self._number: int | None = None

    @property
    def address(self) -> str:
        """The simulated pull request's page."""
        return f"{self._github.url}/{REPOSITORY}/pull/{self._number}"

    def complaints(self) -> list[str]:
        """What is not as it must be, beside the verdicts: one comment, about the last push, and no misuse of GitHub."""
        found = [f"not as GitHub describes it: {violation}" for violation in self._github.violations]
        head = self._scenario.shas[PUSHES[-1].commit]
        deadline = time.monotonic() + _VERDICT_SECONDS
        while time.monotonic() < deadline:
            comments = [each for each in self._own_comments() if _REPLY not in each]
            if len(comments) == 1 and head[:_SHORT_SHA] in comments[0]:
                return found
            time.sleep(_POLL_SECONDS)
        return [*found, f"{len(comments)} comments, expected one that speaks of {head}"]

    def push(self, push: Push) -> Verdict:
        """Push to the pull request, which the first push opens, and wait for the verdict."""
        self._github.push(REPOSITORY, CHANGE_BRANCH, self._scenario.shas[push.commit])
        if self._number is None:
            title = "64 KiB pages on Linux arm64"
            body = "Raises the page sizes of WTF and libpas, so that kernels with 64 KiB pages can run JavaScriptCore."
            pull = self._github.open_pull(
                REPOSITORY, head=CHANGE_BRANCH, base=BASE_BRANCH, title=title, author="octocat", body=body
            )
            self._number = pull.number
        return self._verdict(push)

    def stressed(self, push: Push) -> StressVerdict:
        """Wait for the stress of what was pushed. Raises `DemoError` when it does not end."""
        sha = self._scenario.shas[push.commit]
        found = demo_stress.wait_for(self._github, REPOSITORY, push.commit, sha, self._console, self._require_server)
        if found is None:
            raise DemoError(f"the stress of {sha} does not end")
        say(self._console, f"   stress: {found.conclusion}, {found.title}")
        return found

    def previewed(self, push: Push) -> PreviewVerdict:
        """Wait for the preview of what was pushed. Raises `DemoError` when it does not end."""
        sha, number = self._scenario.shas[push.commit], self._number or 0
        found = demo_preview.wait_for(
            self._github, REPOSITORY, number, push.commit, sha, self._console, self._require_server
        )
        if found is None:
            raise DemoError(f"the preview of {sha} does not end")
        say(self._console, f"   preview: {found.conclusion}, {found.title}")
        return found

    def preview_table(self) -> list[Row]:
        """The comment's table of previews."""
        return [row for comment in self._own_comments() for row in demo_preview.table(comment)]

    def preview_faults(self) -> list[str]:
        """What is wrong with the comment's table of previews, once the last push has its own."""
        return demo_preview.faults_of(self.preview_table(), self._number or 0, self._scenario.shas[PUSHES[-1].commit])

    def unrelated(self, push: Push) -> Verdict:
        """Open the pull request that touches nothing watched."""
        self._github.open_pull(
            REPOSITORY, head=UNRELATED_BRANCH, base=BASE_BRANCH, title="Say more", author="octocat", body=""
        )
        return self._verdict(push)

    def ask(self) -> list[str]:
        """A person asks something in a comment; what is wrong with the answer, nothing where it is right."""
        say(self._console, f"a comment: {QUESTION}")
        comment_id = self._github.comment(REPOSITORY, self._number or 0, "octocat", QUESTION)
        deadline = time.monotonic() + _VERDICT_SECONDS
        with self._console.status("waiting for the answer"):
            while time.monotonic() < deadline:
                reactions = {each["content"] for each in self._github.reactions(comment_id)}
                replies = [each for each in self._own_comments() if _REPLY in each]
                if "rocket" in reactions and replies:
                    say(self._console, f"   answered: {replies[0].splitlines()[0].lstrip('# ')}")
                    return [] if ANSWERED in replies[0] else [f"the answer to {QUESTION} is not what it must be"]
                self._require_server()
                time.sleep(_POLL_SECONDS)
        return [f"no answer to {QUESTION}"]

    def _own_comments(self) -> list[str]:
        comments = self._github.comments(REPOSITORY, self._number or 0)
        return [each["body"] for each in comments if each["performed_via_github_app"]]

    def _verdict(self, push: Push) -> Verdict:
        sha = self._scenario.shas[push.commit]
        started = time.monotonic()
        with self._console.status(f"{push.commit}: waiting for the check of {sha[:9]}"):
            run = self._concluded(sha, started + _VERDICT_SECONDS)
        judged = time.monotonic()
        say(self._console, f"{push.commit}: {run['conclusion']}, {run['output']['title']}")
        introduced = _introduced(self._github.annotations(run["id"]))
        suggested: Suggestions = frozenset()
        if introduced:
            with self._console.status(f"{push.commit}: waiting for the study of {sha[:9]}"):
                suggested = self._studied(push, judged + _STUDY_SECONDS)
            for rule, line in sorted(suggested):
                say(self._console, f"   suggested for {rule}: {line}")
        return Verdict(
            push,
            run["conclusion"],
            run["output"]["title"],
            introduced,
            judged - started,
            suggested,
            time.monotonic() - judged,
        )

    def _studied(self, push: Push, deadline: float) -> Suggestions:
        """What is suggested once the check tells of the head's own study, and that is what is expected.

        Suggestions of an earlier push alone say nothing. At the deadline whatever is suggested then.
        """
        while time.monotonic() < deadline:
            found = self._suggested()
            if found == push.suggested and self._tells_of_a_study(self._scenario.shas[push.commit]):
                return found
            self._require_server()
            time.sleep(_POLL_SECONDS)
        return self._suggested()

    def _tells_of_a_study(self, sha: str) -> bool:
        runs = self._github.check_runs(REPOSITORY, sha)
        return any(_STUDIED.search(run["output"]["summary"] or "") for run in runs if run["name"] == CHECK_NAME)

    def _suggested(self) -> Suggestions:
        comments = self._github.review_comments(REPOSITORY, self._number or 0)
        return frozenset(each for comment in comments for each in _SUGGESTION.findall(comment["body"]))

    def _concluded(self, sha: str, deadline: float) -> Mapping[str, Any]:
        while time.monotonic() < deadline:
            runs: list[Mapping[str, Any]] = self._github.check_runs(REPOSITORY, sha)
            for run in runs:
                if run["name"] == CHECK_NAME and run["status"] == "completed":
                    return run
            self._require_server()
            time.sleep(_POLL_SECONDS)
        raise DemoError(f"no verdict on {sha} within {_VERDICT_SECONDS:.0f} seconds")

    def _require_server(self) -> None:
        """Raises `DemoError` when nobody is there to wait for."""
        if self._server.poll() is not None:
            raise DemoError(f"pagewarden ended by itself, with status {self._server.returncode}")


@contextmanager
def opened_stage(
    scenario: Scenario, directory: Path, log: Path, console: Console, more: Mapping[str, str]
) -> Iterator[Stage]:
    """All of it runs for as long as the block lasts; `more` are settings. Raises `DemoError`."""
    with Simulator(directory / "github") as github:
        say(console, f"GitHub, simulated: {github.url}")
        app = github.create_app(name=CHECK_NAME)
        github.create_repository(REPOSITORY, scenario.path)
        github.install(app.id, REPOSITORY)
        secret, port = secrets.token_hex(20), free_port()
        address = f"http://127.0.0.1:{port}"
        settings = {
            "APP_ID": str(app.id),
            "PRIVATE_KEY": app.private_key_pem,
            "WEBHOOK_SECRET": secret,
            "API_URL": github.api_url,
            "PORT": str(port),
            "DATA_DIR": str(directory / "data"),
            "CACHE_DIR": str(directory / "cache"),
            "PUBLIC_URL": address,
            **more,
        }
        with _serving(settings, log) as server:
            with console.status("starting pagewarden: web server, worker, Valkey"):
                _wait_until_healthy(address, server)
            say(console, f"pagewarden: {address}")
            github.set_webhook(app.id, f"{address}/webhook", secret)
            yield Stage(github, scenario, server, console)


@contextmanager
def _serving(settings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`pagewarden serve` with these settings and no others; all of it has ended afterwards."""
    own = {f"{ENVIRONMENT_PREFIX}{name}": value for name, value in settings.items()}
    # All of it is on this machine, whatever proxy leads out of it.
    own |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    with log.open("wb") as output:
        # A session of its own: Ctrl-C then reaches only the demo, which stops the server in its turn.
        server = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "serve"],
            env={**bare_environment(), **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield server
        finally:
            server.terminate()
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _introduced(annotations: Sequence[Mapping[str, Any]]) -> Cells:
    """The cells that a check's annotations complain of."""
    return frozenset(cell for each in annotations for cell in _FINDING.findall(each["message"]))


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DemoError(f"pagewarden did not start; it ended with status {server.returncode}")
        with requests.Session() as session, suppress(requests.RequestException):
            session.trust_env = False
            if session.get(f"{address}/healthz", timeout=1).ok:
                return
        time.sleep(_POLL_SECONDS)
    raise DemoError(f"pagewarden was not ready within {_START_SECONDS:.0f} seconds")
