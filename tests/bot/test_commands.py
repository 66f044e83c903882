"""What a comment asks for: where a command counts, how its arguments are read, what is taken for a slip."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.commands import LONGEST_BODY, LONGEST_LINE, MOST, asked_for
from workers.conversation.commands import PAGE_SIZES, STAGES, TABLE, Command, Unclear, Verb, Who
from workers.report import unclear

RECHECK = Command("recheck")
HELP = Command("pagewarden")
CANCEL = Command("cancel")
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "body",
    [
        "/recheck",
        "/recheck\n",
        "\n\n/recheck",
        "   /recheck",
        "/RECHECK",
        "/ReCheck  ",
        "/recheck please",
        "/recheck, please!",
        "/recheck.",
        "/recheck\r\n",
        "Thanks.\r\n/recheck\r\nThat was flaky.",
        "Thanks.\n   /recheck",
        "Thanks.  \n/recheck",
        "Thanks.\\\n/recheck",
        "Thanks.\r/recheck",
        "<details>\n\n/recheck\n\n</details>",
        "> quoted\n\n/recheck",
        "- a list\n\n/recheck",
        "```\ncode\n```\n/recheck",
        "<!-- a comment -->\n/recheck\n\n/recheck",
        "`code` first\n/recheck",
        "/recheck <!-- quietly -->",
        "/recheck [the stress](https://example.com)",
        "/pagewarden recheck",
        "/PageWarden: Recheck!",
    ],
)
def test_a_line_that_begins_with_a_command_is_one(body: str) -> None:
    assert asked_for(body) == (RECHECK,)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/",
        "//recheck",
        "/ recheck",
        "recheck",
        "please /recheck",
        "@pagewarden /recheck",
        "    /recheck",
        "\t/recheck",
        "```\n/recheck\n```",
        "~~~ text\n/recheck\n~~~",
        "```\n/recheck",
        "`/recheck`",
        "`\n/recheck\n`",
        "``some code\n/recheck``",
        "> /recheck",
        "> quoted\n/recheck",
        "> > quoted\n/recheck",
        "- /recheck",
        "- a list\n/recheck",
        "- a list\n\n  /recheck",
        "1. /recheck",
        "- [ ] /recheck",
        "# /recheck",
        "/recheck\n========",
        "/recheck\n---",
        "a | b\n--|--\n/recheck",
        "| /recheck |\n|--|",
        "<!--\n/recheck\n-->",
        "<!--\n\n/recheck\n\n-->",
        "<!-- never closed\n\n/recheck",
        "text <!--\n/recheck\n--> text",
        "<div>\n/recheck\n</div>",
        "<pre>\n\n/recheck\n\n</pre>",
        "<b>\n/recheck",
        "text <b title='\n/recheck'>",
        "[text\n/recheck](https://example.com)",
        "[/recheck](https://example.com)",
        "![picture\n/recheck](https://example.com)",
        "[text](\n/recheck)",
        "[reference]:\n/recheck",
        "*/recheck*",
        "**/recheck**",
        r"\/recheck",
        "&#47;recheck",
        "&sol;recheck",
        "/re[check](https://example.com)",
        "/`recheck`",
        "/recheck/ing/the/path",
        "/preview/index.html",
        "/stress.c",
        "\u00a0/recheck",
        "\u200b/recheck",
        "\u2028/recheck",
        "text\u2028/recheck",
        "text\x0b/recheck",
    ],
)
def test_where_github_shows_no_plain_line_of_its_own_there_is_none(body: str) -> None:
    assert asked_for(body) == ()


OTHER_BOTS = """
/approve /area /ask /assign /azp /backport /bench /build /cc /check-cla /cherry-pick /close /compress /deploy /describe
/easycla /etc/passwd /format /gcbrun /gemini /help /hold /improve /kind /label /lgtm /lifecycle /merge /milestone
/override /press /priority /rebase /remove-kind /reopen /rerun /reset /restart /retest /retest-required /retitle /retry
/review /run /shrug /sig /skip /test /triage /unassign /usr/bin/env /verify-owners
"""


@pytest.mark.parametrize("command", OTHER_BOTS.split())
def test_commands_of_other_bots_are_none_of_our_business(command: str) -> None:
    assert asked_for(command) == asked_for(f"{command} all") == ()


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/recheck static", Command("recheck", what=("static",))),
        ("/recheck STRESS", Command("recheck", what=("stress",))),
        ("/recheck stress, static", Command("recheck", what=("static", "stress"))),
        ("/recheck all", Command("recheck", what=("static", "stress", "preview"))),
        ("/recheck preview preview again", Command("recheck", what=("preview",))),
        ("/recheck please all", RECHECK),
        ("/stress", Command("stress")),
        ("/stress 64K", Command("stress", page_sizes=(65536,))),
        ("/stress 64k 4k", Command("stress", page_sizes=(4096, 65536))),
        ("/stress all seeds=1", Command("stress", page_sizes=(4096, 16384, 65536), seeds=1)),
        ("/stress seeds=16", Command("stress", seeds=16)),
        ("/stress seeds=05 16k", Command("stress", page_sizes=(16384,), seeds=5)),
        ("/stress `64k` please", Command("stress", page_sizes=(65536,))),
        ("/stress it hard, 8k of it", Command("stress")),
        ("/preview", Command("preview")),
        ("/preview the build", Command("preview")),
        ("/cancel everything", CANCEL),
        ("/explain PAS_SMALL_PAGE", Command("explain", name="PAS_SMALL_PAGE")),
        ("/explain __builtin__ please", Command("explain", name="__builtin__")),
        ("/explain `PAS_SMALL_PAGE`", Command("explain", name="PAS_SMALL_PAGE")),
        ("/explain ``*a*`` b", Command("explain", name="*a*")),
        (r"/explain PAS\_SMALL", Command("explain", name="PAS_SMALL")),
        ("/explain granule-fits", Command("explain", name="granule-fits")),
        (f"/explain {'x' * 200}", Command("explain", name="x" * 200)),
        (f"/ok-to-test {SHA.upper()}", Command("ok-to-test", sha=SHA)),
        (f"/ok-to-test `{SHA}` looks good", Command("ok-to-test", sha=SHA)),
        (f"/ok-to-test {SHA}.", Command("ok-to-test", sha=SHA)),
        ("/ok-to-test 0123abc", Command("ok-to-test", sha="0123abc")),
        ("/ok-to-test a", Command("ok-to-test", sha="a")),
        (f"/pagewarden ok-to-test {SHA}", Command("ok-to-test", sha=SHA)),
        ("/pagewarden stress 64k", Command("stress", page_sizes=(65536,))),
        ("/pagewarden", HELP),
        ("/pagewarden help me", HELP),
        ("/PAGEWARDEN Help", HELP),
    ],
)
def test_arguments_are_read_up_to_the_first_that_is_none(line: str, command: Command) -> None:
    assert asked_for(line) == (command,)


@pytest.mark.parametrize(
    ("line", "why", "meant"),
    [
        ("/rechek", unclear.COMMAND, "/recheck"),
        ("/re-check all", unclear.COMMAND, "/recheck all"),
        ("/check", unclear.COMMAND, "/recheck"),
        ("/cancle", unclear.COMMAND, "/cancel"),
        ("/explan NAME", unclear.COMMAND, "/explain NAME"),
        ("/explan", unclear.COMMAND, "/explain"),
        ("/stres 64", unclear.COMMAND, "/stress 64k"),
        ("/ok_to_test", unclear.COMMAND, "/ok-to-test"),
        ("/pagewarder recheck", unclear.COMMAND, "/pagewarden recheck"),
        ("/pagewarden foo", unclear.COMMAND, "/pagewarden help"),
        ("/pagewarden hlep", unclear.COMMAND, "/pagewarden help"),
        ("/pagewarden please recheck", unclear.COMMAND, "/pagewarden help"),
        ("/pagewarden rechek stress", unclear.COMMAND, "/recheck stress"),
        ("/pagewarden /recheck", unclear.COMMAND, "/recheck"),
        ("/recheck statik", unclear.STAGE, "/recheck static"),
        ("/recheck stress statik", unclear.STAGE, "/recheck stress static"),
        ("/stress 8k", unclear.PAGE_SIZE, ""),
        ("/stress 64", unclear.PAGE_SIZE, "/stress 64k"),
        ("/stress 64KiB", unclear.PAGE_SIZE, "/stress 64k"),
        ("/stress 4k 65536", unclear.PAGE_SIZE, ""),
        ("/stress alll", unclear.PAGE_SIZE, "/stress all"),
        ("/stress seeds=0", unclear.SEEDS, ""),
        ("/stress seeds=17", unclear.SEEDS, ""),
        ("/stress seeds=99", unclear.SEEDS, ""),
        ("/stress seeds=x", unclear.SEEDS, ""),
        ("/stress seeds=", unclear.SEEDS, ""),
        ("/stress seeds 5", unclear.SEEDS, ""),
        ("/stress seed=5", unclear.SEEDS, ""),
        ("/stress seeds=-1", unclear.SEEDS, ""),
        ("/stress seeds=٣", unclear.SEEDS, ""),
        ("/stress seeds=2 seeds=3", unclear.SEEDS, ""),
        ("/explain", unclear.NO_NAME, ""),
        ("/explain [NAME](https://example.com)", unclear.NO_NAME, ""),
        (f"/explain {'x' * 201}", unclear.LONG_NAME, ""),
        ("/ok-to-test", unclear.NO_SHA, ""),
        ("/ok-to-test please", unclear.NO_SHA, ""),
        (f"/ok-to-test {'a' * 65}", unclear.NO_SHA, ""),
        (f"/ok-to-test https://github.com/a/b/commit/{SHA}", unclear.NO_SHA, ""),
    ],
)
def test_what_is_nearly_a_command_is_told_why_it_is_none(line: str, why: str, meant: str) -> None:
    (found,) = asked_for(line)
    assert isinstance(found, Unclear)
    assert (found.why, found.meant) == (why, meant)
    assert line.startswith(found.line[:12])


def test_the_sentences() -> None:
    sentences = {name: value for name, value in vars(unclear).items() if name.isupper() and isinstance(value, str)}
    assert sentences == {
        "COMMAND": "There is no such command.",
        "STAGE": "What can be checked again is static, stress, preview or all.",
        "PAGE_SIZE": "The page sizes are 4k, 16k, 64k or all.",
        "SEEDS": "The number of seeds is written seeds=N, once, with N from 1 to 16.",
        "NO_NAME": "The name of what to explain is missing: a constant, a heap config or a rule.",
        "LONG_NAME": "The name of what to explain is longer than 200 characters.",
        "NO_SHA": "The full sha of the commit is missing: it names what may be built and run.",
    }
    assert all(name in unclear.STAGE for name in STAGES)
    assert all(name in unclear.PAGE_SIZE for name in PAGE_SIZES)


def test_commands_come_in_their_order_and_each_once() -> None:
    lines = [
        "/cancel",
        "/recheck all",
        "text",
        "/cancel please",
        "",
        "- /preview",
        "",
        "/pagewarden",
        "/rechek",
        "/rechek",
    ]
    body = "\n".join(lines)
    assert [getattr(each, "verb", "?") for each in asked_for(body)] == ["cancel", "recheck", "pagewarden", "?"]


def test_of_many_commands_the_first_are_read() -> None:
    body = "\n".join(f"/explain NAME_{number}" for number in range(100))
    assert asked_for(body) == tuple(Command("explain", name=f"NAME_{number}") for number in range(MOST))


def test_a_long_line_is_cut_where_it_is_repeated() -> None:
    (found,) = asked_for(f"/rechek {'x' * 5000}")
    assert isinstance(found, Unclear)
    assert (len(found.line), len(found.meant)) == (LONGEST_LINE, LONGEST_LINE)


def test_what_lies_behind_the_longest_comment_is_not_read() -> None:
    assert asked_for(" " * (LONGEST_BODY - 9) + "\n/recheck") == (RECHECK,)
    assert asked_for(" " * LONGEST_BODY + "\n/recheck") == ()


def test_the_example_of_each_command_is_understood() -> None:
    for each in TABLE:
        (command,) = asked_for(each.example)
        assert isinstance(command, Command)
        assert command.verb == each.verb


def test_each_command_is_declared_once_and_only_writers_may_approve() -> None:
    assert [each.verb for each in TABLE] == list(Verb)
    assert {each.verb for each in TABLE if each.who is Who.ANYONE} == {Verb.EXPLAIN, Verb.HELP}
    assert {each.verb for each in TABLE if each.who is Who.WRITER} == {Verb.OK_TO_TEST}


HOSTILE = {
    "quotes": ">" * LONGEST_BODY,
    "lazy quotes": "> " * 19 + "a\n" + "a\n" * LONGEST_BODY,
    "quoted lists": "> - " * 9000,
    "lists": "- " * LONGEST_BODY,
    "brackets": "[" * LONGEST_BODY,
    "pictures": "![" * LONGEST_BODY,
    "links": "[a](" * LONGEST_BODY,
    "backticks": "".join("`" * length + " " for length in range(400)),
    "angles": "<" * LONGEST_BODY,
    "comments": "a <!-- " * LONGEST_BODY,
    "tags": "<a b=" * LONGEST_BODY,
    "data": "a <![CDATA[" * LONGEST_BODY,
    "references": "[a\n" * LONGEST_BODY,
    "titles": '[a]: u\n"' + "t\n" * LONGEST_BODY,
    "wide table": "|a" * 9000 + "|\n" + "|-" * 9000 + "|\n" + "|a\n" * 9000,
    "long table": "a|b\n-|-\n" + "|\n" * LONGEST_BODY,
    "nulls": "\0" * LONGEST_BODY,
    "slashes": "/" * LONGEST_BODY,
    "lines": "/a\n" * LONGEST_BODY,
    "one argument": "/stress " + "9" * LONGEST_BODY,
    "arguments": "/recheck " + "static " * LONGEST_BODY,
    "backslashes": "\\" * LONGEST_BODY,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markdown_hides_no_command_before_it_and_breaks_nothing(name: str) -> None:
    assert asked_for(f"/cancel\n\n{HOSTILE[name]}")[0] == CANCEL


WORDS = "/recheck /stress /explain /ok-to-test /pagewarden /rechek seeds= 64k all abc é"
MARKS = "> |- |```|`|<!--|-->|[|](x)|<b>|\\|\0|\ud800|---|#|    | |\n|\r\n|\n\n"
PIECES = st.sampled_from([*WORDS.split(), *MARKS.split("|"), "|"])


@given(st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
@example("/explain \ud800")
def test_any_comment_gives_commands_of_the_declared_shape(body: str) -> None:
    found = asked_for(body)
    assert len(found) == len(set(found)) <= MOST
    for each in found:
        if isinstance(each, Unclear):
            assert each.line.startswith("/")
            assert len(each.line) <= LONGEST_LINE
            continue
        assert each.verb in list(Verb)
        assert set(each.what) <= set(STAGES)
        assert set(each.page_sizes) <= set(PAGE_SIZES.values())
        assert 0 <= each.seeds <= 16
        assert len(each.name.split()) == (each.verb == "explain")
        assert bool(each.sha) == (each.verb == "ok-to-test")


@given(st.lists(PIECES, max_size=30).map("".join))
def test_a_quoted_comment_asks_for_nothing(body: str) -> None:
    quoted = "".join(f"> {line}\n" for line in body.replace("\r\n", "\n").split("\n"))
    assert asked_for(quoted) == ()
