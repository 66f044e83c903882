"""Stress results in each state that people can see, made as a machine's records would make them."""

from __future__ import annotations

from dataclasses import replace

from tests.workers.report.states import HOSTILE_LINE, HOSTILE_MESSAGE
from workers.build.result import Ending
from workers.report.stress_preview import unbuilt
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Control, Expectation, Result, Trouble
from workers.stress.verdicts import Crash, Evidence, Record, Role, Verdict

K = 1024
SIZES = (4 * K, 16 * K, 64 * K)
HEAD, BASE = "libpas bbbbbbbbbbbb", "libpas aaaaaaaaaaaa"
PHASES = ("baseline", "utility", "jit-medium-bitfit", "jit-small-bitfit", "scavenger", "threads")
HEADER_TABLE = Crash("pas_utility_heap_allocate", "pas_utility_heap.c", 147, ("page-header-fits",))
DECOMMIT = Crash("pas_page_malloc_decommit", "pas_page_malloc.c", 219, ("granule-covers-os-page",))
TAILS = Evidence(
    stdout="start jit-small-bitfit seed 1\nphase jit-small-bitfit\n",
    stderr="\n".join(f"allocated {count} of 20000" for count in range(40)) + "\n",
    kernel_log="harness[31]: unhandled exception: BRK handler, ESR 0x00000000f2000001",
    core=b"\x1f\x8b\x08not quite a core",
)


def record(phase: str, size: int, verdict: Verdict = Verdict.PASS, **changes: object) -> Record:
    """What the head did, or another with `role` and `subject`."""
    plain = Record(HEAD, Role.HEAD, size, phase, 1, verdict, seconds=0.25)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the fields of a record, by name


def trap(phase: str, size: int, crash: Crash = HEADER_TABLE, **changes: object) -> Record:
    """A SIGTRAP."""
    return record(
        phase,
        size,
        Verdict.FAIL,
        **{
            "reason": "a fatal signal",
            "signal": "SIGTRAP",
            "progress": "allocated 0 of 20000",
            "crash": crash,
            "evidence": TAILS,
            **changes,
        },
    )


def passing(role: Role, sizes: tuple[int, ...] = SIZES) -> tuple[Record, ...]:
    """Each phase on each page size."""
    subject = HEAD if role is Role.HEAD else BASE
    return tuple(record(phase, size, role=role, subject=subject) for size in sizes for phase in PHASES)


def with_(records: tuple[Record, ...], *others: Record) -> tuple[Record, ...]:
    """`records`, with `others` in the place of those for the same role, page size, phase and seed."""
    cells = {(each.role, each.page_size, each.phase, each.seed): each for each in others}
    return tuple(cells.get((each.role, each.page_size, each.phase, each.seed), each) for each in records)


def of_base(one: Record) -> Record:
    """The same, seen at the base."""
    return replace(one, role=Role.BASE, subject=BASE)


def controls(sizes: tuple[int, ...] = SIZES) -> tuple[Control, ...]:
    """Trees B and C, and a good one, all as they must be."""
    must = (
        ("libpas, alloc bits too many (B)", "baseline", Verdict.FAIL),
        ("libpas, use count too large (C)", "jit-medium-bitfit", Verdict.FAIL),
        ("libpas, use count too large (C)", "baseline", Verdict.PASS),
    )
    return tuple(
        Control(
            Expectation(subject, size, phase, verdict),
            record(phase, size, verdict, subject=subject, role=Role.CONTROL),
        )
        for subject, phase, verdict in must
        for size in sizes
    )


def seen(control: Control, verdict: Verdict | None, reason: str = "") -> Control:
    """The control with another outcome, `None` for none."""
    assert control.seen is not None
    return replace(control, seen=None if verdict is None else replace(control.seen, verdict=verdict, reason=reason))


BOTH = passing(Role.HEAD) + passing(Role.BASE)
PASS = Result("vm", SIZES, BOTH, controls())
AT_64K = with_(BOTH, trap("jit-small-bitfit", 64 * K))


def _everywhere() -> Result:
    broken = [trap(phase, size) for size in SIZES for phase in ("baseline", "jit-small-bitfit")]
    return Result("vm", SIZES, with_(BOTH, *broken), controls())


def _standing() -> Result:
    same = [trap("scavenger", 64 * K, DECOMMIT), trap("threads", 64 * K, DECOMMIT)]
    fixed = of_base(trap("utility", 64 * K, DECOMMIT))
    return Result("vm", SIZES, with_(BOTH, *same, *map(of_base, same), fixed), controls())


def _unavailable() -> Result:
    lacking = [
        record("threads", size, Verdict.UNAVAILABLE, reason="the tree has no pas_thread_suspend()", seconds=0.0)
        for size in SIZES
    ]
    return Result("vm", SIZES, with_(BOTH, *lacking, *map(of_base, lacking)), controls())


def _inconclusive() -> Result:
    slow = record(
        "threads",
        16 * K,
        Verdict.INCONCLUSIVE,
        reason="no end within 120 s",
        attempts=2,
        seconds=120.0,
        progress="thread 4, round 77",
        evidence=Evidence(stdout="thread 4, round 77\n", maps="aaaa0000-aaaa1000 r-xp\nState: S (sleeping)"),
    )
    unknown = of_base(record("utility", 64 * K, Verdict.INCONCLUSIVE, reason="killed for its use of memory"))
    return Result("vm", SIZES, with_(BOTH, slow, unknown, trap("utility", 64 * K)), controls())


def _void() -> Result:
    first, *others = controls()
    assert first.seen is not None
    alive = replace(first, seen=replace(first.seen, verdict=Verdict.PASS, evidence=Evidence(stdout="ok\n")))
    return Result("vm", SIZES, AT_64K, (alive, *others))


def _machine_trouble() -> Result:
    there = tuple(each for each in BOTH if each.page_size != 64 * K)
    trouble = Trouble("the guest says that its pages have 4096 bytes, not 65536", 64 * K)
    lost = tuple(seen(each, None) if each.expected.page_size == 64 * K else each for each in controls())
    return Result("vm", SIZES, there, lost, (trouble,))


ENGINE = "preview bun bbbbbbbb"
SCRIPTS = ("js-threads", "js-functions", "js-collect-idle", "js-compile-collect")


def _engine(*others: Record) -> tuple[Record, ...]:
    """The engine of a preview build: each phase on each page size."""
    return with_(tuple(record(phase, size, subject=ENGINE) for size in SIZES for phase in SCRIPTS), *others)


def _engines() -> tuple[Control, ...]:
    """bun 1.3.11 and 1.3.12."""
    last = Verdict.FAIL
    must = [("control bun 1.3.11", size, last if size == 64 * K else Verdict.PASS) for size in SIZES]
    must += [("control bun 1.3.12", size, Verdict.PASS) for size in SIZES]
    return tuple(
        Control(
            Expectation(subject, size, "collect-idle", verdict),
            record("collect-idle", size, verdict, subject=subject, role=Role.CONTROL),
        )
        for subject, size, verdict in must
    )


def _preview(*others: Record) -> Result:
    """libpas beside its base, and the engine of a preview build without one."""
    return Result("vm", SIZES, BOTH + _engine(*others), (*controls(), *_engines()), alone=(ENGINE,))


def _aborted(phase: str) -> Record:
    return record(
        phase,
        64 * K,
        Verdict.FAIL,
        subject=ENGINE,
        reason="SIGABRT before its first line",
        signal="SIGABRT",
        evidence=Evidence(stderr="RELEASE_ASSERT\n"),
    )


def _hostile() -> Result:
    crash = Crash(HOSTILE_MESSAGE, HOSTILE_LINE, 3, (HOSTILE_LINE,))
    evidence = Evidence(HOSTILE_MESSAGE, f"```\n{HOSTILE_LINE}\n</pre></details>", HOSTILE_LINE, "", "")
    bad = trap(
        HOSTILE_LINE,
        64 * K,
        crash,
        subject=HOSTILE_MESSAGE,
        reason=HOSTILE_MESSAGE,
        signal=HOSTILE_LINE,
        progress=HOSTILE_MESSAGE,
        evidence=evidence,
    )
    hurt = seen(controls()[0], Verdict.ERROR, HOSTILE_MESSAGE)
    odd = replace(hurt, expected=replace(hurt.expected, subject=HOSTILE_MESSAGE, phase=HOSTILE_LINE))
    gone = replace(bad, verdict=Verdict.UNAVAILABLE, page_size=4 * K)
    troubles = (Trouble(HOSTILE_MESSAGE, 64 * K), Trouble(HOSTILE_MESSAGE, own=True))
    return Result("vm", SIZES, (bad, gone), (odd, *controls()[1:]), troubles)


def thousand() -> Result:
    """A thousand failures, no two alike, each with evidence."""
    noise = Evidence("\n".join("`" * 20 + "x" * 400 for _ in range(200)), "y" * 8000, "z\n" * 2000)
    records = tuple(
        trap(f"phase-{number // 2:03}-{'long-' * 8}", size, seed=number % 2, progress=f"{number}", evidence=noise)
        for number in range(334)
        for size in SIZES
    )
    return Result("vm", SIZES, records, controls())


STATES = {
    "pass": PASS,
    "standing": _standing(),
    "regression-64k": Result("vm", SIZES, AT_64K, controls()),
    "regression-everywhere": _everywhere(),
    "no-base": Result("native", (16 * K,), (trap("churn", 16 * K, subject="bun 1.3.11"),), controls((16 * K,))),
    "void": _void(),
    "void-good-control": replace(PASS, controls=(*controls()[:-1], seen(controls()[-1], Verdict.FAIL, "SIGABRT"))),
    "void-no-control": replace(PASS, controls=()),
    "inconclusive": _inconclusive(),
    "error": _machine_trouble(),
    "error-record": replace(
        PASS,
        records=with_(BOTH, record("threads", 4 * K, Verdict.ERROR, reason="the machine told nothing of it")),
    ),
    "does-not-compile": Result(
        "vm", SIZES, passing(Role.BASE), controls(), (Trouble("the head does not compile: pas_heap.c:3", own=True),)
    ),
    "unavailable": _unavailable(),
    "preview": _preview(),
    "preview-fails": _preview(*map(_aborted, SCRIPTS)),
    "preview-only": Result("vm", SIZES, _engine(_aborted("js-threads")), _engines(), alone=(ENGINE,)),
    "preview-regression": Result(
        "vm",
        SIZES,
        (
            *_engine(_aborted("js-threads")),
            *(replace(each, role=Role.BASE, subject="preview bun aaaaaaaa") for each in _engine()),
        ),
        _engines(),
    ),
    "preview-cancelled": replace(PASS, troubles=(unbuilt(Ending.CANCELLED),)),
    "preview-failed": replace(PASS, troubles=(unbuilt(Ending.FAILED),)),
    "preview-absent": replace(PASS, troubles=(unbuilt(None),)),
    "hostile": _hostile(),
}
BUILDING = Progress(
    "vm", tuple(PageProgress(size, Stage.BUILDING, 96, 302, subject=HEAD) for size in SIZES), 1_700_000_000.0
)
RUNNING = Progress(
    "vm",
    (
        PageProgress(4 * K, Stage.DONE, 36, 36),
        PageProgress(16 * K, Stage.RUNNING, 6, 36, HEAD, "jit-small-bitfit"),
        PageProgress(64 * K),
    ),
    1_700_000_000.0,
)
WAITING = Progress("vm", tuple(map(PageProgress, SIZES)))
RUNNING_PREVIEW = replace(
    RUNNING,
    preview=(
        PageProgress(4 * K, Stage.RUNNING, 1, 6, ENGINE, "js-threads"),
        PageProgress(16 * K),
        PageProgress(64 * K),
    ),
)
UNBUILT = tuple(PageProgress(size, Stage.UNBUILT) for size in SIZES)
BUILDING_PREVIEW = replace(RUNNING, preview=UNBUILT)
WAITING_PREVIEW = Progress("vm", (), preview=UNBUILT)
