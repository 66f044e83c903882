"""Answers to commands: told apart by kind, whole, short enough, and a mention of nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.workers.report.run_states import NEW_SHA, REPLIES
from tests.workers.report.samples import HEAD_SHA
from tests.workers.report.snapshots import assert_snapshot
from tests.workers.report.test_explanation import explained as explanation_of
from workers.conversation.commands import TABLE, Who
from workers.report import replies
from workers.report.comment import MARKER, is_ours
from workers.report.explanation import markdown
from workers.report.replies import Kind, Trouble, explained, helped, kind_of, trouble

COMMENT_LIMIT = 65_536
ONE = markdown(explanation_of("TINY_MAX_OBJECTS"))
OTHER = markdown(explanation_of("ceiling-covers"))


def test_explanations() -> None:
    assert_snapshot("reply-explained.md", explained([ONE, OTHER]))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (helped(TABLE), Kind.HELP),
        (trouble([Trouble("/x", "No.")]), Kind.TROUBLE),
        (explained([ONE]), Kind.EXPLAIN),
        (helped(TABLE).rstrip().replace("\n", "\r\n"), Kind.HELP),
        (f"### pagewarden\n\n{MARKER}\n", None),
        ("<!-- pagewarden:nonsense -->", None),
        ("<!-- pagewarden:help --> said somebody", None),
    ],
)
def test_kinds_are_known_again(body: str, kind: Kind | None) -> None:
    assert kind_of(body) is kind


def test_no_answer_is_taken_for_the_one_comment() -> None:
    assert not any(map(is_ours, REPLIES.values()))


def test_help_has_all_of_the_table() -> None:
    told = helped(TABLE)
    for each in TABLE:
        assert each.usage.replace("|", "\\|") in told
        assert each.example.replace("|", "\\|") in told
        assert each.does in told


def test_lines_beyond_the_most_are_counted() -> None:
    told = trouble([Trouble(f"/x {number}", "No.") for number in range(50)])
    assert told.count("- `/x ") == replies.MOST_LINES
    assert f"… {50 - replies.MOST_LINES} more lines." in told


def test_a_short_explanation_is_open_and_a_long_one_folded() -> None:
    assert "<details>" not in explained([ONE])
    long = "### LONG\n\n" + "\n".join(f"- line {number} of what it is made of" for number in range(100))
    told = explained([long])
    assert told.startswith("### LONG\n\n<details><summary>")
    assert told.count("- line ") == 100


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=30))
@hypothesis_settings(deadline=None, max_examples=30)
def test_explanations_fit_and_what_is_left_out_is_counted(sizes: list[int]) -> None:
    texts = ["### X\n\n" + "\n".join(["- twenty characters."] * size) for size in sizes]
    told = explained(texts)
    assert len(told) < COMMENT_LIMIT
    assert kind_of(told) is Kind.EXPLAIN
    assert told.count("### X") == len(texts)
    assert told.count("<details>") == told.count("</details>")
    left = sum(int(line.split()[1].replace(",", "")) for line in told.split("\n") if line.startswith("… "))
    assert told.count("- twenty") + left == sum(sizes)


def test_a_refused_approval_names_the_whole_head() -> None:
    assert HEAD_SHA in replies.short_sha(HEAD_SHA)
    assert HEAD_SHA in replies.old_sha(HEAD_SHA)
    assert NEW_SHA not in replies.old_sha(HEAD_SHA)


def test_who_may_is_said_in_the_words_of_the_table() -> None:
    assert replies.not_allowed(Who.WRITER) == "This is for people with write access."


def test_near_names_are_told() -> None:
    assert replies.unknown_name("A") == "Nothing here is called A."
    assert replies.unknown_name("A", ("B",)).endswith(" The nearest name is B.")
    assert replies.unknown_name("A", tuple("BCDEFGH")).endswith(" The nearest names are B, C, D, E and F.")
