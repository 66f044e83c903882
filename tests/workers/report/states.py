"""Every state that a report can be in, by name."""

from __future__ import annotations

from dataclasses import replace

from checker.report import (
    Advice,
    Blamed,
    CellName,
    Change,
    Commit,
    CostChange,
    Edit,
    Finding,
    Repair,
    Report,
    Severity,
    Side,
    State,
    TargetReport,
    Verdict,
)
from tests.workers.report.samples import (
    DORMANT,
    INTERNAL,
    JIT,
    LIBPAS,
    PAGE_BLOCK,
    A,
    B,
    C,
    D,
    Sizes,
    assembled,
    error,
    finding,
    link,
    measure,
    report,
    target_report,
    unknown,
)

HOSTILE_PATH = "Source/WTF/wtf/a|b `c` @octocat/team ](http://evil.example) <img src=x onerror=alert(1)>\n# boo\u202e.h"
HOSTILE_MESSAGE = (
    "expected expression: @octocat #1 GH-2 ``` `` ` | **bold** [click](javascript:alert(1)) <script>alert(1)</script>"
    "\r\n\r\n# heading\x1b[31m red \u202e\u2028 https://evil.example www.evil.example a@evil.example </details> <!-- "
)


def _only_comments() -> Report:
    return report(A, A, changes=[Change(cohort="libpas JIT heap", files=(JIT,), constants=())])


def _nothing_touched() -> Report:
    return assembled([target_report("linux-arm64", A, A)], verdict=Verdict.NOT_APPLICABLE)


def _error_at_head() -> Report:
    names = ("linux-arm64", "linux-x86_64", "darwin-arm64")
    change = Change(cohort="WTF page size", files=("Source/WTF/wtf/PageBlock.h",), constants=())
    return assembled([unknown(name) for name in names], changes=[change], errors=[error(target=name) for name in names])


def _error_in_one_value() -> Report:
    arm = target_report("linux-arm64", A, D)
    kept = tuple(found for found in arm.findings if found.rule != "alloc-bits")
    missing = error(
        "use of undeclared identifier 'PAS_SMALL_PAGE_DEFAULT_SIZ'",
        name="PAS_MAX_OBJECTS_PER_PAGE",
        path=f"{LIBPAS}/pas_internal_config.h",
        line=145,
    )
    return assembled([arm.model_copy(update={"findings": kept}), target_report("darwin-arm64", A, A)], errors=[missing])


def _error_at_base() -> Report:
    arm = target_report("linux-arm64", A, A)
    broken = tuple(
        found.model_copy(update={"state": State.INTRODUCED, "base": None}) if found.state is State.STANDING else found
        for found in arm.findings
    )
    undecided = arm.model_copy(update={"findings": broken})
    errors = [error(side=Side.BASE)]
    return assembled([undecided, target_report("darwin-arm64", A, A)], verdict=Verdict.ERROR, errors=errors)


def _no_longer_judged(head: Sizes) -> Report:
    """The tree drops a name that a rule needs, and a heap config."""
    arm = target_report("linux-arm64", A, head)
    kept = [found for found in arm.findings if found.rule != "granule-count"]
    gone = [found for found in arm.findings if found.rule == "granule-count"]
    why = "this tree has no PAS_MAX_GRANULES"
    gone = [
        found.model_copy(update={"state": State.GONE, "head": None, "close": False, "chain": (), "explanation": why})
        for found in gone
    ]
    return assembled(
        [arm.model_copy(update={"findings": (*kept, *gone)}), target_report("darwin-arm64", A, A)],
    )


def _repair() -> Report:
    return assembled([target_report("linux-arm64", D, D)], errors=[error(side=Side.BASE)])


def _dormant() -> Report:
    arm = target_report("linux-arm64", D, D)
    return assembled([arm.model_copy(update={"findings": (*arm.findings, _guarded(State.INTRODUCED))})])


def _still_dormant() -> Report:
    arm = target_report("linux-arm64", A, D)
    return assembled([arm.model_copy(update={"findings": (*arm.findings, _guarded(State.STANDING))})])


def _guarded(state: State) -> Finding:
    path = f"{LIBPAS}/pas_probabilistic_guard_malloc_allocator.h"
    return finding(
        DORMANT.id,
        None,
        65536,
        state,
        severity=Severity.WARNING,
        base=measure(65536, 65535, False, -1) if state is State.STANDING else None,
        head=measure(65536, 65535, False, -1),
        path=path,
        line=90,
        explanation="65536, must be <= 65535",
        chain=(link("largest_guarded_page", path, 90, "uint16_t page_size;", 65535),),
    )


ARM = ("linux-arm64",)
USE_COUNT = CellName(rule="use-count", heap="jit_medium_bitfit", os_page=None, targets=ARM)
ALLOC_BITS = tuple(
    CellName(rule="alloc-bits", heap=heap, os_page=None, targets=ARM)
    for heap in ("utility", "bmalloc_small_segregated", "jit_small_segregated")
)
CEILING = CellName(rule="ceiling-covers-os-page", heap=None, os_page=65536, targets=ARM)


def blamed(letter: str, subject: str | None, **more: object) -> Blamed:
    """One commit of the change."""
    values = {"introduced": (), "fixed": (), "left": 0, "touched": True, "errors": ()}
    return Blamed.model_validate({"commit": Commit(sha=letter * 40, subject=subject), **values, **more})


BLAME = (
    blamed("1", "Use 64 KiB pages on Linux arm64", introduced=(USE_COUNT, *ALLOC_BITS), fixed=(CEILING,)),
    blamed("2", "Say more about it", touched=False, left=4),
    blamed("3", "Raise PAS_MAX_OBJECTS_PER_PAGE", fixed=ALLOC_BITS, left=1),
)


def edit(name: str, path: str, line: int, old: int, new: int, *, shown: str = "#define {name}   {value}u") -> Edit:
    """A literal replaced, in a line made of `shown`."""
    before, after = (shown.format(name=name, value=value) for value in (old, new))
    return Edit(name=name, path=path, line=line, before=before, after=after, old=old, new=new)


def advice(rule: str, *repairs: Repair, tried: int = 8, exhausted: bool = True, knobs: tuple[str, ...] = ()) -> Advice:
    """What was found for one rule on linux-arm64."""
    heaps = tuple(cell.heap for cell in (USE_COUNT, *ALLOC_BITS) if cell.rule == rule and cell.heap is not None)
    return Advice(rule=rule, heaps=heaps, targets=ARM, repairs=repairs, tried=tried, knobs=knobs, exhausted=exhausted)


SHIFT = edit("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", JIT, 53, 8, 9)
OBJECTS = edit("PAS_MAX_OBJECTS_PER_PAGE", INTERNAL, 145, 2048, 8192, shown="#define {name}\t\t{value}")
GRANULE = edit("JIT_MEDIUM_GRANULE_SIZE", JIT, 62, 65536, 32768)
DEARER = tuple(
    CostChange(id=name, target="linux-arm64", heap=heap, os_page=os_page, head=65536, repaired=repaired)
    for name, heap, os_page, repaired in (
        ("slab", "jit_medium_bitfit", None, 131072),
        ("commit", "jit_medium_bitfit", 4096, 131072),
        ("commit", "jit_medium_bitfit", 16384, 98304),
        ("block", None, None, 32768),
    )
)
ADVICE = (
    advice(
        "alloc-bits",
        Repair(edits=(OBJECTS,), mends=(*ALLOC_BITS, CEILING), costs=()),
        tried=20,
        knobs=("PAS_MAX_OBJECTS_PER_PAGE",),
    ),
    advice(
        "use-count",
        Repair(edits=(SHIFT,), mends=(USE_COUNT,), costs=()),
        Repair(edits=(GRANULE, SHIFT), mends=(USE_COUNT,), costs=DEARER),
        knobs=("JIT_MEDIUM_BITFIT_MIN_ALIGN_SHIFT", "JIT_MEDIUM_GRANULE_SIZE"),
    ),
)
NO_ADVICE = (
    advice(
        "alloc-bits", tried=120, exhausted=False, knobs=("PAS_MAX_OBJECTS_PER_PAGE", "PAS_INTERNAL_MIN_ALIGN_SHIFT")
    ),
    advice("use-count", tried=0),
)


def _everything() -> Report:
    """The reference change, commit by commit, with repairs."""
    return report(A, B).model_copy(update={"blame": BLAME, "advice": ADVICE})


def _renamed(made: TargetReport, name: str) -> TargetReport:
    return made.model_copy(update={"target": name})


def _eight_targets() -> Report:
    """Three kinds of change, two targets without one, and one that nobody can evaluate."""
    arm, other = target_report("linux-arm64", A, B), target_report("linux-x86_64", A, A)
    ceiling = replace(A, constants={**A.constants, "CeilingOnPageSize": (65536, PAGE_BLOCK, 59)})
    partly = target_report("linux-x86_64", A, ceiling)
    return assembled(
        [
            arm,
            _renamed(partly, "linux-x86_64"),
            _renamed(partly, "linux-armv7"),
            unknown("linux-ppc64le"),
            _renamed(other, "linux-riscv64"),
            _renamed(target_report("darwin-arm64", A, A), "darwin-arm64"),
            _renamed(target_report("linux-arm64", A, D), "darwin-x86_64"),
            _renamed(other, "windows-x86_64"),
        ],
        errors=[error(target="linux-ppc64le", path=None, line=None, message="no answer within 60 seconds")],
    )


HOSTILE_LINE = "#define X\t`` ``` 8 @octocat </details> \x1b[31m <img src=x> [a](http://evil.example) \u202e"


def _hostile() -> Report:
    arm = target_report("linux-arm64", A, A)
    constant = arm.constants[0].model_copy(update={"head": 4096, "changed": True, "path": HOSTILE_PATH})
    chain = (link("X", HOSTILE_PATH, 3, HOSTILE_MESSAGE, 8),)
    broken = finding("use-count", "jit_medium_bitfit", None, State.INTRODUCED, path=HOSTILE_PATH, line=3, chain=chain)
    hurt = arm.model_copy(update={"constants": (constant, *arm.constants[1:]), "findings": (*arm.findings, broken)})
    change = Change(cohort="WTF page size", files=(HOSTILE_PATH,), constants=(constant.name,))
    mended = Edit(name="X", path=HOSTILE_PATH, line=3, before=HOSTILE_LINE, after=HOSTILE_LINE, old=8, new=9)
    commits = (
        blamed("1", HOSTILE_MESSAGE, introduced=(USE_COUNT,)),
        blamed("2", "| a | b | `c", errors=(error(HOSTILE_MESSAGE, path=HOSTILE_PATH),)),
    )
    return assembled(
        [hurt],
        changes=[change],
        errors=[error(HOSTILE_MESSAGE, path=HOSTILE_PATH)],
        blame=commits,
        advice=[advice("use-count", Repair(edits=(mended,), mends=(USE_COUNT,), costs=()), knobs=("X",))],
    )


def many(count: int, *, path: str = "Source/WTF/wtf/PageBlock.h") -> Report:
    """A report with so many findings, each on a line of its own."""
    arm = target_report("linux-arm64", D, D)
    broken = tuple(
        finding("use-count", f"heap_{index}", None, State.INTRODUCED, path=path, line=index + 1)
        for index in range(count)
    )
    return assembled([arm.model_copy(update={"findings": (*arm.findings, *broken)})])


REPORTS = {
    "pass": report(A, D),
    "pass-nothing-changed": report(D, D, leaks_into=("darwin-arm64",)),
    "fail-many": report(A, B),
    "fail-one": report(A, C),
    "fixed-only": report(C, D),
    "fixed-some": report(B, C),
    "standing-only": _only_comments(),
    "leak": report(A, B, leaks_into=("darwin-arm64",)),
    "leak-smaller": assembled(
        [
            target_report("linux-arm64", A, D),
            target_report(
                "darwin-arm64", A, replace(A, constants={**A.constants, "CeilingOnPageSize": (65536, JIT, 57)})
            ),
            target_report("linux-x86_64", A, A),
        ]
    ),
    "everywhere": report(A, D, leaks_into=("darwin-arm64", "linux-x86_64")),
    "error-head": _error_at_head(),
    "error-one-value": _error_in_one_value(),
    "error-base": _error_at_base(),
    "repair": _repair(),
    "dormant": _dormant(),
    "still-dormant": _still_dormant(),
    "everything": _everything(),
    "no-longer-judged": _no_longer_judged(D),
    "broken-and-gone": _no_longer_judged(B),
    "one-commit": report(A, B).model_copy(update={"blame": BLAME[:1], "advice": ADVICE}),
    "no-repair": report(A, B).model_copy(update={"advice": NO_ADVICE}),
    "eight-targets": _eight_targets(),
    "not-applicable": _nothing_touched(),
    "hostile": _hostile(),
    "120-findings": many(120),
}
