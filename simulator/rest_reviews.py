"""Endpoints about reviews, and about comments on lines of a pull request's diff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator import patch, reviews
from simulator.records import Account, Pull, Repository, Review, ReviewComment
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission
from simulator.rest_comments import LONGEST_COMMENT
from simulator.rest_repository import find_pull
from simulator.state import State

READ = permission("read", "pull_requests")
WRITE = permission("write", "pull_requests")
OF_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}/comments"
ONE = "/repos/{owner}/{repo}/pulls/comments/{comment_id}"
RESOURCE = "PullRequestReviewComment"
THREAD = "pull_request_review_thread"
# What a review's event makes its state.
REVIEWED = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}

Json = Any


@endpoint("GET", OF_PULL, READ)
def list_review_comments(request: Request) -> Answer:
    """Comments on lines of one pull request, the oldest first unless `direction` is desc."""
    pull = find_pull(request, "pull_number")
    found = request.state.review_comments_of(request.repository, pull.number)
    if since := request.query.get("since"):
        found = [one for one in found if one.updated_at >= datetime.fromisoformat(since)]
    if request.query.get("sort") == "updated":
        found.sort(key=lambda one: one.updated_at)
    if request.query.get("direction") == "desc":
        found.reverse()
    shown, headers = page_of(request, found)
    return Answer([reviews.review_comment(request.links, one, request.state) for one in shown], headers=headers)


@endpoint("POST", OF_PULL, WRITE)
def create_review_comment(request: Request) -> Answer:
    """A new comment by the App's bot, on a line of the diff or as a reply to another one."""
    state, caller, body = request.state, request.installation, request.body
    pull = find_pull(request, "pull_number")
    text = _text(request)
    if "in_reply_to" in body:
        made = reply(state, request.repository, pull, body["in_reply_to"], caller.app.bot, text)
        made = replace(made, app_id=caller.app.id)
    else:
        made = _on_line(request, pull, text)
    with state.lock:
        state.review_comments[made.id] = made
    return Answer(reviews.review_comment(request.links, made, state), 201)


@endpoint("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", WRITE)
def create_review(request: Request) -> Answer:
    """A review by the App's bot with comments on lines: all of them, or with one that cannot be placed none."""
    state, body, pull = request.state, request.body, find_pull(request, "pull_number")
    sha, asked, text = body.get("commit_id", pull.head_sha), body.get("comments", []), body.get("body", "")
    if body.get("event") not in REVIEWED:
        raise Problem(422, "Unprocessable Entity", ["The simulator keeps no pending reviews: event is needed"])
    if body["event"] != "APPROVE" and not asked and not text.strip():
        raise Problem(422, "Unprocessable Entity", ["Review body can't be blank"])
    if len(text) > LONGEST_COMMENT:
        raise Problem(422, "Unprocessable Entity", [f"Body is too long (maximum is {LONGEST_COMMENT} characters)"])
    review = Review(
        id=state.next_id("review"),
        repository=request.repository.full_name,
        number=pull.number,
        author=request.installation.app.bot,
        state=REVIEWED[body["event"]],
        body=text,
        commit_sha=sha,
        submitted_at=state.now(),
    )
    made = _of_review(request, pull, review, asked)
    with state.lock:
        state.reviews[review.id] = review
        state.review_comments |= {one.id: one for one in made}
    return Answer(reviews.review(request.links, review, state))


@endpoint("GET", ONE, READ)
def get_review_comment(request: Request) -> Answer:
    """One comment."""
    return Answer(reviews.review_comment(request.links, _comment(request), request.state))


@endpoint("PATCH", ONE, WRITE)
def update_review_comment(request: Request) -> Answer:
    """Another text for a comment."""
    state = request.state
    with state.lock:
        comment = replace(_own(request), body=_text(request), updated_at=state.now())
        state.review_comments[comment.id] = comment
    return Answer(reviews.review_comment(request.links, comment, state))


@endpoint("DELETE", ONE, WRITE)
def delete_review_comment(request: Request) -> Answer:
    """Remove a comment; replies to it stay."""
    with request.state.lock:
        del request.state.review_comments[_own(request).id]
    return Answer(None, 204)


def reply(state: State, repository: Repository, pull: Pull, to: int, author: Account, text: str) -> ReviewComment:
    """A reply, not stored yet. Raises `Problem` 404 where there is no such comment to reply to."""
    parent = state.review_comments.get(to)
    if parent is None or (parent.repository, parent.number) != (repository.full_name, pull.number):
        raise Problem(404, "Not Found")
    # A reply to a reply belongs to the comment that the conversation began with.
    first = parent.in_reply_to or parent.id
    now = state.now()
    return replace(
        parent,
        id=state.next_id("review comment"),
        review_id=state.next_id("review"),
        author=author,
        app_id=None,
        body=text,
        in_reply_to=first,
        created_at=now,
        updated_at=now,
    )


def _on_line(request: Request, pull: Pull, text: str) -> ReviewComment:
    state, body = request.state, request.body
    sha, path, side = body["commit_id"], body["path"], body.get("side", "RIGHT")
    if not _is_of(request, pull, sha):
        raise _refused("end_commit_oid", "custom", f"{THREAD}.end_commit_oid is not part of the pull request")
    if "line" not in body:
        raise Problem(422, f"Invalid request.\n\n{THREAD}.line wasn't supplied.", ["line is missing"])
    shown = reviews.patch_of(request.repository, pull, sha, path)
    if shown is None:
        raise _refused("path", "invalid", None)
    row = patch.position(shown, side, body["line"])
    if row is None:
        raise _refused("line", "custom", f"{THREAD}.line must be part of the diff")
    return _placed(request, pull, state.next_id("review"), sha, body, text, row, shown)


def _of_review(
    request: Request, pull: Pull, review: Review, asked: Sequence[Mapping[str, Json]]
) -> list[ReviewComment]:
    """The comments of a review, not stored yet. Raises `Problem` 422, where GitHub does not say which one it is for."""
    if not _is_of(request, pull, review.commit_sha):
        raise Problem(422, "Unprocessable Entity", ["Commit is not part of the pull request"])
    made = []
    for one in asked:
        shown = reviews.patch_of(request.repository, pull, review.commit_sha, one["path"])
        if shown is None:
            raise Problem(422, "Unprocessable Entity", ["Path could not be resolved"])
        row = patch.position(shown, one.get("side", "RIGHT"), one["line"]) if "line" in one else None
        if row is None or "start_line" in one:
            raise Problem(422, "Unprocessable Entity", ["Line could not be resolved"])
        text = _checked(one["body"])
        made.append(_placed(request, pull, review.id, review.commit_sha, one, text, row, shown))
    return made


def _is_of(request: Request, pull: Pull, sha: str) -> bool:
    repository = request.repository
    return sha in {one.sha for one in repository.git.between(repository.base_of(pull), pull.head_sha)}


def _placed(
    request: Request, pull: Pull, review_id: int, sha: str, asked: Mapping[str, Json], text: str, row: int, shown: str
) -> ReviewComment:
    """A comment on the row of a patch that `asked` names, not stored yet."""
    now, app = request.state.now(), request.installation.app
    return ReviewComment(
        id=request.state.next_id("review comment"),
        review_id=review_id,
        repository=request.repository.full_name,
        number=pull.number,
        author=app.bot,
        app_id=app.id,
        body=text,
        path=asked["path"],
        commit_sha=sha,
        side=asked.get("side", "RIGHT"),
        line=asked["line"],
        position=row,
        diff_hunk=patch.hunk_until(shown, row),
        in_reply_to=None,
        created_at=now,
        updated_at=now,
    )


def _refused(field: str, code: str, message: str | None) -> Problem:
    error = {"resource": RESOURCE, "code": code, "field": f"{THREAD}.{field}"}
    if message is not None:
        error["message"] = message
    missing = {"resource": RESOURCE, "code": "missing_field", "field": f"{THREAD}.diff_hunk"}
    return Problem(422, "Validation Failed", [error, missing])


def _text(request: Request) -> str:
    return _checked(request.body["body"])


def _checked(text: str) -> str:
    """The text of a comment. Raises `Problem` 422 where GitHub does not take it."""
    details = {"resource": RESOURCE, "code": "unprocessable", "field": "data"}
    if len(text) > LONGEST_COMMENT:
        message = f"Body is too long (maximum is {LONGEST_COMMENT} characters)"
        raise Problem(422, "Validation Failed", [{**details, "message": message}])
    if not text.strip():
        raise Problem(422, "Validation Failed", [{**details, "message": "Body cannot be blank"}])
    return text


def _comment(request: Request) -> ReviewComment:
    comment = request.state.review_comments.get(request.path["comment_id"])
    if comment is None or comment.repository != request.repository.full_name:
        raise Problem(404, "Not Found")
    return comment


def _own(request: Request) -> ReviewComment:
    comment = _comment(request)
    if comment.app_id != request.installation.app.id:
        raise Problem(403, "Resource not accessible by integration")
    return comment
