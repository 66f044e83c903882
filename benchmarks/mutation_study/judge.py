"""A prediction beside what the driver saw. Pure.

A crash is predicted by a rule that the mutant newly breaks and that names the file of that very assertion. A rule that
names a caller's file, or fails without naming any, is told apart. So is what the tree did before the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.libpas_driver.run import Ending, Outcome
from benchmarks.mutation_study.driven import Driven
from benchmarks.mutation_study.mutants import Mutant
from benchmarks.mutation_study.reach import OUT_OF_REACH, PHASES, RULE_PHASES
from checker.report import Report, RuleText, Severity, Side, State
from workers.stress.libpas.crashes import Match, Place, files_of, meant_places, nearness

SMALLEST_PAGE = 4096

Identity = tuple[Ending, str | None, str, int]
Where = tuple[str, int]
"""(phase, OS page size in bytes)"""


@dataclass(frozen=True)
class Site:
    """One way in which a tree fails, and where it shows."""

    example: Outcome
    seen: tuple[Where, ...]

    @property
    def places(self) -> Sequence[Place]:
        """The assertion and its callers; without a shared assertion, where one was asked from elsewhere."""
        return meant_places(self.example.places)

    @property
    def text(self) -> str:
        """For a table: the place, or what was said."""
        kind = self.example.signal or self.example.ending.value
        place = self.example.place
        if place is None:
            return f"{kind}: {self.example.said}"
        asked = f" for {self.places[0]}" if self.places[0] != place else ""
        return f"{kind} at {place}{asked}"


@dataclass(frozen=True)
class Prediction:
    """A rule that fails in the mutated tree: introduced or standing, on some heap configs and page sizes.

    `page_sizes` (bytes) is empty for a rule that does not depend on the OS page.
    """

    rule: RuleText
    state: State
    heaps: tuple[str, ...]
    page_sizes: tuple[int, ...]
    explanation: str

    @property
    def files(self) -> frozenset[str]:
        """Names, without directories, of the files whose assertions speak of the rule."""
        return files_of((self.rule.relied_on_in, *self.rule.also_in))

    def speaks_of(self, site: Site) -> bool:
        """Whether the rule fails on one of the page sizes on which the site shows."""
        return not self.page_sizes or any(size in self.page_sizes for _phase, size in site.seen)


@dataclass(frozen=True)
class Crash:
    """A site that the unmutated tree does not have, and the rules that come nearest to it."""

    site: Site
    match: Match
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Unseen:
    """A predicted error that shows in no crash; `reason` is None when nothing explains it."""

    prediction: Prediction
    reason: str | None


@dataclass(frozen=True)
class Judged:
    """One mutant: what was said of it, what it did, and how the two fit.

    `driven` is None where the driver was not run.
    """

    mutant: Mutant
    predictions: tuple[Prediction, ...]
    errors: tuple[str, ...]
    driven: Driven | None
    crashes: tuple[Crash, ...]
    unseen: tuple[Unseen, ...]

    @property
    def introduced_errors(self) -> tuple[Prediction, ...]:
        """What fails a check."""
        return tuple(each for each in self.predictions if is_introduced_error(each))

    @property
    def refused(self) -> str | None:
        """Why the tree does not compile."""
        return self.driven.refused if self.driven else None


def judge(mutant: Mutant, report: Report, before: Driven | None, after: Driven | None) -> Judged:
    """Sets the report of original → mutant, on one target, beside what the driver saw of both."""
    predictions = predicted(report)
    errors = tuple(f"{error.name}: {error.message}" for error in report.errors if error.side is Side.HEAD)
    crashes: tuple[Crash, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    if before is not None and after is not None:
        crashes = tuple(_crash(site, predictions) for site in new_sites(before, after))
        introduced = (each for each in predictions if is_introduced_error(each))
        unseen = tuple(
            Unseen(each, _why_unseen(each, after))
            for each in introduced
            if not any(_names(each, crash.site) is not None for crash in crashes)
        )
    return Judged(mutant, tuple(predictions), errors, after, crashes, unseen)


def is_introduced_error(prediction: Prediction) -> bool:
    """Whether it fails a check."""
    return prediction.state is State.INTRODUCED and prediction.rule.severity is Severity.ERROR


def predicted(report: Report) -> list[Prediction]:
    """The report's failing cells by rule and state, in the profile's order."""
    rules = {rule.id: rule for rule in report.rules}
    grouped: dict[tuple[str, State], Prediction] = {}
    for target in report.targets:
        for cell in target.findings:
            if cell.state not in {State.INTRODUCED, State.STANDING}:
                continue
            key = (cell.rule, cell.state)
            known = grouped.get(key) or Prediction(rules[cell.rule], cell.state, (), (), cell.explanation)
            heaps = (*known.heaps, *([cell.heap] if cell.heap is not None else []))
            pages = (*known.page_sizes, *([cell.os_page] if cell.os_page is not None else []))
            grouped[key] = replace(
                known, heaps=tuple(dict.fromkeys(heaps)), page_sizes=tuple(sorted(dict.fromkeys(pages)))
            )
    return list(grouped.values())


def pages_to_run(predictions: Iterable[Prediction]) -> list[int]:
    """The smallest page, and those, in bytes, for which a rule that depends on the page is newly broken."""
    introduced = (size for each in predictions if is_introduced_error(each) for size in each.page_sizes)
    return sorted({SMALLEST_PAGE, *introduced})


def sites(outcomes: Iterable[Outcome]) -> dict[Identity, Site]:
    """Every way to fail in these outcomes."""
    found: dict[Identity, Site] = {}
    for outcome in outcomes:
        if outcome.ending is not Ending.OK:
            known = found.get(_identity(outcome)) or Site(outcome, ())
            found[_identity(outcome)] = replace(known, seen=(*known.seen, (outcome.phase, outcome.page_size)))
    return found


def new_sites(before: Driven, after: Driven) -> list[Site]:
    """How phases fail that ended well before, or failed in another file: threads race for one of its assertions."""
    known = {(outcome.phase, outcome.page_size): _ended(outcome) for outcome in before.outcomes}
    changed = (each for each in after.outcomes if _ended(each) != known.get((each.phase, each.page_size)))
    return list(sites(changed).values())


def _ended(outcome: Outcome) -> tuple[Ending, str]:
    places = Site(outcome, ()).places
    return outcome.ending, places[0].file if places else ""


def _identity(outcome: Outcome) -> Identity:
    """Equal for one assertion or access in many phases."""
    places = Site(outcome, ()).places
    return (outcome.ending, outcome.signal, places[0].file if places else outcome.said, places[0].line if places else 0)


def _crash(site: Site, predictions: Sequence[Prediction]) -> Crash:
    introduced = [each for each in predictions if each.state is State.INTRODUCED]
    for match in (Match.ASSERTION, Match.CALLER):
        if rules := [each.rule.id for each in introduced if _names(each, site) is match]:
            return Crash(site, match, tuple(rules))
    others = [each.rule.id for each in introduced if is_introduced_error(each) and each.speaks_of(site)]
    return Crash(site, Match.OTHER if others else Match.NONE, tuple(others))


def _names(prediction: Prediction, site: Site) -> Match | None:
    return nearness(prediction.files, site.places) if prediction.speaks_of(site) else None


def _why_unseen(prediction: Prediction, after: Driven) -> str | None:
    if after.refused is not None:
        return "the tree does not compile"
    heaps_of: dict[str | None, list[str]] = {}
    for heap in prediction.heaps or (None,):
        heaps_of.setdefault(_out_of_reach(prediction, heap, after), []).append(heap or "")
    if None in heaps_of:
        return None
    if len(heaps_of) == 1:
        return next(iter(heaps_of))
    return "; ".join(f"{', '.join(heaps)}: {reason}" for reason, heaps in heaps_of.items())


def _out_of_reach(prediction: Prediction, heap: str | None, after: Driven) -> str | None:
    """Why a breach on this heap config cannot show here, if so."""
    if reason := OUT_OF_REACH.get((prediction.rule.id, heap)):
        return reason
    ran = {outcome.page_size for outcome in after.outcomes}
    if prediction.page_sizes and not ran.intersection(prediction.page_sizes):
        return f"needs a kernel with pages of {', '.join(f'{size // 1024}K' for size in prediction.page_sizes)}"
    concerned = [outcome for outcome in after.outcomes if _may_show(outcome, prediction, heap)]
    if not concerned or any(outcome.ending is Ending.OK for outcome in concerned):
        return None
    return "masked: all phases that could show it end before"


def _may_show(outcome: Outcome, prediction: Prediction, heap: str | None) -> bool:
    phases = RULE_PHASES.get(prediction.rule.id) if heap is None else PHASES.get(heap)
    on_page = not prediction.page_sizes or outcome.page_size in prediction.page_sizes
    return on_page and (phases is None or outcome.phase in phases)
