"""Requests go to JSON and come back as they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.conversation.commands import Command, Unclear
from workers.plain import Plain
from workers.requests import KINDS, CommentEvent

TEXT = st.text(max_size=20)
COMMANDS = st.builds(
    Command,
    verb=TEXT,
    what=st.lists(TEXT, max_size=3).map(tuple),
    page_sizes=st.lists(st.integers(), max_size=3).map(tuple),
    seeds=st.integers(),
    name=TEXT,
    sha=TEXT,
)
UNCLEAR = st.builds(Unclear, line=TEXT, why=TEXT, meant=TEXT)
COMMENTS = st.builds(CommentEvent, asked=st.lists(COMMANDS | UNCLEAR, min_size=1, max_size=4).map(tuple))
REQUESTS = st.one_of(COMMENTS, *(st.from_type(kind) for kind in KINDS.values() if kind is not CommentEvent))


def _through_json(data: Plain) -> Plain:
    return type(data).from_json(json.loads(json.dumps(data.to_json())))


@given(REQUESTS)
def test_a_request_comes_back_from_json_as_it_was(request: Plain) -> None:
    assert _through_json(request) == request


@given(COMMENTS)
def test_what_a_comment_asks_for_keeps_its_kinds_and_order(comment: CommentEvent) -> None:
    back = _through_json(comment)
    assert isinstance(back, CommentEvent)
    assert [type(each) for each in back.asked] == [type(each) for each in comment.asked]
    assert hash(back) == hash(comment)


@pytest.mark.parametrize("event", KINDS)
def test_a_request_that_lacks_a_field_says_which(event: str) -> None:
    with pytest.raises(KeyError):
        KINDS[event].from_json({})
    with pytest.raises(KeyError, match="installation_id"):
        KINDS[event].from_json({"asked": [], "action": "opened"})


def test_fields_of_a_later_version_are_passed_over() -> None:
    data = {"line": "/rechek", "why": "There is no such command.", "meant": "/recheck", "later": 1}
    assert Unclear.from_json(data) == Unclear("/rechek", "There is no such command.", "/recheck")
