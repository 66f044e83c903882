"""What the changes table says of a constant, and where a remedy points."""

from __future__ import annotations

from dataclasses import replace

from checker.report import Change
from tests.workers.report.samples import (
    CONTEXT,
    INTERNAL,
    JIT,
    TARGETS,
    A,
    B,
    Sizes,
    assembled,
    profile,
    report,
    target_report,
)
from tests.workers.report.states import REPORTS
from workers.report.digest import digest
from workers.report.markdown import voice_for
from workers.report.spread import spread
from workers.report.steps import remedy
from workers.report.tables import changes, constants


def _with(name: str, value: int, path: str) -> Sizes:
    return replace(A, constants={**A.constants, name: (value, path, 1)})


def _without(name: str) -> Sizes:
    return replace(A, constants={key: value for key, value in A.constants.items() if key != name})


def test_targets_are_named_where_a_constant_moves_differently() -> None:
    name = "JIT_SMALL_PAGE_SIZE"
    made = assembled(
        [
            target_report("linux-arm64", A, _with(name, 65536, JIT)),
            target_report("linux-x86_64", A, _with(name, 32768, JIT)),
            target_report("darwin-arm64", A, _with(name, 65536, JIT)),
        ]
    )
    assert changes(made.changes, digest(made).changed, profile(), 40)[2:] == [
        f"| libpas JIT heap | `{JIT}` | `{name}`: 16 KiB → 64 KiB on linux-arm64 and darwin-arm64, "
        "16 KiB → 32 KiB on linux-x86_64 |"
    ]


def test_what_changes_elsewhere_has_a_row_of_its_own() -> None:
    name = "PAS_MAX_OBJECTS_PER_PAGE"
    made = report(A, _without(name), changes=[Change(cohort="libpas", files=(INTERNAL,), constants=())])
    assert changes(made.changes, digest(made).changed, profile(), 40)[2:] == [
        f"| libpas | `{INTERNAL}` | No constant defined here changes. |",
        f"| elsewhere | not touched | `{name}`: 2,048 → not defined |",
    ]


def test_a_removed_constant_is_not_linked_to_head() -> None:
    made = report(A, _without("PAS_MAX_OBJECTS_PER_PAGE"))
    rows = constants(spread(made, profile()), tuple(TARGETS), voice_for(CONTEXT), 40)
    assert rows[2] == f"| `PAS_MAX_OBJECTS_PER_PAGE` | `{INTERNAL}:145` at base | 2,048 → not defined |"


def test_names_beyond_the_cap_are_counted() -> None:
    made = report(A, B)
    shown = changes(made.changes[1:], digest(made).changed, profile(), 1)
    assert shown[2].endswith("| `JIT_SMALL_PAGE_SIZE`: 16 KiB → 64 KiB<br>… 1 more constant |")
    assert shown[3].endswith("| `CeilingOnPageSize`: 16 KiB → 64 KiB<br>… 2 more constants |")


def test_a_constant_that_an_advice_names_is_where_to_look_first() -> None:
    made = REPORTS["fail-many"]
    told = digest(made)
    items = [item for item in told.broken if item.finding.rule == "alloc-bits"]
    said = remedy("alloc-bits", items, told, made, voice_for(CONTEXT))
    assert said.startswith("Raise PAS_MAX_OBJECTS_PER_PAGE. Look at [`pas_internal_config.h:145`]")


def test_targets_that_agree_share_a_column() -> None:
    made = REPORTS["eight-targets"]
    header, _, ceiling, *rows = constants(spread(made, profile()), digest(made).targets, voice_for(CONTEXT), 40)
    assert header.split(" | ")[2:] == [
        "linux-arm64",
        "linux-x86_64<br>linux-armv7",
        "linux-ppc64le",
        "darwin-x86_64 |",
    ]
    assert ceiling.split(" | ")[2:] == ["16 KiB → 64 KiB", "16 KiB → 64 KiB", "not evaluated", "16 KiB → 64 KiB |"]
    assert rows[0].split(" | ")[2:] == ["16 KiB → 64 KiB", "–", "not evaluated", "16 KiB → 64 KiB |"]
