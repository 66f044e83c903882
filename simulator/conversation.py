"""Records as the JSON of GitHub's REST interface: pull requests, checks, statuses, comments and deliveries."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from simulator import resources
from simulator.records import CheckRun, Comment, Delivery, Label, Pull, Reaction, Repository, Status
from simulator.resources import Links, account, node_id, timestamp
from simulator.state import State

Json = Any
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def pull(links: Links, one: Pull, state: State) -> Json:
    """`pull-request-simple`."""
    its = _repository(state, one.repository)
    api, page = f"{links.repository(its)}/pulls/{one.number}", f"{links.page(its)}/pull/{one.number}"
    issue = f"{links.repository(its)}/issues/{one.number}"
    urls = {
        "url": api,
        "html_url": page,
        "issue_url": issue,
        "comments_url": f"{issue}/comments",
        "review_comments_url": f"{api}/comments",
        "review_comment_url": f"{links.repository(its)}/pulls/comments{{/number}}",
        "commits_url": f"{api}/commits",
        "statuses_url": f"{links.repository(its)}/statuses/{one.head_sha}",
    }
    linked = {
        "self": "url",
        "html": "html_url",
        "issue": "issue_url",
        "comments": "comments_url",
        "review_comments": "review_comments_url",
        "review_comment": "review_comment_url",
        "commits": "commits_url",
        "statuses": "statuses_url",
    }
    return {
        **urls,
        "id": one.id,
        "node_id": node_id("PR", one.id),
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "number": one.number,
        "state": one.state,
        "locked": False,
        "title": one.title,
        "user": account(links, one.author),
        "body": one.body,
        "labels": [label(links, state.label(its, name), its) for name in one.labels],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "closed_at": timestamp(one.closed_at) if one.closed_at else None,
        "merged_at": timestamp(one.merged_at) if one.merged_at else None,
        "merge_commit_sha": one.merged_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(links, state, one.head_repository, one.head_ref, one.head_sha),
        "base": _side(links, state, one.repository, one.base_ref, one.base_sha),
        "_links": {name: {"href": urls[key]} for name, key in linked.items()},
        "author_association": state.association(one.author, "CONTRIBUTOR"),
        "auto_merge": None,
        "draft": one.draft,
    }


def full_pull(links: Links, one: Pull, state: State) -> Json:
    """`pull-request`: the simple form and what GitHub counts."""
    its = _repository(state, one.repository)
    merge_base = its.git.merge_base(its.base_of(one), one.head_sha)
    files = its.git.changes(merge_base, one.head_sha)
    additions, deletions = resources.line_totals(files)
    return {
        **pull(links, one, state),
        "merged": one.merged_at is not None,
        "mergeable": None if one.merged_at else True,
        "rebaseable": None if one.merged_at else True,
        "mergeable_state": "unknown" if one.merged_at else "draft" if one.draft else "clean",
        "merged_by": account(links, one.merged_by) if one.merged_by else None,
        "comments": len(state.comments_of(its, one.number)),
        "review_comments": len(state.review_comments_of(its, one.number)),
        "maintainer_can_modify": one.head_repository != one.repository,
        "commits": len(its.git.between(its.base_of(one), one.head_sha)),
        "additions": additions,
        "deletions": deletions,
        "changed_files": len(files),
    }


def check_run(links: Links, one: CheckRun, state: State) -> Json:
    """`check-run`. Pull requests from forks are not in its `pull_requests`, as on GitHub."""
    its = _repository(state, one.repository)
    api, page = f"{links.repository(its)}/check-runs/{one.id}", f"{links.page(its)}/runs/{one.id}"
    return {
        "id": one.id,
        "name": one.name,
        "node_id": node_id("CR", one.id),
        "head_sha": one.head_sha,
        "external_id": one.external_id,
        "url": api,
        "html_url": page,
        "details_url": one.details_url or links.web,
        "status": one.status,
        "conclusion": one.conclusion,
        "started_at": timestamp(one.started_at),
        "completed_at": timestamp(one.completed_at) if one.completed_at else None,
        "output": {
            "title": one.title,
            "summary": one.summary,
            "text": one.text,
            "annotations_count": len(one.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": one.suite_id},
        "app": resources.app(links, state.apps[one.app_id], state),
        "pull_requests": pulls_at(links, its, one.head_sha, state),
    }


def pulls_at(links: Links, its: Repository, sha: str, state: State) -> list[Json]:
    """The `pull-request-minimal` of each open pull request with that head, but for those from forks."""
    return [
        _pull_minimal(links, found, state)
        for found in state.pulls_of(its)
        if (found.head_sha, found.state, found.head_repository) == (sha, "open", its.full_name)
    ]


def check_annotations(links: Links, one: CheckRun, state: State) -> list[Json]:
    """Each `check-annotation` of a check run."""
    page = links.page(_repository(state, one.repository))
    optional = ("start_column", "end_column", "title", "raw_details")
    return [
        {
            **dict.fromkeys(optional),
            **sent,
            "blob_href": f"{page}/blob/{one.head_sha}/{quote(sent['path'])}",
        }
        for sent in one.annotations
    ]


def comment(links: Links, one: Comment, state: State) -> Json:
    """`issue-comment`."""
    its = _repository(state, one.repository)
    return {
        "id": one.id,
        "node_id": node_id("IC", one.id),
        "url": f"{links.repository(its)}/issues/comments/{one.id}",
        "html_url": f"{links.page(its)}/pull/{one.number}#issuecomment-{one.id}",
        "issue_url": f"{links.repository(its)}/issues/{one.number}",
        "user": account(links, one.author),
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.updated_at),
        "author_association": state.association(one.author, "NONE"),
        "body": one.body,
        "performed_via_github_app": resources.app(links, state.apps[one.app_id], state) if one.app_id else None,
        "reactions": _rollup(f"{links.repository(its)}/issues/comments/{one.id}", state.reactions_to(one.id)),
    }


def issue(links: Links, one: Pull, state: State) -> Json:
    """A pull request as the issue that it is as well, in webhooks about its comments."""
    its = _repository(state, one.repository)
    api = f"{links.repository(its)}/issues/{one.number}"
    shown = pull(links, one, state)
    same = (
        *("id", "node_id", "number", "state", "locked", "title", "user", "body", "labels", "milestone"),
        *("active_lock_reason", "created_at", "updated_at", "closed_at", "assignee", "assignees"),
        *("author_association", "draft", "html_url"),
    )
    return {
        **{key: shown[key] for key in same},
        "url": api,
        "repository_url": links.repository(its),
        "labels_url": f"{api}/labels{{/name}}",
        "comments_url": f"{api}/comments",
        "events_url": f"{api}/events",
        "timeline_url": f"{api}/timeline",
        "comments": len(state.comments_of(its, one.number)),
        "reactions": _rollup(api, []),
        "state_reason": None,
        "performed_via_github_app": None,
        "pull_request": {key: shown[key] for key in ("url", "html_url", "diff_url", "patch_url", "merged_at")},
    }


def label(links: Links, one: Label, its: Repository) -> Json:
    """`label`."""
    return {
        "id": one.id,
        "node_id": node_id("LA", one.id),
        "url": f"{links.repository(its)}/labels/{quote(one.name)}",
        "name": one.name,
        "description": None,
        "color": one.color,
        "default": False,
    }


def reaction(links: Links, one: Reaction) -> Json:
    """`reaction`."""
    return {
        "id": one.id,
        "node_id": node_id("REA", one.id),
        "user": account(links, one.author),
        "content": one.content,
        "created_at": timestamp(one.created_at),
    }


def status(links: Links, one: Status, state: State) -> Json:
    """`status`."""
    its = _repository(state, one.repository)
    creator = account(links, one.creator)
    return {
        "url": f"{links.repository(its)}/statuses/{one.sha}",
        "avatar_url": creator["avatar_url"],
        "id": one.id,
        "node_id": node_id("SC", one.id),
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": timestamp(one.created_at),
        "updated_at": timestamp(one.created_at),
        "creator": creator,
    }


def delivery_item(one: Delivery) -> Json:
    """`hook-delivery-item`."""
    return {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": timestamp(one.delivered_at),
        "redelivery": one.redelivery,
        "duration": round(one.duration, 2),
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation_id,
        "repository_id": one.repository_id,
        "throttled_at": None,
    }


def delivery(one: Delivery) -> Json:
    """`hook-delivery`: the item and what was sent and answered."""
    return {
        **delivery_item(one),
        "url": one.url,
        "request": {"headers": dict(one.request_headers), "payload": json.loads(one.payload)},
        "response": {"headers": dict(one.response_headers), "payload": one.response_body},
    }


def _side(links: Links, state: State, repository: str, ref: str, sha: str) -> Json:
    """An end of a pull request. Of a fork that was deleted GitHub still knows the owner."""
    its = state.repository(repository)
    owner = its.owner if its else state.account(repository.partition("/")[0])
    return {
        "label": f"{owner.login}:{ref}",
        "ref": ref,
        "sha": sha,
        "user": account(links, owner),
        "repo": resources.repository(links, its, state) if its else None,
    }


def _rollup(api: str, reactions: Sequence[Reaction]) -> Json:
    """`reaction-rollup` of what is at that address of the REST interface."""
    counts = Counter(one.content for one in reactions)
    return {"url": f"{api}/reactions", "total_count": len(reactions), **{name: counts[name] for name in REACTIONS}}


def _pull_minimal(links: Links, one: Pull, state: State) -> Json:
    its = _repository(state, one.repository)
    repository = {"id": its.id, "url": links.repository(its), "name": its.name}
    return {
        "id": one.id,
        "number": one.number,
        "url": f"{links.repository(its)}/pulls/{one.number}",
        "head": {"ref": one.head_ref, "sha": one.head_sha, "repo": repository},
        "base": {"ref": one.base_ref, "sha": one.base_sha, "repo": repository},
    }


def _repository(state: State, full_name: str) -> Repository:
    found = state.repository(full_name)
    assert found is not None, f"{full_name} was deleted"
    return found
