"""What a comment asks for. Pure: Markdown in, commands out.

A command is a line that begins with it where GitHub shows it as plain text of its own: in a paragraph that is in
nothing else. So code, quotes, lists, tables, headings, links, HTML and comments hold none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import groupby, islice, pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from workers.conversation.commands import LONGEST_NAME, MOST_SEEDS, PAGE_SIZES, STAGES, Command, Unclear, Verb
from workers.report import unclear

MOST = 10
"""So many different commands of one comment are read."""
LONGEST_BODY = 65_536
"""GitHub takes comments of so many characters; what a longer one has behind them is not read."""
LONGEST_LINE = 200
SLIP = 0.8
"""From which likeness (of `difflib`, 0 to 1) on a word is taken for a slip of the pen. `rechek` is at 0.92, `cancle` at
0.83, `press` and `stress` at 0.73."""
OTHERS = frozenset({"review"})
"""Commands of other bots that look like a slip in one of ours: code reviewers listen to /review."""

_BEGINS = re.compile(r"(?:^|[\r\n])[ \t]*/[A-Za-z]")
_WORD = re.compile(r"[a-z][a-z_-]{0,40}")
_LIKE_A_SIZE = re.compile(r"([0-9]+)[a-z]{0,3}")
_SEEDS = re.compile(r"seeds=([0-9]{1,2})")
_SHA = re.compile(r"[0-9a-f]{1,64}")


class _NotUnderstood(Exception):
    def __init__(self, why: str, meant: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.meant = meant


def asked_for(body: str) -> tuple[Command | Unclear, ...]:
    """The commands of a comment in their order, each once, and what may have been meant as one."""
    body = body[:LONGEST_BODY]
    # Most comments ask for nothing, and some Markdown takes a parser long.
    if not _BEGINS.search(body):
        return ()
    return tuple(islice(_different(map(_read, _lines(body))), MOST))


def _different(found: Iterable[Command | Unclear | None]) -> Iterator[Command | Unclear]:
    seen = set()
    for each in found:
        if each is not None and each not in seen:
            seen.add(each)
            yield each


def _lines(body: str) -> Iterator[str]:
    """Lines that begin with a slash, as GitHub shows them."""
    # Made anew each time: its rules are compiled when they are first used, which threads must not do together. Names
    # are full of underscores, and text_join would hide which slashes are escaped.
    markdown = MarkdownIt("commonmark").enable("table").disable(["emphasis", "text_join"])
    for before, token in pairwise(markdown.parse(body)):
        if before.type == "paragraph_open" and before.level == 0:
            for is_break, tokens in groupby(
                token.children or (), lambda child: child.type in {"softbreak", "hardbreak"}
            ):
                if not is_break:
                    yield from _line(list(tokens))


def _line(tokens: Sequence[Token]) -> Iterator[str]:
    first = tokens[0]
    if first.type == "text" and first.level == 0 and first.content.startswith("/"):
        yield "".join(map(_shown, tokens))


def _shown(token: Token) -> str:
    """What can be an argument: text outside of links. Code is a word, or several."""
    if token.level > 0:
        return ""
    if token.type == "code_inline":
        return f" {token.content} "
    return token.content if token.type in {"text", "text_special"} else " "


def _read(line: str) -> Command | Unclear | None:
    """`None` for what is meant for somebody else."""
    word, *arguments = line.split()
    try:
        return _understood(_bare(word.removeprefix("/")), arguments)
    except _NotUnderstood as problem:
        return Unclear(line.strip()[:LONGEST_LINE], problem.why, problem.meant[:LONGEST_LINE])


def _understood(word: str, arguments: Sequence[str]) -> Command | None:
    if word in _READERS:
        return _READERS[word](arguments)
    near = _nearest(word, _READERS) if _WORD.fullmatch(word) and word not in OTHERS else None
    if near is None:
        return None
    raise _NotUnderstood(unclear.COMMAND, _mended(near, arguments))


def _mended(word: str, arguments: Sequence[str]) -> str:
    """The line with this command: with its arguments where they are understood."""
    try:
        _READERS[word](arguments)
    except _NotUnderstood as problem:
        return problem.meant or f"/{word}"
    return " ".join((f"/{word}", *arguments))


def _recheck(arguments: Sequence[str]) -> Command:
    named: list[str] = []
    for word in map(_bare, arguments):
        if word not in {*STAGES, "all"}:
            _refuse_slip(word, {*STAGES, "all"}, unclear.STAGE, ("/recheck", *named))
            break
        named.append(word)
    return Command(Verb.RECHECK.value, what=tuple(stage for stage in STAGES if {stage, "all"} & {*named}))


def _stress(arguments: Sequence[str]) -> Command:
    named: list[str] = []
    seeds = 0
    for word in map(_bare, arguments):
        if word.startswith("seed"):
            if seeds:
                raise _NotUnderstood(unclear.SEEDS)
            seeds = _seeds(word)
        elif word in {*PAGE_SIZES, "all"}:
            named.append(word)
        elif size := _LIKE_A_SIZE.fullmatch(word):
            right = f"{size[1]}k"
            raise _NotUnderstood(unclear.PAGE_SIZE, f"/stress {right}" if right in PAGE_SIZES else "")
        else:
            _refuse_slip(word, {"all"}, unclear.PAGE_SIZE, ("/stress", *named))
            break
    sizes = tuple(size for name, size in PAGE_SIZES.items() if {name, "all"} & {*named})
    return Command(Verb.STRESS.value, page_sizes=sizes, seeds=seeds)


def _seeds(word: str) -> int:
    written = _SEEDS.fullmatch(word)
    if written is None or not 1 <= int(written[1]) <= MOST_SEEDS:
        raise _NotUnderstood(unclear.SEEDS)
    return int(written[1])


def _explain(arguments: Sequence[str]) -> Command:
    if not arguments:
        raise _NotUnderstood(unclear.NO_NAME)
    if len(arguments[0]) > LONGEST_NAME:
        raise _NotUnderstood(unclear.LONG_NAME)
    return Command(Verb.EXPLAIN.value, name=arguments[0])


def _ok_to_test(arguments: Sequence[str]) -> Command:
    sha = _bare(arguments[0]) if arguments else ""
    if not _SHA.fullmatch(sha):
        raise _NotUnderstood(unclear.NO_SHA)
    return Command(Verb.OK_TO_TEST.value, sha=sha)


def _pagewarden(arguments: Sequence[str]) -> Command:
    """Alone it asks for help; before another command it says who is meant."""
    word, *rest = arguments or ["help"]
    word = _bare(word)
    if word == "help":
        return Command(Verb.HELP.value)
    if word in _SPOKEN:
        return _SPOKEN[word](rest)
    near = _nearest(word, {*_SPOKEN, "help"}) or "help"
    raise _NotUnderstood(unclear.COMMAND, "/pagewarden help" if near == "help" else _mended(near, rest))


_SPOKEN: Mapping[str, Callable[[Sequence[str]], Command]] = {
    Verb.RECHECK.value: _recheck,
    Verb.STRESS.value: _stress,
    Verb.PREVIEW.value: lambda _arguments: Command(Verb.PREVIEW.value),
    Verb.EXPLAIN.value: _explain,
    Verb.OK_TO_TEST.value: _ok_to_test,
    Verb.CANCEL.value: lambda _arguments: Command(Verb.CANCEL.value),
}
_READERS = {**_SPOKEN, Verb.HELP.value: _pagewarden}


def _refuse_slip(word: str, right: Collection[str], why: str, before: Sequence[str]) -> None:
    """A word that is no argument is nothing to us, unless it was probably meant as one."""
    if near := _nearest(word, right):
        raise _NotUnderstood(why, " ".join((*before, near)))


def _nearest(word: str, right: Collection[str]) -> str | None:
    return next(iter(get_close_matches(word, sorted(right), 1, SLIP)), None)


def _bare(word: str) -> str:
    """Without case, and without what ends a sentence."""
    return word.lower().rstrip(".,:;!?")
