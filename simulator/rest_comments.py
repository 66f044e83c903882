"""Endpoints about comments on pull requests, which GitHub keeps with the issues."""

from __future__ import annotations

from datetime import datetime

from simulator import conversation, talk
from simulator.records import Comment
from simulator.rest import Answer, Problem, Request, endpoint, page_of, permission
from simulator.rest_repository import find_pull

READ = permission("read", "issues", "pull_requests")
WRITE = permission("write", "issues", "pull_requests")
OF_PULL = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
ONE = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
LONGEST_COMMENT = 65536


@endpoint("GET", OF_PULL, READ)
def list_comments(request: Request) -> Answer:
    """Comments of one pull request, the oldest first."""
    pull = find_pull(request, "issue_number")
    found = request.state.comments_of(request.repository, pull.number)
    if since := request.query.get("since"):
        found = [one for one in found if one.updated_at >= datetime.fromisoformat(since)]
    shown, headers = page_of(request, found)
    return Answer([conversation.comment(request.links, one, request.state) for one in shown], headers=headers)


@endpoint("POST", OF_PULL, WRITE)
def create_comment(request: Request) -> Answer:
    """A new comment by the App's bot."""
    pull, app = find_pull(request, "issue_number"), request.installation.app
    made = talk.comment(request.world, pull, app.bot, _body(request), app)
    return Answer(conversation.comment(request.links, made, request.state), 201)


@endpoint("GET", ONE, READ)
def get_comment(request: Request) -> Answer:
    """One comment."""
    return Answer(conversation.comment(request.links, find_comment(request), request.state))


@endpoint("PATCH", ONE, WRITE)
def update_comment(request: Request) -> Answer:
    """Another text for a comment."""
    with request.state.lock:
        own = _own(request)
        edited = talk.edit(request.world, own.id, own.author, _body(request))
    return Answer(conversation.comment(request.links, edited, request.state))


@endpoint("DELETE", ONE, WRITE)
def delete_comment(request: Request) -> Answer:
    """Remove a comment."""
    with request.state.lock:
        own = _own(request)
        talk.delete(request.world, own.id, own.author)
    return Answer(None, 204)


def _body(request: Request) -> str:
    body: str = request.body["body"]
    details = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
    if len(body) > LONGEST_COMMENT:
        message = f"Body is too long (maximum is {LONGEST_COMMENT} characters)"
        raise Problem(422, "Validation Failed", [{**details, "message": message}])
    if not body.strip():
        raise Problem(422, "Validation Failed", [{**details, "message": "Body cannot be blank"}])
    return body


def find_comment(request: Request) -> Comment:
    """The comment that the path names. Raises `Problem` 404."""
    comment = request.state.comments.get(request.path["comment_id"])
    if comment is None or comment.repository != request.repository.full_name:
        raise Problem(404, "Not Found")
    return comment


def _own(request: Request) -> Comment:
    comment = find_comment(request)
    if comment.app_id != request.installation.app.id:
        raise Problem(403, "Resource not accessible by integration")
    return comment
