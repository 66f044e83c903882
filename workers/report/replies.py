"""Answers to commands in comments.

Each ends with a hidden marker of its kind, by which older answers of that kind are found. None mentions anybody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from workers.conversation.commands import Declared, Who
from workers.report.markdown import LIMIT, joined
from workers.report.tables import table
from workers.report.words import code, listed, plain, plural, prose

MOST_LINES = 20
"""Commands that are answered one by one."""
MOST_NAMES = 5
LONGEST_OPEN = 1_500
"""Characters of an explanation that is not folded."""
_MARKER = re.compile(r"^<!-- pagewarden:([a-z]+) -->$", re.MULTILINE)


class Kind(StrEnum):
    """What an answer is about."""

    HELP = "help"
    TROUBLE = "trouble"
    EXPLAIN = "explain"


@dataclass(frozen=True)
class Trouble:
    """A line that was not understood, or not obeyed. `why` is plain text, `meant` what the line should have been."""

    line: str
    why: str
    meant: str = ""


def kind_of(body: str) -> Kind | None:
    """Which kind of answer a comment of ours is; `None` when it is none. The last marker counts."""
    found = _MARKER.findall(body)
    return Kind(found[-1]) if found and found[-1] in set(Kind) else None


def helped(commands: Sequence[Declared]) -> str:
    """The commands, who may use them and what they do."""
    rows = [
        (code(each.usage), f"{each.who[:1].upper()}{each.who[1:]}", prose(each.does), code(each.example))
        for each in commands
    ]
    return _reply(
        Kind.HELP,
        ["**Commands of pagewarden.** Each goes on a line of its own, in a new comment; what is edited is not read."],
        table(("Command", "Who", "What it does", "Example"), rows),
    )


def trouble(lines: Sequence[Trouble]) -> str:
    """What of a comment was not done, and why: one answer for all of it."""
    told = [_told(each) for each in lines[:MOST_LINES]]
    rest = len(lines) - MOST_LINES
    told += [f"- … {plural(rest, 'more line')}."] if rest > 0 else []
    return _reply(Kind.TROUBLE, ["**Not done:**"], told, [f"{code('/pagewarden help')} lists the commands."])


def _told(trouble: Trouble) -> str:
    meant = f" Did you mean {code(trouble.meant)}?" if trouble.meant else ""
    return f"- {code(trouble.line)}: {prose(trouble.why)}{meant}"


def explained(texts: Sequence[str]) -> str:
    """Explanations as `explanation.markdown` makes them, one after the other; long ones folded, and cut to fit."""
    room = (LIMIT - 200) // max(len(texts), 1) - 200
    return _reply(Kind.EXPLAIN, *(_explanation(text, room) for text in texts))


def _explanation(text: str, room: int) -> list[str]:
    shown = _beginning(text.strip(), room)
    if len(shown) <= LONGEST_OPEN:
        return shown.split("\n")
    heading, _, rest = shown.partition("\n")
    return [heading, "", "<details><summary>What it is made of, and its rules</summary>", rest, "", "</details>"]


def _beginning(text: str, room: int) -> str:
    """Whole lines, no more than fit."""
    if len(text) <= room:
        return text
    kept = text[: room - 100].rpartition("\n")[0]
    lines = text.count("\n") - kept.count("\n")
    return f"{kept}\n\n… {plural(lines, 'more line')}; {code('pagewarden explain')} in a clone prints all of them."


def _reply(kind: Kind, *blocks: Sequence[str]) -> str:
    return f"{joined(blocks)}\n<!-- pagewarden:{kind} -->\n"


def not_allowed(who: Who) -> str:
    """To somebody who may not ask for it."""
    return f"This is for {who}."


def short_sha(head: str) -> str:
    """To an approval that names less than a whole sha."""
    return f"An approval names one commit by its full sha, all 40 digits. {_now(head)}"


def old_sha(head: str) -> str:
    """To an approval of a commit that is not, or no longer, the head."""
    return f"That is not the head: a push voids an approval, and what it brought has to be read first. {_now(head)}"


def _now(head: str) -> str:
    return f"The head is {plain(head)} now."


def closed() -> str:
    """To whatever is asked of a closed pull request."""
    return "The pull request is closed, so nothing is begun for it."


def nothing_to_cancel() -> str:
    """To a cancel where nothing runs."""
    return "Nothing is under way for the present head."


def no_stress() -> str:
    """To a stress where there is none."""
    return "Stress is not set up here."


def no_preview() -> str:
    """To a preview where the settings want none."""
    return (
        "No previews are built here: the settings of this repository name nothing that builds them, as one of "
        "preview.actions, preview.docker and preview.command would."
    )


def preview_not_here(driver: str) -> str:
    """To a preview that the settings want built by what this server does not offer."""
    return (
        f"The settings of this repository have previews built by preview.{plain(driver)}, which this pagewarden does "
        "not offer. Whoever runs it decides that."
    )


def nothing_built_yet() -> str:
    """To a preview of a head that has no verdict."""
    return "A preview is built once the static check of the present head has an answer, and there is none yet."


def nothing_watched() -> str:
    """To what needs a page-size header that is touched."""
    return "The present head touches no header that holds page-size constants."


def no_approval_needed() -> str:
    """To an approval of what runs without one."""
    return "No approval is needed: nothing of the present head waits for one."


def unknown_name(name: str, nearest: Sequence[str] = ()) -> str:
    """To an explanation of what no profile and no header knows."""
    names = listed([plain(each) for each in nearest[:MOST_NAMES]])
    known = f" The nearest {'name is' if len(nearest) == 1 else 'names are'} {names}." if nearest else ""
    return f"Nothing here is called {plain(name)}.{known}"
