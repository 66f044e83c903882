"""Preview builds in each state that people can see."""

from __future__ import annotations

from dataclasses import replace

from tests.workers.report.samples import CONTEXT as PULL
from tests.workers.report.samples import HEAD_SHA
from tests.workers.report.states import HOSTILE_LINE, HOSTILE_MESSAGE, HOSTILE_PATH
from workers.build.order import tag_of
from workers.build.result import (
    Artifact,
    Binary,
    Ending,
    Fault,
    Inspection,
    Made,
    Problem,
    Release,
    Row,
    RowState,
)

RUN_PAGE = "https://pagewarden.example/runs/1"
CONTEXT = replace(PULL, details_url=RUN_PAGE)
ACTIONS_RUN = "https://github.com/oven-sh/WebKit/actions/runs/1234567"
TAG = tag_of(176, HEAD_SHA)
AT = 1774047873.0
"""2026-03-20 23:04:33 UTC."""
DAY = 24 * 3600.0


def binary(artifact: str, path: str = "", **changes: object) -> Binary:
    """An executable of the size of a bun, or another."""
    made = Binary(
        artifact, path, "executable", 65536, "c0ffee" * 6 + "beef", 61_341_696, 1_179_648, 312_400, 98_304_112
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the fields of a binary, by name


BUN = binary("bun-linux-aarch64.zip", "bun-linux-aarch64/bun")
LIBRARY = binary("libpas.so", kind="library", build_id="", text=412_672, data=8_192, bss=1_048_576, file=529_408)
OBJECTS = binary(
    "libpas.a", "pas_heap.o", kind="object", alignment=0, build_id="", text=912, data=0, bss=16, file=2_872
)
FILES = (
    Artifact("bun-linux-aarch64.zip", 38_214_771, "0f" * 32),
    Artifact("libpas.so", 529_408, "1e" * 32),
    Artifact("libpas.a", 1_048_576, "2d" * 32),
)
GOOD = Inspection(FILES, (BUN, LIBRARY, OBJECTS), more=212)
SMALLER = replace(BUN, text=BUN.text - 1_310_720, file=BUN.file - 1_310_720)
BASES = (SMALLER, replace(LIBRARY, bss=LIBRARY.bss - 512), OBJECTS, binary("old-tool"))
PAGE = f"https://github.com/oven-sh/WebKit/releases/tag/{TAG}"
RELEASED = Made(Ending.RELEASED, url=ACTIONS_RUN, inspection=GOOD, release=Release(TAG, PAGE, AT))
LOG = "".join(f"[{count}/200] Building CXX object jsc_{count}.o\n" for count in range(190)) + (
    "jsc_190.cpp:12:3: error: static assertion failed\nninja: build stopped: subcommand failed.\n"
)
FAILED = Made(Ending.FAILED, "the job build failed at the step “Build”.", LOG, ACTIONS_RUN)


def unfit(*problems: Problem, inspection: Inspection = GOOD) -> Made:
    """What the inspection found problems in."""
    return Made(Ending.UNFIT, url=ACTIONS_RUN, inspection=replace(inspection, problems=problems))


PACKED = replace(GOOD, binaries=(replace(BUN, alignment=4096), replace(LIBRARY, alignment=16384), OBJECTS))
MISALIGNED = Problem(Fault.ALIGNMENT, BUN.name, "4096")
HOSTILE_FILES = Inspection(
    (Artifact(HOSTILE_PATH, 1, "0f" * 32),),
    (binary(HOSTILE_PATH, HOSTILE_MESSAGE, kind=HOSTILE_MESSAGE, build_id=HOSTILE_MESSAGE),),
    tuple(Problem(fault, HOSTILE_PATH, HOSTILE_MESSAGE) for fault in (*Fault, HOSTILE_MESSAGE)),
)
MADE = {
    "released": RELEASED,
    "released-base": replace(RELEASED, base=BASES, base_tag="autobuild-aaaaaaaa"),
    "released-same": replace(RELEASED, base=GOOD.binaries),
    "released-one": replace(RELEASED, inspection=Inspection(FILES[:1], (BUN,))),
    "objects": replace(RELEASED, inspection=Inspection(FILES[2:], (OBJECTS,))),
    "built": Made(Ending.BUILT, url=ACTIONS_RUN, inspection=GOOD),
    "taken": Made(Ending.TAKEN, "octocat", url=ACTIONS_RUN, inspection=GOOD),
    "taken-bare": Made(Ending.TAKEN, url=ACTIONS_RUN, inspection=GOOD),
    "forbidden": Made(Ending.FORBIDDEN, url=ACTIONS_RUN, inspection=GOOD),
    "not-for-arm": unfit(
        Problem(Fault.MACHINE, BUN.name, "x86-64"), Problem(Fault.EMPTY, ""), inspection=Inspection(FILES[:1])
    ),
    "failed": FAILED,
    "failed-silently": Made(Ending.FAILED),
    "unaligned": unfit(MISALIGNED, inspection=Inspection(FILES[:1], PACKED.binaries[:1])),
    "unfit": unfit(
        Problem(Fault.MACHINE, "tools.tar.gz: bin/as", "x86-64"),
        MISALIGNED,
        Problem(Fault.ALIGNMENT, LIBRARY.name, "16384"),
        Problem(Fault.ESCAPES, "tools.tar.gz", "../../etc/cron.d/x"),
        Problem(Fault.TOO_LARGE, "bomb.zip", str(4 << 30)),
        Problem(Fault.TOO_MANY, "many.zip", "100000"),
        Problem(Fault.DAMAGED, "cut.tar.xz", "it ends too soon"),
        inspection=PACKED,
    ),
    "nothing": unfit(Problem(Fault.EMPTY, ""), inspection=Inspection()),
    "nothing-for-arm": unfit(Problem(Fault.EMPTY, ""), inspection=Inspection(FILES[:1])),
    "cancelled-there": Made(Ending.CANCELLED, url=ACTIONS_RUN),
    "timed-out": Made(Ending.TIMED_OUT, "it was still running after 90 minutes", url=ACTIONS_RUN),
    "gone": Made(Ending.GONE, "GitHub does not know the workflow run any more."),
    "gone-unexplained": Made(Ending.GONE),
    "broken": Made(Ending.BROKEN, "there is no workflow .github/workflows/preview.yml on the branch main"),
    "hostile": Made(
        Ending.UNFIT,
        HOSTILE_MESSAGE,
        f"{HOSTILE_MESSAGE}\n{HOSTILE_LINE}\n````\n",
        f"https://evil.example/) [x](http://evil.example) <img> {HOSTILE_MESSAGE}",
        HOSTILE_FILES,
        None,
        (binary(HOSTILE_MESSAGE), *HOSTILE_FILES.binaries),
        HOSTILE_MESSAGE,
    ),
    "hostile-release": Made(
        Ending.RELEASED,
        "",
        "",
        "javascript:alert(1)",
        replace(HOSTILE_FILES, problems=()),
        Release(HOSTILE_MESSAGE, "data:x", AT),
    ),
}


def row(sha: str, state: str, days: float, url: str = "") -> Row:
    """So many days before the head's."""
    return Row(sha * 40, state, tag_of(176, sha * 40), url, AT - days * DAY)


def release_page(sha: str) -> str:
    """Of its release."""
    return f"https://github.com/oven-sh/WebKit/releases/tag/{tag_of(176, sha * 40)}"


EARLIER = (
    row("1", RowState.RELEASED, 1, release_page("1")),
    row("2", RowState.FAILED, 2, ACTIONS_RUN),
    row("3", RowState.CANCELLED, 3, ACTIONS_RUN),
    row("4", RowState.BUILT, 4, RUN_PAGE),
    row("5", RowState.REMOVED, 0.5),
)
ROWS = {
    "released": (row("b", RowState.RELEASED, 0, release_page("b")), *EARLIER),
    "building": (*EARLIER, row("b", RowState.BUILDING, 0, ACTIONS_RUN)),
    "queued": (*EARLIER, row("b", RowState.QUEUED, 0)),
    "waiting": (row("b", RowState.WAITING, 0, RUN_PAGE),),
    "failed": (row("b", RowState.FAILED, 0, ACTIONS_RUN), *EARLIER[:1]),
    "many": tuple(row(f"{number:x}", RowState.RELEASED, number, release_page(f"{number:x}")) for number in range(15)),
    "hostile": (
        Row(HOSTILE_MESSAGE, RowState.RELEASED, HOSTILE_MESSAGE, f"https://evil.example/{HOSTILE_MESSAGE}"),
        *(Row(HOSTILE_MESSAGE, state, HOSTILE_PATH, HOSTILE_MESSAGE, AT) for state in RowState),
    ),
}
