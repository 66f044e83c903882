"""`Simulator`: GitHub on a port of this machine, with the things that people and their pushes do there."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulator import apps, branches, checks, conversation, pulls, rest_people, rest_reviews, reviews, talk, web
from simulator.faults import Faults, Rates, Switches
from simulator.files import Files
from simulator.git import GitRepository
from simulator.records import App, Call, Delivery, MergeGroup, Pull, Repository, Violation
from simulator.releasing import Releasing
from simulator.resources import Links
from simulator.rest import World
from simulator.running import Running
from simulator.side import SOMEBODY
from simulator.state import State
from simulator.webhooks import Sender

Json = Any
HOST = "127.0.0.1"
FULL_NAME = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
PERMISSIONS = {
    "actions": "write",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "write",
}
EVENTS = ("check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "push", "workflow_run")
"""What an App listens to. `ping` and what becomes of its installations it is always told."""


class Simulator(Releasing, Running):
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
        self._world = World(
            self._state,
            self._links,
            self._sender,
            self._faults,
            Rates(),
            Files(self._data_dir / "_files"),
            Switches(),
        )
        self._server = web.server(web.application(self._world), listener)
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
        events: Sequence[str] = EVENTS,
    ) -> App:
        """A GitHub App with a new key. With a webhook it gets its `ping`, and the events that it listens to."""
        app = apps.new_app(self._state, name, permissions, events)
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

    def delete_repository(self, full_name: str) -> None:
        """Delete a fork. What pull requests from it have brought stays."""
        repository = self._repository(full_name)
        if self._state.pulls_of(repository):
            raise ValueError(f"{full_name} has pull requests of its own: only forks can be deleted here")
        self._state.drop_repository(repository)

    def install(self, app_id: int, full_name: str) -> int:
        """Install an App on a repository and return the installation's id. An account has one of each App."""
        app, by = self._state.apps[app_id], self._state.account(SOMEBODY)
        return apps.install(self._world, app, self._repository(full_name), by).id

    def uninstall(self, installation_id: int) -> None:
        """Remove an installation; its tokens are worth nothing from then on."""
        apps.uninstall(self._world, installation_id, self._state.account(SOMEBODY))

    def set_permission(self, full_name: str, login: str, role: str | None) -> None:
        """What somebody may do: admin, maintain, write, triage or read; `None` is no more than anybody."""
        if role not in {*rest_people.PERMISSIONS, None}:
            raise ValueError(f"{role!r} is none of {', '.join(rest_people.PERMISSIONS)}")
        key = (self._repository(full_name).full_name, self._state.account(login).login.lower())
        with self._state.lock:
            self._state.roles.pop(key, None)
            if role is not None:
                self._state.roles[key] = role

    def set_association(self, login: str, association: str) -> None:
        """GitHub's word for what somebody is to the repositories: OWNER, MEMBER, FIRST_TIME_CONTRIBUTOR, …"""
        self._state.associations[login.lower()] = association

    def open_pull(
        self,
        full_name: str,
        head: str,
        base: str,
        title: str,
        author: str = SOMEBODY,
        body: str | None = None,
        *,
        draft: bool = False,
        head_repository: str | None = None,
    ) -> Pull:
        """Open a pull request from branch `head` into `base`; from another repository (a fork) if one is named."""
        repository, who = self._repository(full_name), self._state.account(author)
        fork = self._repository(head_repository) if head_repository else repository
        return pulls.open_pull(self._world, repository, fork, head, base, title, who, body, draft=draft)

    def push(self, full_name: str, branch: str, revision: str, by: str | None = None) -> str:
        """Move (or make) a branch to what `revision` names in the repository's source, and return the sha.

        Open pull requests from that branch get the commit as their new head, and `synchronize` is sent.
        """
        repository = self._repository(full_name)
        sha = repository.git.fetch(self._sources[repository.full_name], revision)
        branches.move(self._world, repository, branch, sha, self._state.account(by) if by else None)
        return sha

    def delete_branch(self, full_name: str, branch: str, by: str = SOMEBODY) -> None:
        """Delete a branch. Pull requests from it stay open, at the head that they had."""
        branches.remove(self._world, self._repository(full_name), branch, self._state.account(by))

    def close_pull(self, full_name: str, number: int) -> Pull:
        """Close a pull request without merging it."""
        fields = {"state": "closed", "closed_at": self._state.now()}
        return pulls.change(self._world, self.pull(full_name, number), "closed", fields)

    def reopen_pull(self, full_name: str, number: int) -> Pull:
        """Open a closed pull request again, with what its branch is at now."""
        return pulls.reopen(self._world, self.pull(full_name, number))

    def mark_ready(self, full_name: str, number: int) -> Pull:
        """Make a draft ready for review."""
        return pulls.change(self._world, self.pull(full_name, number), "ready_for_review", {"draft": False})

    def convert_to_draft(self, full_name: str, number: int) -> Pull:
        """Make a pull request a draft."""
        return pulls.change(self._world, self.pull(full_name, number), "converted_to_draft", {"draft": True})

    def edit_pull(self, full_name: str, number: int, *, base: str | None = None, title: str | None = None) -> Pull:
        """Change a pull request's title or the branch that it is for."""
        return pulls.edit(self._world, self._repository(full_name), self.pull(full_name, number), base, title)

    def merge(self, full_name: str, number: int, by: str = SOMEBODY) -> str:
        """Merge a pull request by a merge commit, and return its sha."""
        pull = self.pull(full_name, number)
        return pulls.merge(self._world, self._repository(full_name), pull, self._state.account(by))

    def queue(self, full_name: str, number: int, by: str = SOMEBODY) -> MergeGroup:
        """Put a pull request into the merge queue, alone in its group."""
        pull = self.pull(full_name, number)
        return pulls.queue(self._world, self._repository(full_name), pull, self._state.account(by))

    def dequeue(self, full_name: str, group: MergeGroup, reason: str = "dequeued", by: str = SOMEBODY) -> None:
        """Take a group off the queue: `dequeued`, `invalidated`, or `merged`, which lands it on the base branch."""
        pulls.dequeue(self._world, self._repository(full_name), group, reason, self._state.account(by))

    def comment(self, full_name: str, number: int, author: str, body: str) -> int:
        """A person's comment on a pull request; returns its id."""
        return talk.comment(self._world, self.pull(full_name, number), self._state.account(author), body).id

    def edit_comment(self, comment_id: int, author: str, body: str) -> None:
        """Another text for a comment, by its author or by somebody else who may."""
        talk.edit(self._world, comment_id, self._state.account(author), body)

    def delete_comment(self, comment_id: int, author: str = SOMEBODY) -> None:
        """Remove a comment."""
        talk.delete(self._world, comment_id, self._state.account(author))

    def press(self, check_run_id: int, identifier: str, sender: str = SOMEBODY) -> None:
        """Press a button of a check run. GitHub shows them once the run is completed."""
        checks.press(self._world, self._state.check_runs[check_run_id], identifier, self._state.account(sender))

    def rerun(self, check_run_id: int, sender: str = SOMEBODY) -> None:
        """Ask for a check run again; what becomes of it is for its App to say."""
        checks.rerun(self._world, self._state.check_runs[check_run_id], self._state.account(sender))

    def rerun_suite(self, full_name: str, sha: str, sender: str = SOMEBODY) -> None:
        """Ask for all checks on a commit again."""
        checks.rerun_suite(self._world, self._repository(full_name), sha, self._state.account(sender))

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

    def buttons(self, check_run_id: int) -> list[Json]:
        """The buttons of a check run as they were sent: GitHub's REST interface does not show them."""
        return [dict(one) for one in self._state.check_runs[check_run_id].actions]

    def statuses(self, full_name: str, sha: str) -> list[Json]:
        """A commit's statuses as the REST interface shows them, newest first."""
        found = self._state.statuses_of(self._repository(full_name), sha)
        return [conversation.status(self._links, one, self._state) for one in found]

    def reactions(self, comment_id: int) -> list[Json]:
        """Reactions to a comment as the REST interface shows them, oldest first."""
        return [conversation.reaction(self._links, one) for one in self._state.reactions_to(comment_id)]

    def minimized(self, comment_id: int) -> str | None:
        """Why a comment is folded away, in GitHub's word, or `None`."""
        return self._state.comments[comment_id].minimized

    def labels(self, full_name: str, number: int) -> list[str]:
        """The names of a pull request's labels."""
        return list(self.pull(full_name, number).labels)

    def reviews(self, full_name: str, number: int) -> list[Json]:
        """Reviews that were made as such, as the REST interface shows them, oldest first."""
        found = self._state.reviews_of(self._repository(full_name), number)
        return [reviews.review(self._links, one, self._state) for one in found]

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
