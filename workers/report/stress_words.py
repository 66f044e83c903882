"""The sentences about a stress run, for every form of the report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from workers.report.digest import grouped, unique
from workers.report.stress_cells import Event, Mark, by_mark, places
from workers.report.stress_preview import PREVIEW, UNBUILT
from workers.report.voice import Voice, retry
from workers.report.words import cut, listed, page, plain, plural
from workers.stress.result import Conclusion, Control, Result, Trouble
from workers.stress.verdicts import Crash, Record, Role, Verdict

SURVIVED = "void: the control survived"
"""How the title of a run begins whose stress could not fail."""
LONGEST_TITLE = 200
MACHINES = {
    "vm": "a virtual aarch64 machine (QEMU) with a real kernel for each page size",
    "native": "an arm64 host, with the page size of its own kernel",
    "user": "qemu-user, which serves 4K pages only and has no kernel of its own",
}
ORDERING = (
    "QEMU's TCG on x86 orders memory more strictly than ARM hardware does: "
    "races that need weak ordering can stay hidden."
)
"""What emulation cannot see."""
_LIBPAS = re.compile(r"libpas ([0-9a-f]{7,40})")
_PREVIEW = re.compile(r"preview ([A-Za-z0-9._+-]+) [0-9a-f]{8}")
_DID = {
    Verdict.PASS: "passes",
    Verdict.FAIL: "fails",
    Verdict.INCONCLUSIVE: "came to no verdict",
    Verdict.ERROR: "could not be run",
    Verdict.UNAVAILABLE: "was not offered",
}
_MUST = {Verdict.PASS: "pass", Verdict.FAIL: "fail"}


def title(result: Result) -> str:
    """One plain line, at most `LONGEST_TITLE` characters."""
    marked = by_mark(result)
    match result.conclusion:
        case Conclusion.PASS:
            text = f"No new failure under {kernels(result)}{_aside(marked)}"
        case Conclusion.FAIL:
            text = f"Stress fails: {_failed(result)}"
        case Conclusion.VOID:
            text = _void(result)
        case Conclusion.INCONCLUSIVE:
            text = f"Inconclusive: {_unsure(result, marked)}"
        case Conclusion.ERROR:
            text = f"Stress could not be run: {plain(next(iter(obstacles(result)), 'nothing was run'))}"
    return cut(plain(text, LONGEST_TITLE * 2), LONGEST_TITLE)


def kernels(result: Result) -> str:
    """`4K, 16K and 64K pages`."""
    return f"{listed([page(size) for size in result.page_sizes])} pages"


def _aside(marked: dict[Mark, tuple[Record, ...]]) -> str:
    counts = [
        (marked[Mark.STANDING], "fails as before", "fail as before"),
        (marked[Mark.FIXED], "is fixed", "are fixed"),
        (marked[Mark.UNAVAILABLE], "is not offered", "are not offered"),
    ]
    parts = [
        f"{plural(count, 'phase')} {one if count == 1 else many}"
        for records, one, many in counts
        if (count := len({record.phase for record in records}))
    ]
    return f"; {listed(parts)}" if parts else ""


def _failed(result: Result) -> str:
    new = regressions(result)
    own = [plain(trouble.text) for trouble in result.troubles if trouble.own]
    if not new:
        return listed(own, most=1)
    count = plural(len(new), "regression" if result.has_base else "failure")
    others = f", {own[0]}" if own else ""
    return f"{places(_pairs(new))} ({count}){others}"


def regressions(result: Result) -> tuple[Record, ...]:
    """New failures beside controls that behaved: those that fail the check."""
    return tuple(record for record in _new(result) if _is_proven(record, result))


def unproven(result: Result) -> tuple[Record, ...]:
    """New failures that do not count: the controls did not behave."""
    return tuple(record for record in _new(result) if not _is_proven(record, result))


def _is_proven(record: Record, result: Result) -> bool:
    return not result.survived and result.counts(record.page_size)


def _new(result: Result) -> tuple[Record, ...]:
    marked = by_mark(result)
    return marked[Mark.REGRESSION] + marked[Mark.FAILS]


def _pairs(records: Iterable[Record]) -> list[tuple[str, int]]:
    return [(plain(record.phase), record.page_size) for record in records]


def _void(result: Result) -> str:
    if not result.survived:
        return "void: there is no control that must fail"
    alive = [each for each in result.survived if each.expected.verdict is Verdict.FAIL]
    lead = SURVIVED if alive else "void: the control failed"
    groups = grouped(alive or result.survived, lambda control: plain(control.expected.subject))
    told = [
        f"{subject} in {places((plain(each.expected.phase), each.expected.page_size) for each in controls)}"
        for subject, controls in groups.items()
    ]
    return f"{lead}: {listed(told, most=2)}"


def _unsure(result: Result, marked: dict[Mark, tuple[Record, ...]]) -> str:
    if _is_only_uncompared(result):
        return f"failing, and nobody knows whether the base is, too: {places(_pairs(marked[Mark.UNDECIDED]))}"
    open_ends = marked[Mark.INCONCLUSIVE] + marked[Mark.UNDECIDED] + marked[Mark.ERROR] + marked[Mark.LOST]
    if open_ends:
        return f"nothing can be said of {places(_pairs(open_ends))}"
    return "the head offers no phase that could be run" + (" on some page size" if marked[Mark.PASSES] else "")


def obstacles(result: Result) -> tuple[str, ...]:
    """Why a run is an error, plain: what was in the way, what is missing, which controls nobody saw."""
    told = [f"{plain(each.text)}{_at(each.page_size)}" for each in result.troubles if not each.own]
    explained = {size for each in result.troubles for size in (each.page_size,) if size is not None}
    if any(each.page_size is None for each in result.troubles):
        explained = set(result.page_sizes)
    strange = {record.page_size for record in result.of(Role.HEAD)} - set(result.page_sizes)
    absent = [cell for cell in result.missing if cell[1] and cell[0] not in explained]
    empty = [size for size, phase, _ in result.missing if not phase and size not in explained]
    wrong = [
        control
        for control in result.controls
        if not control.behaved and not control.contradicts and control.expected.page_size not in explained
    ]
    failed = [record for record in result.records if record.verdict is Verdict.ERROR]
    if absent:
        told.append(f"nothing is known of {places((plain(phase), size) for size, phase, _ in absent)}")
    if empty:
        told.append(f"nothing was run at {listed([page(size) for size in empty])}")
    if strange:
        told.append(f"pages of {listed([page(size) for size in sorted(strange)])} were not asked for")
    if wrong:
        pairs = [(plain(each.expected.phase), each.expected.page_size) for each in wrong]
        told.append(f"controls were not seen to behave: {places(pairs)}")
    for (subject, reason), group in grouped(failed, lambda record: (record.subject, record.reason)).items():
        told.append(f"{plain(subject)}, {places(_pairs(group))}: {plain(reason)}")
    return tuple(told)


def _at(page_size: int | None) -> str:
    return f" ({page(page_size)} pages)" if page_size is not None else ""


def verdict(result: Result, voice: Voice) -> str:
    """What the run says, in one sentence or two."""
    match result.conclusion:
        case Conclusion.PASS:
            return f"Nothing fails at head that does not fail at the base{_beside(result)}."
        case Conclusion.FAIL if regressions(result):
            return _regressed(result)
        case Conclusion.FAIL:
            return f"The head of {voice.subject} could not be stressed, and that is its own doing."
        case Conclusion.VOID if result.survived:
            return "A control did the opposite of what it must, so nothing that was seen counts, for or against."
        case Conclusion.VOID:
            return "There was no control that must fail. A stress that cannot fail proves nothing."
        case Conclusion.INCONCLUSIVE if _is_only_uncompared(result):
            return (
                "What was built of the head fails, and nobody knows whether its base does: "
                "this is neither a pass nor a regression."
            )
        case Conclusion.INCONCLUSIVE:
            return "Something came to no verdict, so this is no pass. Nothing was seen that must be a new failure."
        case Conclusion.ERROR:
            return "Something that was to be run was not. What nobody looked at does not count as a pass."


def _beside(result: Result) -> str:
    if not result.has_base:
        return "; there is no base to compare with"
    return ""


def _regressed(result: Result) -> str:
    new = regressions(result)
    phases = unique(record.phase for record in new)
    sizes = sorted({record.page_size for record in new})
    everywhere = len(sizes) == len(result.page_sizes) > 1
    at = "every page size" if everywhere else f"{listed([page(size) for size in sizes])} pages"
    if not result.has_base:
        return f"{plural(len(phases), 'phase')} {'fails' if len(phases) == 1 else 'fail'} with {at}."
    passed = "it" if len(phases) == 1 else "them"
    verb = "fails" if len(phases) == 1 else "fail"
    return f"A regression: {plural(len(phases), 'phase')} {verb} with {at} at head; the base passes {passed}."


def what_ran(result: Result, voice: Voice) -> str:
    """Who was stressed, with what, on what."""
    subjects = [
        f"{voice.name(name)} ({role})"
        for role in (Role.HEAD, Role.BASE)
        for name in unique(record.subject for record in result.of(role))
    ]
    machine = f"on {MACHINES.get(result.machine, plain(result.machine))}: {kernels(result)}"
    if not subjects:
        return f"Nothing was run {machine}."
    tried = [record for record in result.of(Role.HEAD) or result.records if record.verdict is not Verdict.UNAVAILABLE]
    phases, seeds = {record.phase for record in tried}, {record.seed for record in tried}
    counted = f"{plural(len(phases), 'phase')} with {plural(len(seeds), 'seed')}"
    return f"{listed(subjects)} ran {counted} {machine}.{_alone(result, voice)}"


def _alone(result: Result, voice: Voice) -> str:
    """What of it has nothing to be held against."""
    if not result.alone or (result.conclusion is Conclusion.PASS and not result.has_base):
        return ""
    return f" There is no build of the base to compare {listed([voice.name(name) for name in result.alone])} with."


def described(event: Event, voice: Voice) -> str:
    """`at 4K and 64K, seed 1: SIGTRAP in pas_foo (pas_bar.c:12), which the rule alloc-bits speaks of; last said …`."""
    sizes = listed([page(size) for size in event.page_sizes])
    seeds = listed([str(seed) for seed in event.seeds], most=4)
    seed = "seeds" if len(event.seeds) > 1 else "seed"
    seen = [f"{voice.name(event.phase)} at {sizes}, {seed} {seeds}: {_seen(event, voice)}"]
    if event.progress and event.verdict is not Verdict.PASS:
        stop = "" if event.progress.endswith(".") else "."
        seen.append(f"Its last word: {voice.name(event.progress)}{stop}")
    if event.attempts > 1:
        seen.append(f"Tried {event.attempts} times.")
    return " ".join(seen)


def _seen(event: Event, voice: Voice) -> str:
    crash = event.crash or Crash()
    reason = voice.prose(event.reason) if event.reason and event.reason != event.signal else ""
    told = voice.name(event.signal) if event.signal else reason or _DID[event.verdict]
    # Where the place is known, the reason is made of nothing else.
    aside = f" ({reason})" if event.signal and reason and not crash.file else ""
    if crash.function:
        told += f" in {voice.name(crash.function)}"
    if crash.file:
        told += f" at {voice.name(f'{crash.file}:{crash.line}' if crash.line else crash.file)}"
    told += aside
    if crash.rules:
        told += f". {'Rule' if len(crash.rules) == 1 else 'Rules'} {listed([voice.name(rule) for rule in crash.rules])}"
        told += " speaks of it" if len(crash.rules) == 1 else " speak of it"
    return f"{told}."


def controlled(control: Control, voice: Voice) -> tuple[str, str]:
    """What a control must do, and what it did."""
    must = f"must {_MUST.get(control.expected.verdict, str(control.expected.verdict))}"
    if control.seen is None:
        return must, "was not run"
    did = _DID[control.seen.verdict]
    reason = f": {voice.prose(control.seen.reason)}" if control.seen.reason and not control.behaved else ""
    return must, f"{did}{reason}"


def troubled(trouble: Trouble, voice: Voice) -> str:
    """Why something was not run, and whose fault it is."""
    whose = " The head's own." if trouble.own else ""
    return f"{voice.prose(trouble.text)}{_at(trouble.page_size)}.{whose}".replace("..", ".")


def next_steps(result: Result, voice: Voice) -> tuple[str, ...]:
    """What to do, one paragraph for each thing."""
    match result.conclusion:
        case Conclusion.PASS if by_mark(result)[Mark.STANDING]:
            return (f"Nothing to do here: {voice.subject} did not cause what fails.",)
        case Conclusion.PASS:
            return ("Nothing to do.",)
        case Conclusion.FAIL:
            return (*_look(regressions(result), voice), *_own(result), *_again(result, voice))
        case Conclusion.VOID:
            return ("Nothing has to be done in the code: the stress itself is broken. Tell whoever runs pagewarden.",)
        case Conclusion.INCONCLUSIVE if _is_only_uncompared(result):
            return ("Find out whether the base fails as well: there is no build of it, so it could not be run here.",)
        case Conclusion.INCONCLUSIVE:
            return (f"{_repeat(voice)}.",)
        case Conclusion.ERROR if result.troubles and UNBUILT.issuperset(result.troubles):
            return (f"{retry(voice, 'built', PREVIEW)}: what is built is put under stress.",)
        case Conclusion.ERROR:
            blame = f"This is not the fault of {voice.subject}. "
            return (f"{blame}{_repeat(voice)}; if that fails too, tell whoever runs pagewarden.",)


def _is_only_uncompared(result: Result) -> bool:
    """Whether nothing is open but what the base does, which another attempt would not tell either."""
    marked = by_mark(result)
    others = marked[Mark.INCONCLUSIVE] + marked[Mark.ERROR] + marked[Mark.LOST]
    fails = marked[Mark.UNDECIDED]
    return bool(fails) and not others and all(record.subject in result.alone for record in fails)


def _repeat(voice: Voice) -> str:
    return retry(voice, "stressed", "/stress")


def _look(records: Sequence[Record], voice: Voice) -> list[str]:
    crashes = unique(record.crash for record in records if record.crash is not None)
    spots = unique(
        voice.name(f"{crash.file}:{crash.line}" if crash.line else crash.file) for crash in crashes if crash.file
    )
    rules = unique(voice.name(rule) for crash in crashes for rule in crash.rules)
    steps = [f"Look at {listed(spots, most=4)}."] if spots else []
    if rules:
        steps.append(f"See what the static check says of {listed(rules, most=4)}.")
    return steps


def _own(result: Result) -> list[str]:
    return ["Make the head build, then push."] if any(trouble.own for trouble in result.troubles) else []


def _again(result: Result, voice: Voice) -> list[str]:
    """What shows the regressions again, for each of the subjects that people can have."""
    told = []
    for subject, records in grouped(regressions(result), lambda record: record.subject).items():
        sizes = ",".join(page(size) for size in sorted({record.page_size for record in records}))
        seeds = ",".join(str(seed) for seed in sorted({record.seed for record in records})[:8])
        options = f"--page-sizes {sizes} --seeds {seeds}"
        if rev := _LIBPAS.fullmatch(subject):
            command = f"pagewarden stress --libpas . --rev {rev[1]} {options}"
            told.append(f"In a clone, {voice.name(command)} shows it again.")
        elif engine := _PREVIEW.fullmatch(subject):
            command = f"pagewarden stress --subject {engine[1]} {options}"
            told.append(f"Where what was built is unpacked, {voice.name(command)} shows it again.")
    return told
