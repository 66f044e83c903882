"""The sentences about a preview build."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from workers.build.order import tag_of
from workers.build.result import LARGEST_PAGE, Ending, Fault, Inspection, Made, Problem
from workers.report.check import BUILT, too_slow
from workers.report.context import Context
from workers.report.digest import grouped
from workers.report.markdown import voice_for
from workers.report.sentences import LONGEST_TITLE
from workers.report.voice import SHORT_SHA, retry
from workers.report.words import about, code, cut, page, plain, plural, prose, size

FLAG = f"-Wl,-z,max-page-size={LARGEST_PAGE}"
"""What a compiler tells the linker, so that segments are aligned to the largest page."""
LARGE = f"{page(LARGEST_PAGE)} pages"
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Told:
    """A kind of problem. `found` says plainly what was found of a file, by what `Problem.found` holds; `why` and `todo`
    are Markdown."""

    heading: str
    found: Callable[[str], str]
    why: str
    todo: str


def _octets(found: str) -> str:
    return size(int(found)) if _NUMBER.fullmatch(found) else plain(found)


def _count(found: str) -> str:
    return f"{int(found):,}" if _NUMBER.fullmatch(found) else plain(found)


FAULTS: dict[str, Told] = {
    Fault.ESCAPES: Told(
        "Leads out of its archive",
        lambda found: f"has the member {plain(found)}",
        "Unpacked, such a member would land, or lead, outside of the folder that it is unpacked into.",
        f"Pack with relative paths, without {code('..')}, and without links to what is not in the archive.",
    ),
    Fault.TOO_LARGE: Told(
        "Too large",
        lambda found: f"holds more than {_octets(found)}",
        "So much is not unpacked.",
        "Leave out what nobody needs to try the build, such as object files and debug information.",
    ),
    Fault.TOO_MANY: Told(
        "Too many",
        lambda found: f"holds more than {_count(found)} files",
        "So many are not unpacked.",
        "Leave out what nobody needs to try the build, such as sources and object files.",
    ),
    Fault.DAMAGED: Told(
        "Could not be read",
        lambda found: f"could not be read: {plain(found)}",
        "What nobody could look at does not count.",
        "Look at how it is packed, and whether the build was out of disk space.",
    ),
    Fault.ALIGNMENT: Told(
        f"Cannot be loaded with {LARGE}",
        lambda found: f"is aligned to {_octets(found)}, too little for {LARGE}",
        f"A kernel maps whole pages: one with {LARGE} cannot load a segment that is aligned to less.",
        f"Link with {code(FLAG)}, or with {code(FLAG.removeprefix('-Wl,').replace(',', ' '))} where the linker is "
        "called by itself. Libraries that are linked in need nothing; those that are loaded need it, too.",
    ),
    Fault.MACHINE: Told(
        "Not for aarch64",
        lambda found: f"is for {plain(found)}, not for aarch64",
        "A preview is for 64-bit ARM.",
        "Build it for aarch64, or leave it out of what is handed over.",
    ),
    Fault.EMPTY: Told(
        "Nothing for aarch64",
        lambda _: "there is nothing for aarch64 in it",
        "A build counts when it leaves an executable, a library or object files for aarch64.",
        "See that the build hands over what it made: as artifacts of the workflow, or in the output folder that the "
        "settings name.",
    ),
}
"""The worst first: what could not be looked at may be why nothing was found."""
_UNKNOWN = Told("Something else", lambda found: f"does not count: {plain(found)}", "It does not count.", "Look at it.")


def about_fault(fault: str) -> Told:
    """What there is to tell of a kind of problem."""
    return FAULTS.get(fault, _UNKNOWN)


def by_fault(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """Problems by what is wrong, the worst first."""
    order = list(FAULTS)
    ranked = sorted(problems, key=lambda each: order.index(each.fault) if each.fault in order else len(order))
    return {fault: list(group) for fault, group in grouped(ranked, lambda each: each.fault).items()}


_BAD_TITLES = {
    Ending.FAILED: "The build failed",
    Ending.CANCELLED: "The build was cancelled where it ran",
    Ending.TIMED_OUT: "The build took too long",
    Ending.GONE: "The build is gone",
    Ending.BROKEN: "pagewarden could not have this built",
}


def title(made: Made, context: Context) -> str:
    """One plain line, at most `LONGEST_TITLE` characters."""
    if made.ending is Ending.UNFIT:
        return _unfit(made.inspection)
    text = _good_title(made, context) if made.is_good else f"{_BAD_TITLES[made.ending]}{because(made)}"
    return cut(text, LONGEST_TITLE)


def _good_title(made: Made, context: Context) -> str:
    files = plural(len(made.inspection.artifacts), "file")
    match made.ending:
        case Ending.TAKEN:
            return f"Built, but not released: the tag {tag(made, context)} is somebody else's"
        case Ending.FORBIDDEN:
            return "Built, but not released: GitHub does not let pagewarden"
        case Ending.BUILT:
            return f"Built for aarch64: {files}"
        case _:
            return f"Released {tag(made, context)}: {files}"


def tag(made: Made, context: Context) -> str:
    """The tag of the release, plain, or of what it would be."""
    return plain(made.release.tag if made.release is not None else tag_of(context.number or 0, context.head_sha))


def because(made: Made) -> str:
    """The reason behind a colon, plain; empty where there is none."""
    reason = made.reason.strip().rstrip(".")
    return f": {plain(reason, 1000)}" if reason else ""


def _unfit(inspection: Inspection) -> str:
    if not inspection.artifacts and all(each.fault == Fault.EMPTY for each in inspection.problems):
        return "The build succeeded, and left nothing behind"
    groups = by_fault(inspection.problems)
    first = next(iter(groups.values()), [Problem(Fault.EMPTY, "")])[0]
    what = about_fault(first.fault).found(first.found)
    named = f"{plain(first.file)} {what}" if first.file else what
    rest = len(inspection.problems) - 1
    suffix = f"; {plural(rest, 'more problem')}" if rest > 0 else ""
    return cut(f"Built, but unfit: {named}", LONGEST_TITLE - len(suffix)) + suffix


def told(made: Made, context: Context) -> str:
    """Markdown: what came of it, in a sentence or two."""
    return _good(made, context) if made.is_good else _bad(made, context)


def _good(made: Made, context: Context) -> str:
    built = f"{short(context.head_sha)} was built for aarch64"
    if made.ending is Ending.RELEASED:
        named = linked(code(tag(made, context)), made.release.url if made.release is not None else "")
        return f"{built}, and released as {named}: {counted(made)}. {_loads(made)}"
    if made.ending is Ending.BUILT:
        return f"{built}: {counted(made)}. {_loads(made)} This repository's settings want no releases of it."
    if made.ending is Ending.FORBIDDEN:
        return (
            f"{built}: {counted(made)}. {_loads(made)} It was not released, as GitHub does not let pagewarden: its App "
            "needs the permission *Contents: write*, and where a head changes a file in `.github/workflows` also "
            "*Workflows: write*."
        )
    whose = f"its release is by {code(made.reason)}" if made.reason else "it is of no release of pagewarden's"
    return (
        f"{built}: {counted(made)}. {_loads(made)} It was not released: there is a tag {code(tag(made, context))} "
        f"already, and {whose}. That was left as it is."
    )


def _bad(made: Made, context: Context) -> str:
    head, why = short(context.head_sha), because(made).removeprefix(": ")
    reason = f" {prose(why[:1].upper() + why[1:])}." if why else ""
    match made.ending:
        case Ending.FAILED:
            return f"The build of {head} failed.{reason}"
        case Ending.UNFIT if not made.inspection.artifacts:
            return f"The build of {head} succeeded and left nothing behind, so there is nothing to release."
        case Ending.UNFIT:
            return f"The build of {head} succeeded. What it left does not count as a preview, and was not released."
        case Ending.CANCELLED:
            return f"Somebody ended the build of {head} where it ran, so nothing was built.{reason}"
        case Ending.TIMED_OUT:
            return f"The build of {head} was not over in time, and was ended.{reason}"
        case Ending.GONE:
            unknown = " Where it was built nobody knows of it any more."
            return f"What came of the build of {head} cannot be told.{reason or unknown}"
        case _:
            return f"pagewarden could not have {head} built, or take what was built.{reason}"


def _loads(made: Made) -> str:
    """What the inspection vouches for."""
    loaded = [each for each in made.inspection.binaries if each.alignment]
    if not loaded:
        return "Nothing in it is loaded by itself, so no segment had to be aligned."
    which = "Its binary" if len(loaded) == 1 and not made.inspection.more else "Each binary in it"
    return f"{which} is for aarch64, with all segments aligned for {LARGE}."


def counted(made: Made) -> str:
    """`3 files, 98.4 MiB`."""
    artifacts = made.inspection.artifacts
    return f"{plural(len(artifacts), 'file')}, {about(sum(each.size for each in artifacts))}"


def next_steps(made: Made, context: Context) -> tuple[str, ...]:
    """Markdown: what to do, one paragraph for each thing."""
    voice = voice_for(context)
    again = retry(voice, *BUILT)
    match made.ending:
        case Ending.RELEASED | Ending.BUILT:
            return ()
        case Ending.TAKEN:
            return (f"Rename or remove that tag, and its release if it has one. {again}.",)
        case Ending.FORBIDDEN:
            return (f"Once the App has the permission: {_low(again)}.",)
        case Ending.FAILED:
            look = "Look at the end of the log below. " if made.log.strip() else ""
            return (f"{look}A push is built anew. If {voice.subject} is not to blame: {_low(again)}.",)
        case Ending.UNFIT:
            return (f"Mend what is told above, then push. Where there is nothing to push: {_low(again)}.",)
        case Ending.CANCELLED | Ending.GONE:
            return (f"{again}.",)
        case Ending.TIMED_OUT:
            return (too_slow(voice),)
        case Ending.BROKEN:
            return (
                f"This is not the fault of {voice.subject}. {again}; if that ends like this, too, look at "
                f"{code('preview')} in this repository's settings, or tell whoever runs pagewarden.",
            )


def _low(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"


def short(sha: str) -> str:
    """A commit, as code."""
    return code(plain(sha)[:SHORT_SHA])


def linked(markdown: str, url: str) -> str:
    """A link, where there is something to lead to; whatever is in the address stays in it."""
    if not re.match(r"https?://[A-Za-z0-9]", url):
        return markdown
    return f"[{markdown}]({quote(url, safe=':/?#@!$&+,;=%~', errors='replace')})"
