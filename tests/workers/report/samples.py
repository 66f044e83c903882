"""Reports as the checker makes them of the reference scenario, small enough to vary.

The numbers are like those of the real headers; rules and costs are pinned here, so that a better profile changes no
snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from checker.entries import CostEntry, Rule
from checker.profile import Profile, load_profile
from checker.report import (
    Advice,
    Blamed,
    Change,
    Commit,
    Constant,
    Cost,
    EvaluationError,
    Finding,
    Heap,
    HeapShape,
    IgnoredFinding,
    Link,
    Measure,
    Memory,
    NotApplicable,
    Report,
    RuleText,
    Severity,
    Side,
    State,
    TargetReport,
    Verdict,
)
from workers.report import Context
from workers.report.context import Judged

K = 1024
BASE_SHA, HEAD_SHA = "a" * 40, "b" * 40
PAGES = (4 * K, 16 * K, 64 * K)
LIBPAS = "Source/bmalloc/libpas/src/libpas"
INTERNAL, JIT = f"{LIBPAS}/pas_internal_config.h", f"{LIBPAS}/jit_heap_config.h"
PAGE_BLOCK = "Source/WTF/wtf/PageBlock.h"
CONTEXT = Context("oven-sh/WebKit", 176, BASE_SHA, HEAD_SHA, None, (PAGE_BLOCK, INTERNAL, JIT))
TARGETS = {"linux-arm64": PAGES, "linux-x86_64": (4 * K,), "darwin-arm64": (16 * K,)}
TITLES = {"linux-x86_64": "Linux on x86-64", "darwin-arm64": "macOS on Apple silicon"}

TEXTS = (
    RuleText(
        id="granule-covers-os-page",
        title="The granule is a multiple of the OS page",
        severity=Severity.ERROR,
        why="libpas decommits a granule at a time; one that is no multiple of the kernel's page makes it trap.",
        bites=None,
        relied_on_in=f"{LIBPAS}/pas_page_malloc.c",
        also_in=(),
        advice="Raise the granule to the largest OS page.",
    ),
    RuleText(
        id="use-count",
        title="A granule's use count stays below the DECOMMITTED sentinel",
        severity=Severity.ERROR,
        why="The counter's largest value marks a granule as decommitted; counting up to it traps.",
        bites=None,
        relied_on_in=f"{LIBPAS}/pas_page_granule_use_count.h",
        also_in=(f"{LIBPAS}/pas_bitfit_page_inlines.h",),
        advice="Raise the config's min align shift, or lower its granule.",
    ),
    RuleText(
        id="alloc-bits",
        title="A page's alloc bits fit PAS_MAX_OBJECTS_PER_PAGE",
        severity=Severity.ERROR,
        why="A baseline allocator holds the alloc bits of one page; a page with more of them overruns it.",
        bites="At the first allocation after a thread's local cache is gone.",
        relied_on_in=f"{LIBPAS}/pas_baseline_allocator.c",
        also_in=(),
        advice="Raise PAS_MAX_OBJECTS_PER_PAGE.",
    ),
    RuleText(
        id="alloc-words",
        title="A page's alloc words fit their counter",
        severity=Severity.ERROR,
        why="A size directory counts the words of alloc bits; setting it up traps where the counter is too narrow.",
        bites=None,
        relied_on_in=f"{LIBPAS}/pas_segregated_size_directory.c",
        also_in=(),
        advice="Raise the config's min align shift, or lower its page.",
    ),
    RuleText(
        id="granule-count",
        title="The number of granules is from 2 to PAS_MAX_GRANULES",
        severity=Severity.ERROR,
        why="Decommitting walks a page's granules with arrays of PAS_MAX_GRANULES entries.",
        bites=None,
        relied_on_in=f"{LIBPAS}/pas_free_granules.c",
        also_in=(),
        advice="Bring page and granule closer together.",
    ),
    RuleText(
        id="ceiling-covers-os-page",
        title="CeilingOnPageSize covers the OS page",
        severity=Severity.ERROR,
        why="WTF::pageSize() asserts at start that the kernel's page is no larger.",
        bites=None,
        relied_on_in="Source/WTF/wtf/PageBlock.cpp",
        also_in=(),
        advice="Raise CeilingOnPageSize.",
    ),
)
DORMANT = RuleText(
    id="guarded-page-size",
    title="The OS page fits guard malloc's record of it",
    severity=Severity.WARNING,
    why="Guard malloc records the kernel's page size in 16 bits; 65536 becomes 0.",
    bites="When guard malloc is on, which it is not by default.",
    relied_on_in=f"{LIBPAS}/pas_probabilistic_guard_malloc_allocator.h",
    also_in=(),
    advice="Widen the field.",
)
TREE_RULES = {"ceiling-covers-os-page", DORMANT.id}


@cache
def profile() -> Profile:
    """The bundled profile with the pinned rules and costs."""
    rules = [
        Rule(
            id=text.id,
            title=text.title,
            scope="tree" if text.id in TREE_RULES else "heap",
            value="1",
            limit="2",
            expression="value < limit",
            must="< {limit}",
            decided_by=(),
            severity=text.severity,
            why=text.why,
            bites=text.bites,
            relied_on_in=text.relied_on_in,
            advice=text.advice,
        )
        for text in (*TEXTS, DORMANT)
    ]
    block = CostEntry(id="block", title="A MarkedBlock", scope="tree", value="1", note="Taken in whole blocks.")
    return load_profile("libpas").model_copy(update={"rules": tuple(rules), "costs": (block,)})


@dataclass(frozen=True)
class Sizes:
    """What one tree defines on one target: per heap config page, granule and min align shift."""

    heaps: Mapping[str, tuple[int, int, int]]
    max_objects: int = 2048
    ceiling: int = 16 * K
    constants: Mapping[str, tuple[int, str, int]] = field(default_factory=dict)


def _heaps(page: int, medium: int, granule: int, jit_shift: int) -> dict[str, tuple[int, int, int]]:
    return {
        "utility": (page, granule, 3),
        "bmalloc_small_segregated": (page, granule, 4),
        "bmalloc_medium_segregated": (medium, granule, 9),
        "bmalloc_small_bitfit": (page, granule, 4),
        "bmalloc_medium_bitfit": (medium, granule, 9),
        "bmalloc_marge_bitfit": (4096 * K, granule, 12),
        "jit_small_segregated": (page, granule, 4),
        "jit_small_bitfit": (page, granule, 2),
        "jit_medium_bitfit": (medium, granule, jit_shift),
    }


def _constants(page: int, medium: int, jit_shift: int, max_objects: int) -> dict[str, tuple[int, str, int]]:
    return {
        "CeilingOnPageSize": (page, PAGE_BLOCK, 57),
        "MarkedBlock::blockSize": (page, "Source/JavaScriptCore/heap/MarkedBlock.h", 79),
        "PAS_SMALL_PAGE_DEFAULT_SHIFT": (page.bit_length() - 1, INTERNAL, 39),
        "PAS_SMALL_PAGE_DEFAULT_SIZE": (page, INTERNAL, 43),
        "PAS_MAX_OBJECTS_PER_PAGE": (max_objects, INTERNAL, 145),
        "JIT_SMALL_PAGE_SIZE": (page, JIT, 44),
        "JIT_MEDIUM_PAGE_SIZE": (medium, JIT, 56),
        "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT": (jit_shift, JIT, 53),
    }


def _sizes(page: int, medium: int, jit_shift: int, max_objects: int) -> Sizes:
    constants = _constants(page, medium, jit_shift, max_objects)
    return Sizes(_heaps(page, medium, page, jit_shift), max_objects, page, constants)


A = _sizes(16 * K, 128 * K, 8, 2048)
B = _sizes(64 * K, 256 * K, 8, 2048)
B = replace(
    B, constants={**B.constants, "BUSE_PRECOMPUTED_CONSTANTS_VMPAGE64K": (1, "Source/bmalloc/bmalloc/BPlatform.h", 380)}
)
C = replace(B, max_objects=8192, constants={**B.constants, "PAS_MAX_OBJECTS_PER_PAGE": (8192, INTERNAL, 145)})
D = replace(
    C,
    heaps={**C.heaps, "jit_medium_bitfit": (256 * K, 64 * K, 9)},
    constants={**C.constants, "JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT": (9, JIT, 53)},
)

Key = tuple[str, str | None, int | None]
Cell = tuple[Measure, str] | str
"""A measure and its arithmetic, or the reason why there is none."""


def _cells(sizes: Sizes, target: str) -> Iterator[tuple[Key, Cell]]:
    for heap, (page, granule, shift) in sizes.heaps.items():
        for os_page in PAGES:
            text = f"{granule}, must be a multiple of the OS page, {os_page}"
            yield ("granule-covers-os-page", heap, os_page), _per_page(target, granule, os_page, text)
        count = (granule >> shift) + 1
        one = "page and granule are one size, so "
        if page > granule:
            use = f"({granule} >> {shift}) + 1 = {count}, must be < 255"
            yield ("use-count", heap, None), _measured(count, 255, count < 255, use)
            granules = f"{page} / {granule} = {page // granule}, must be from 2 to 256"
            yield ("granule-count", heap, None), _measured(page // granule, 256, page // granule <= 256, granules)
        else:
            yield ("use-count", heap, None), f"{one}no granule is counted"
            yield ("granule-count", heap, None), f"{one}there is one granule"
        bits = page >> shift
        if heap == "utility" or heap.endswith("segregated"):
            text = f"{page} >> {shift} = {bits}, must be <= {sizes.max_objects}"
            yield ("alloc-bits", heap, None), _measured(bits, sizes.max_objects, bits <= sizes.max_objects, text)
            words = (bits - 128) // 32
            arithmetic = f"({bits} - 128) / 32 = {words}, must be <= 255"
            yield ("alloc-words", heap, None), _measured(words, 255, words <= 255, arithmetic)
        else:
            yield ("alloc-bits", heap, None), "a bitfit config keeps free bits of its own"
            yield ("alloc-words", heap, None), "a bitfit config keeps free bits of its own"
    for os_page in PAGES:
        text = f"{sizes.ceiling}, must be >= {os_page}"
        yield ("ceiling-covers-os-page", None, os_page), _per_page(target, sizes.ceiling, os_page, text)


def _per_page(target: str, value: int, os_page: int, text: str) -> Cell:
    if os_page not in TARGETS[target]:
        return f"no kernel for {TITLES[target]} has {os_page // K}K pages"
    return measure(value, os_page, value >= os_page, value - os_page), text


def _measured(value: int, limit: int, holds: bool, text: str) -> Cell:
    return measure(value, limit, holds, limit - value - ("must be <" in text and "must be <=" not in text)), text


def measure(value: int, limit: int, holds: bool, headroom: int | None) -> Measure:
    """One side's arithmetic."""
    return Measure(value=value, limit=limit, holds=holds, headroom=headroom)


PLACES = {"use-count": (JIT, 62), "ceiling-covers-os-page": (PAGE_BLOCK, 57)}


def _place(rule: str, heap: str | None) -> tuple[str, int]:
    return (
        (JIT, 44)
        if heap is not None and heap.startswith("jit") and rule != "use-count"
        else PLACES.get(rule, (INTERNAL, 39))
    )


def finding(rule: str, heap: str | None, os_page: int | None, state: State, **more: object) -> Finding:
    """One finding; `more` replaces fields."""
    path, line = _place(rule, heap)
    values: dict[str, object] = {
        "rule": rule,
        "heap": heap,
        "os_page": os_page,
        "state": state,
        "severity": Severity.ERROR,
        "close": False,
        "base": None,
        "head": None,
        "path": path,
        "line": line,
        "explanation": "1 + 1 = 2, must be < 2",
        "chain": (),
    }
    return Finding.model_validate({**values, **more})


def link(name: str, path: str, line: int, body: str, value: int | None = None) -> Link:
    """One definition of a chain."""
    return Link(name=name, path=path, line=line, body=body, value=value)


def _chain(rule: str, heap: str | None, sizes: Sizes) -> tuple[Link, ...]:
    """What a failing or close cell is made of: the page or granule, its shift, and the limit."""
    names = ["JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", "JIT_MEDIUM_PAGE_SIZE"]
    if heap is None or not heap.startswith("jit"):
        names = ["PAS_SMALL_PAGE_DEFAULT_SIZE", "PAS_SMALL_PAGE_DEFAULT_SHIFT"]
    names += ["PAS_MAX_OBJECTS_PER_PAGE"] if rule == "alloc-bits" else []
    found = ((name, *sizes.constants[name]) for name in names if name in sizes.constants)
    return tuple(link(name, path, line, str(value), value) for name, value, path, line in found)


def _findings(target: str, base: Sizes, head: Sizes) -> tuple[tuple[Finding, ...], tuple[NotApplicable, ...]]:
    before = dict(_cells(base, target))
    found, silent = [], []
    for (rule, heap, os_page), cell in _cells(head, target):
        if isinstance(cell, str):
            silent.append(NotApplicable(rule=rule, heap=heap, os_page=os_page, reason=cell))
            continue
        measure, text = cell
        old = before[rule, heap, os_page]
        held = isinstance(old, str) or old[0].holds
        state = (
            (State.HOLDS if held else State.FIXED) if measure.holds else (State.INTRODUCED if held else State.STANDING)
        )
        old_measure = None if isinstance(old, str) else old[0]
        close = state is State.HOLDS and rule == "alloc-words" and measure.value > 250 and old_measure != measure
        made_of = _chain(rule, heap, head) if close or not measure.holds else ()
        found.append(
            finding(
                rule,
                heap,
                os_page,
                state,
                base=old_measure,
                head=measure,
                explanation=text,
                close=close,
                chain=made_of,
            )
        )
    return tuple(found), tuple(silent)


def costs(target: str, base: Sizes, head: Sizes) -> Iterator[Cost]:
    """A block, each config's slab, what one object commits on each page size, and addresses set aside."""

    def cost(name: str, title: str, old: int, new: int, **more: object) -> Cost:
        values = {"id": name, "title": title, "heap": None, "os_page": None, "unit": "bytes"}
        return Cost.model_validate({**values, "memory": Memory.RESIDENT, "base": old, "head": new, **more})

    blocks = (each.constants["MarkedBlock::blockSize"][0] for each in (base, head))
    yield cost("block", "A MarkedBlock", *blocks)
    for heap in base.heaps:
        old, new = (each.heaps[heap] for each in (base, head))
        yield cost("slab", "The smallest slab", old[0], new[0], heap=heap)
        for os_page in TARGETS[target]:
            shared = {"heap": heap, "os_page": os_page}
            yield cost("commit", "What one object commits", max(old[1], os_page), max(new[1], os_page), **shared)
    addresses = (33_538_048 if each.ceiling < 64 * K else 536_805_376 for each in (base, head))
    yield cost("expendable", "A block of expendable memory", *addresses, memory=Memory.ADDRESS_SPACE)
    yield cost("waste", "Lost at the largest object", 12, 12 + (base.ceiling != head.ceiling) * 8, unit="percent")


def target_report(target: str, base: Sizes, head: Sizes) -> TargetReport:
    """What the checker says of one target."""
    found, silent = _findings(target, base, head)
    names = {**base.constants, **head.constants}
    constants = []
    for name, (_, path, line) in names.items():
        old, new = (sizes.constants[name][0] if name in sizes.constants else None for sizes in (base, head))
        constants.append(Constant(name=name, base=old, head=new, changed=old != new, path=path, line=line))
    heaps = [
        Heap(name=name, base=_shape(base.heaps[name]), head=_shape(head.heaps[name]), path=INTERNAL, line=1)
        for name in head.heaps
    ]
    return TargetReport(
        target=target,
        constants=tuple(constants),
        heaps=tuple(heaps),
        findings=found,
        not_applicable=silent,
        costs=tuple(costs(target, base, head)),
    )


def _shape(sizes: tuple[int, int, int]) -> HeapShape:
    page, granule, shift = sizes
    return HeapShape(page_size=page, granule_size=granule, min_align_shift=shift)


def report(
    base: Sizes,
    head: Sizes,
    *,
    leaks_into: Sequence[str] = (),
    changes: Sequence[Change] | None = None,
    errors: Sequence[EvaluationError] = (),
) -> Report:
    """The report of a change that is meant for linux-arm64, on three targets."""
    reports = tuple(
        target_report(name, base, head) if name in ("linux-arm64", *leaks_into) else target_report(name, A, A)
        for name in TARGETS
    )
    return assembled(reports, changes=changes, errors=errors)


def assembled(
    targets: Sequence[TargetReport],
    *,
    verdict: Verdict | None = None,
    changes: Sequence[Change] | None = None,
    errors: Sequence[EvaluationError] = (),
    blame: Sequence[Blamed] = (),
    advice: Sequence[Advice] = (),
) -> Report:
    """A report of these parts; its verdict is read from them unless given."""
    broken = any(
        found.state is State.INTRODUCED and found.severity is Severity.ERROR
        for target in targets
        for found in target.findings
    )
    if verdict is None:
        verdict = (
            Verdict.FAIL if broken else Verdict.ERROR if any(e.side is Side.HEAD for e in errors) else Verdict.PASS
        )
    return Report(
        verdict=verdict,
        profile="libpas",
        base=Commit(sha=BASE_SHA),
        head=Commit(sha=HEAD_SHA),
        page_sizes=PAGES,
        rules=(*TEXTS, DORMANT) if any(f.rule == DORMANT.id for t in targets for f in t.findings) else TEXTS,
        targets=tuple(targets),
        changes=tuple(_changes(targets) if changes is None else changes),
        errors=tuple(errors),
        blame=tuple(blame),
        advice=tuple(advice),
    )


def _changes(targets: Sequence[TargetReport]) -> Iterator[Change]:
    cohorts = {"WTF page size": PAGE_BLOCK, "libpas JIT heap": JIT, "libpas": INTERNAL}
    changed = [constant for target in targets for constant in target.constants if constant.changed]
    for cohort, path in cohorts.items():
        names = tuple(dict.fromkeys(constant.name for constant in changed if constant.path == path))
        if names:
            yield Change(cohort=cohort, files=(path,), constants=names)


def judged(made: Report, by: Profile | None = None) -> tuple[Judged, ...]:
    """The report of one profile."""
    return (Judged(made, by or profile()),)


def ignoring(made: Report, rule: str, reason: str, expires: str = "2027-03-31") -> Report:
    """The report as it is where the settings ignore what breaks a rule."""
    ignored = []
    targets = []
    for target in made.targets:
        its = [f for f in target.findings if f.rule == rule and f.state in {State.INTRODUCED, State.STANDING}]
        ignored += [IgnoredFinding(target=target.target, finding=f, reason=reason, expires=expires) for f in its]
        kept = tuple(finding for finding in target.findings if finding not in its)
        targets.append(target.model_copy(update={"findings": kept}))
    broken = any(f.state is State.INTRODUCED for target in targets for f in target.findings)
    verdict = Verdict.FAIL if broken else Verdict.PASS
    return made.model_copy(update={"verdict": verdict, "targets": tuple(targets), "ignored": tuple(ignored)})


def unknown(target: str) -> TargetReport:
    """A target of which nothing could be evaluated."""
    heaps = tuple(Heap(name=name, base=None, head=None, path=None, line=None) for name in A.heaps)
    return TargetReport(target=target, constants=(), heaps=heaps, findings=(), not_applicable=(), costs=())


def error(
    message: str = "expected ';' after top level declarator",
    *,
    target: str = "linux-arm64",
    side: Side = Side.HEAD,
    name: str = "*",
    path: str | None = PAGE_BLOCK,
    line: int | None = 61,
) -> EvaluationError:
    """One value, or all of them, that could not be had."""
    return EvaluationError(target=target, side=side, name=name, path=path, line=line, message=message)
