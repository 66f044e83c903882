"""The commands that people write in comments: one table, from which help, documents and answers are made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workers.plain import Plain


class Verb(StrEnum):
    """What is asked for, as it is written behind the slash."""

    RECHECK = "recheck"
    STRESS = "stress"
    PREVIEW = "preview"
    EXPLAIN = "explain"
    OK_TO_TEST = "ok-to-test"
    CANCEL = "cancel"
    HELP = "pagewarden"


class Who(StrEnum):
    """Who may ask, as it is said to people."""

    ANYONE = "anyone"
    AUTHOR = "the author of the pull request, and people with write access"
    WRITER = "people with write access"


@dataclass(frozen=True)
class Declared:
    """One command. `does` is a sentence of plain words."""

    verb: Verb
    usage: str
    who: Who
    does: str
    example: str


STAGES = ("static", "stress", "preview")
"""What `/recheck` can name, beside `all`."""
PAGE_SIZES = {"4k": 4096, "16k": 16384, "64k": 65536}
"""What `/stress` can name, beside `all`, in bytes."""
MOST_SEEDS = 16
LONGEST_NAME = 200
"""How many characters `/explain` takes."""

TABLE: tuple[Declared, ...] = (
    Declared(
        Verb.RECHECK,
        "/recheck [static|stress|preview|all]",
        Who.AUTHOR,
        "Looks at the present head again, as a new attempt; the static check if nothing is named.",
        "/recheck all",
    ),
    Declared(
        Verb.STRESS,
        "/stress [4k|16k|64k|all] [seeds=N]",
        Who.AUTHOR,
        "Puts the present head under stress again, with these page sizes, and with the seeds 1 to N.",
        "/stress 64k seeds=5",
    ),
    Declared(Verb.PREVIEW, "/preview", Who.AUTHOR, "Builds a preview of the present head again.", "/preview"),
    Declared(
        Verb.EXPLAIN,
        "/explain NAME",
        Who.ANYONE,
        "Tells what a constant, heap config or rule is made of at the present head.",
        "/explain PAS_SMALL_PAGE_DEFAULT_SIZE",
    ),
    Declared(
        Verb.OK_TO_TEST,
        "/ok-to-test SHA",
        Who.WRITER,
        "Lets this very commit be built and run; the full sha of the present head. The next push voids it.",
        "/ok-to-test 0123456789abcdef0123456789abcdef01234567",
    ),
    Declared(Verb.CANCEL, "/cancel", Who.AUTHOR, "Ends what is under way for the present head.", "/cancel"),
    Declared(Verb.HELP, "/pagewarden help", Who.ANYONE, "Lists the commands.", "/pagewarden help"),
)


@dataclass(frozen=True)
class Command(Plain):
    """A command that was understood; the fields that its verb has no use for are empty.

    `what` names stages (static, stress, preview), `page_sizes` are bytes and `seeds` a count; where nothing was named
    they are empty, or 0.
    """

    verb: str
    what: tuple[str, ...] = ()
    page_sizes: tuple[int, ...] = ()
    seeds: int = 0
    name: str = ""
    sha: str = ""


@dataclass(frozen=True)
class Unclear(Plain):
    """A line that is meant for pagewarden and that it does not understand. `meant` is the likeliest command line, or
    empty; `why` a sentence for people."""

    line: str
    why: str
    meant: str = ""
