"""Small reports, outcomes and mutants for the tests of the mutation study."""

from __future__ import annotations

from benchmarks.libpas_driver.run import Ending, Outcome
from benchmarks.mutation_study.mutants import Mutant
from checker.knobs import Knob, Turn
from checker.report import (
    Commit,
    EvaluationError,
    Finding,
    Report,
    RuleText,
    Severity,
    Side,
    State,
    TargetReport,
    Verdict,
)
from workers.stress.libpas.crashes import Place

PAGE_4K = 4096
PAGE_64K = 65536


def mutant(name: str = "PAS_GRANULE_DEFAULT_SHIFT", value: int = 14, to: int = 15) -> Mutant:
    """One bit more in a shift, unless told otherwise."""
    path = "Source/bmalloc/libpas/src/libpas/pas_internal_config.h"
    return Mutant("A", Turn(Knob(name, path, 51, 33, str(value), value, shift=True), to))


def rule(name: str, *files: str, severity: Severity = Severity.ERROR) -> RuleText:
    """A rule that the first file relies on, and the others too."""
    first, *others = (f"Source/bmalloc/libpas/src/libpas/{file}" for file in files)
    return RuleText(
        id=name,
        title=name,
        severity=severity,
        why="",
        bites=None,
        relied_on_in=first,
        also_in=tuple(others),
        advice="",
    )


def finding(
    of: RuleText, heap: str | None = None, os_page: int | None = None, state: State = State.INTRODUCED
) -> Finding:
    """A failing cell."""
    return Finding(
        rule=of.id,
        heap=heap,
        os_page=os_page,
        state=state,
        severity=of.severity,
        close=False,
        base=None,
        head=None,
        path=None,
        line=None,
        explanation=f"{of.id} is broken",
        chain=(),
    )


def report(rules: tuple[RuleText, ...], *findings: Finding, error: str | None = None) -> Report:
    """A report on one target."""
    target = TargetReport(target="linux-arm64", constants=(), heaps=(), findings=findings, not_applicable=(), costs=())
    errors = (
        (EvaluationError(target="linux-arm64", side=Side.HEAD, name="NAME", path=None, line=None, message=error),)
        if error
        else ()
    )
    return Report(
        verdict=Verdict.FAIL,
        profile="libpas",
        base=Commit(sha="0" * 40),
        head=Commit(sha="1" * 40),
        page_sizes=(PAGE_4K, PAGE_64K),
        rules=rules,
        targets=(target,),
        changes=(),
        errors=errors,
    )


def fine(phase: str, page_size: int = PAGE_4K) -> Outcome:
    """A phase that ended well."""
    return Outcome(phase, page_size, Ending.OK)


def trap(phase: str, *files: str, page_size: int = PAGE_4K, line: int = 10) -> Outcome:
    """A phase that an assertion in the first file ended; the other files are its callers'."""
    places = tuple(Place(f"in_{file}", file, line) for file in files)
    asserting = (Place("pas_assertion_failed", "pas_utils.h", 270), *places)
    return Outcome(phase, page_size, Ending.TRAP, "SIGTRAP", asserting)
