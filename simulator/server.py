"""`Simulator`: GitHub on a port of this machine, with the things that people and their pushes do there."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator import auth, conversation, rest_reviews, reviews, web
from simulator.faults import Faults, Rates
from simulator.git import GitRepository
from simulator.records import App, Call, Delivery, Installation, Pull, Repository, Violation
from simulator.resources import Links
from simulator.rest import World
from simulator.state import State
from simulator.webhooks import Sender

Json = Any
HOST = "127.0.0.1"
FULL_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
PERMISSIONS = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}


class Simulator:
    """A GitHub of its own, from `with` to the end of it.

    `data_dir` takes the git repositories, `clock` is GitHub's clock (aware times). Repositories are named
    `owner/name`; one that is not there raises `LookupError`.
    """

    def __init__(
        self, data_dir: Path, port: int = 0, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._data_dir = data_dir
        self._port = port
        self._state = State(clock)
        self._sources: dict[str, Path] = {}

    def __enter__(self) -> Self:
        # Bound first: addresses, with the port, are in everything that the simulator says.
        listener = socket.create_server((HOST, self._port), backlog=128)
        self._links = Links(f"http://{HOST}:{listener.getsockname()[1]}")
        self._sender = Sender(self._state, self._links)
        self._faults = Faults()
        world = World(self._state, self._links, self._sender, self._faults, Rates())
        self._server = web.server(web.application(world), listener)
        poll = {"poll_interval": 0.05}  # seconds until a shutdown is noticed
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=poll, name="simulator", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sender.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The root of the pages and of git."""
        return self._links.web

    @property
    def api_url(self) -> str:
        """The root of the REST interface."""
        return self._links.api

    @property
    def calls(self) -> list[Call]:
        """REST calls that were answered, oldest first; paths are below the root."""
        return list(self._state.calls)

    @property
    def git_calls(self) -> list[Call]:
        """What git asked for over HTTP, oldest first."""
        return list(self._state.git_calls)

    @property
    def violations(self) -> list[Violation]:
        """What was not as GitHub describes it: requests, answers of the simulator, webhooks. Empty is good."""
        return list(self._state.violations)

    @property
    def deliveries(self) -> list[Delivery]:
        """Webhooks that were sent and answered, or not, oldest first."""
        return list(self._state.deliveries)

    def create_app(
        self,
        name: str = "pagewarden",
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        permissions: Mapping[str, str] = PERMISSIONS,
    ) -> App:
        """A GitHub App with a new key. With a webhook it gets its `ping`."""
        private, public = auth.new_key()
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        app = App(
            id=self._state.next_id("app"),
            private_key_pem=private,
            public_key_pem=public,
            name=name,
            slug=slug,
            owner=self._state.account("app-owner"),
            bot=self._state.account(f"{slug}[bot]", "Bot"),
            webhook_url=None,
            webhook_secret=None,
            permissions=dict(permissions),
            events=("pull_request",),
            created_at=self._state.now(),
        )
        self._state.apps[app.id] = app
        if webhook_url is not None:
            self.set_webhook(app.id, webhook_url, webhook_secret)
        return self._state.apps[app.id]

    def set_webhook(self, app_id: int, url: str, secret: str | None) -> None:
        """Set where an App's webhooks go and what signs them, and send a `ping` there."""
        with self._state.lock:
            app = replace(self._state.apps[app_id], webhook_url=url, webhook_secret=secret)
            self._state.apps[app_id] = app
        self._sender.ping(app)

    def create_repository(
        self, full_name: str, source: Path, *, private: bool = False, default_branch: str | None = None
    ) -> Repository:
        """A repository with all branches and tags of the local git repository at `source`.

        The default branch is the one that is checked out there, unless another is named.
        """
        if not FULL_NAME.fullmatch(full_name) or self._state.repository(full_name):
            raise ValueError(f"{full_name!r} is no name for a new repository")
        owner, name = full_name.split("/")
        git = GitRepository(self._data_dir / owner.lower() / f"{name.lower()}.git")
        git.directory.parent.mkdir(parents=True, exist_ok=True)
        git.create(source)
        now = self._state.now()
        repository = Repository(
            self._state.next_id("repository"),
            self._state.account(owner, "Organization"),
            name,
            private,
            default_branch or git.default_branch(),
            git,
            now,
            now,
        )
        self._state.put_repository(repository)
        self._sources[repository.full_name] = source
        return repository

    def install(self, app_id: int, full_name: str) -> int:
        """Install an App on a repository and return the installation's id. An account has one of each App."""
        repository, state = self._repository(full_name), self._state
        with state.lock:
            for one in state.installations.values():
                if (one.app_id, one.account) == (app_id, repository.owner):
                    more = replace(one, repositories=one.repositories | {repository.full_name})
                    state.installations[one.id] = more
                    return one.id
            new = Installation(
                state.next_id("installation"),
                state.apps[app_id].id,
                repository.owner,
                frozenset({repository.full_name}),
                state.now(),
            )
            state.installations[new.id] = new
        return new.id

    def uninstall(self, installation_id: int) -> None:
        """Remove an installation; its tokens are worth nothing from then on."""
        with self._state.lock:
            del self._state.installations[installation_id]

    def open_pull(
        self,
        full_name: str,
        head: str,
        base: str,
        title: str,
        author: str = "octocat",
        body: str | None = None,
        *,
        draft: bool = False,
        head_repository: str | None = None,
    ) -> Pull:
        """Open a pull request from branch `head` into `base`; from another repository (a fork) if one is named."""
        repository, state = self._repository(full_name), self._state
        fork = self._repository(head_repository) if head_repository else repository
        head_sha, base_sha = _tip(fork, head), _tip(repository, base)
        with state.lock:
            number = 1 + max((pull.number for pull in state.pulls_of(repository)), default=0)
            pull = state.put_pull(
                Pull(
                    id=state.next_id("pull"),
                    number=number,
                    repository=repository.full_name,
                    title=title,
                    body=body,
                    author=state.account(author),
                    state="open",
                    draft=draft,
                    head_repository=fork.full_name,
                    head_ref=head,
                    base_ref=base,
                    base_sha=base_sha,
                    heads=(head_sha,),
                    created_at=state.now(),
                    updated_at=state.now(),
                )
            )
        self._bring_head(repository, pull)
        self._tell(pull, "opened", {})
        return pull

    def push(self, full_name: str, branch: str, revision: str) -> str:
        """Move (or make) a branch to what `revision` names in the repository's source, and return the sha.

        Open pull requests from that branch get the commit as their new head, and `synchronize` is sent.
        """
        repository, state = self._repository(full_name), self._state
        sha = repository.git.fetch(self._sources[repository.full_name], revision)
        before = repository.git.branch(branch)
        repository.git.set_ref(f"refs/heads/{branch}", sha)
        with state.lock:
            state.put_repository(replace(self._repository(full_name), pushed_at=state.now()))
        if sha == before:
            return sha
        for pull in state.pulls_with_head(repository, branch):
            its = self._repository(pull.repository)
            moved = replace(pull, heads=(*pull.heads, sha), updated_at=state.now())
            self._bring_head(its, moved)
            state.put_pull(moved)
            self._tell(moved, "synchronize", {"before": pull.head_sha, "after": sha})
        return sha

    def close_pull(self, full_name: str, number: int) -> Pull:
        """Close a pull request without merging it."""
        now = self._state.now()
        return self._change_pull(full_name, number, "closed", {"state": "closed", "closed_at": now})

    def reopen_pull(self, full_name: str, number: int) -> Pull:
        """Open a closed pull request again, with what its branch is at now."""
        pull = self.pull(full_name, number)
        tip = _tip(self._repository(pull.head_repository), pull.head_ref)
        heads = pull.heads if tip == pull.head_sha else (*pull.heads, tip)
        self._bring_head(self._repository(full_name), replace(pull, heads=heads))
        fields = {"state": "open", "closed_at": None, "heads": heads}
        return self._change_pull(full_name, number, "reopened", fields)

    def mark_ready(self, full_name: str, number: int) -> Pull:
        """Make a draft ready for review."""
        return self._change_pull(full_name, number, "ready_for_review", {"draft": False})

    def edit_pull(self, full_name: str, number: int, *, base: str | None = None, title: str | None = None) -> Pull:
        """Change a pull request's title or the branch that it is for."""
        pull = self.pull(full_name, number)
        fields: dict[str, Json] = {}
        changes: dict[str, Json] = {}
        if title is not None:
            fields["title"] = title
            changes["title"] = {"from": pull.title}
        if base is not None:
            fields |= {"base_ref": base, "base_sha": _tip(self._repository(full_name), base)}
            changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        return self._change_pull(full_name, number, "edited", fields, {"changes": changes})

    def pull(self, full_name: str, number: int) -> Pull:
        """A pull request as it is now."""
        found = self._state.pull(self._repository(full_name), number)
        if found is None:
            raise LookupError(f"{full_name} has no pull request {number}")
        return found

    def check_runs(self, full_name: str, sha: str) -> list[Json]:
        """Check runs on a commit as the REST interface shows them, all of them, oldest first."""
        runs = self._state.check_runs_of(self._repository(full_name), sha)
        return [conversation.check_run(self._links, run, self._state) for run in reversed(runs)]

    def annotations(self, check_run_id: int) -> list[Json]:
        """A check run's annotations as the REST interface shows them."""
        return conversation.check_annotations(self._links, self._state.check_runs[check_run_id], self._state)

    def comments(self, full_name: str, number: int) -> list[Json]:
        """A pull request's comments as the REST interface shows them, oldest first."""
        found = self._state.comments_of(self._repository(full_name), number)
        return [conversation.comment(self._links, one, self._state) for one in found]

    def review_comments(self, full_name: str, number: int) -> list[Json]:
        """Comments on lines of a pull request as the REST interface shows them, oldest first."""
        found = self._state.review_comments_of(self._repository(full_name), number)
        return [reviews.review_comment(self._links, one, self._state) for one in found]

    def reply(self, full_name: str, number: int, comment_id: int, text: str, author: str = "octocat") -> int:
        """A person's reply to a comment on a line; returns its id."""
        pull, state = self.pull(full_name, number), self._state
        made = rest_reviews.reply(state, self._repository(full_name), pull, comment_id, state.account(author), text)
        with state.lock:
            state.review_comments[made.id] = made
        return made.id

    def redeliver(self, guid: str) -> None:
        """Send a delivery once more, under the same guid, at once."""
        for one in self.deliveries:
            if one.guid == guid:
                self._sender.redeliver(one)
                return
        raise LookupError(f"no delivery {guid} was sent yet")

    def wait_for_deliveries(self, timeout: float = 30.0) -> bool:
        """Wait until all webhooks so far are sent and answered; false when that takes longer (seconds)."""
        return self._sender.wait(timeout)

    def forget_unreachable(self, full_name: str) -> None:
        """Drop commits that nothing reaches, as happens at some time after a force-push."""
        self._repository(full_name).git.prune()

    def fail_next(
        self,
        method: str,
        path_regex: str,
        status: int,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        *,
        performed: bool = False,
    ) -> None:
        """Answer the next such requests with `status`; where `performed`, after doing what they ask for.

        The expression is searched for in the path: below the root for REST, the whole path for git.
        """
        self._faults.order(method, path_regex, status, headers=headers or {}, times=times, performed=performed)

    def _repository(self, full_name: str) -> Repository:
        found = self._state.repository(full_name)
        if found is None:
            raise LookupError(f"no repository {full_name}")
        return found

    def _change_pull(
        self,
        full_name: str,
        number: int,
        action: str,
        fields: Mapping[str, Json],
        more: Mapping[str, Json] | None = None,
    ) -> Pull:
        with self._state.lock:
            pull = replace(self.pull(full_name, number), **fields, updated_at=self._state.now())
            self._state.put_pull(pull)
        self._tell(pull, action, more or {})
        return pull

    def _bring_head(self, repository: Repository, pull: Pull) -> None:
        """Keep `refs/pull/N/head` at the pull request's head, fetched from the fork where it is one."""
        if pull.head_repository != pull.repository:
            repository.git.fetch(self._repository(pull.head_repository).git.directory, pull.head_sha)
        repository.git.set_ref(f"refs/pull/{pull.number}/head", pull.head_sha)

    def _tell(self, pull: Pull, action: str, more: Mapping[str, Json]) -> None:
        repository = self._repository(pull.repository)
        self._sender.pull_request(repository, pull, action, pull.author, more)


def _tip(repository: Repository, branch: str) -> str:
    sha = repository.git.branch(branch)
    if sha is None:
        raise LookupError(f"{repository.full_name} has no branch {branch}")
    return sha
