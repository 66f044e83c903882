"""Every state that a report can be in, by name."""

from __future__ import annotations

from dataclasses import replace

from checker.report import Change, Report, Severity, Side, State, Verdict
from tests.workers.report.samples import (
    JIT,
    LIBPAS,
    A,
    B,
    C,
    D,
    assembled,
    error,
    finding,
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


def _repair() -> Report:
    return assembled([target_report("linux-arm64", D, D)], errors=[error(side=Side.BASE)])


def _dormant() -> Report:
    arm = target_report("linux-arm64", D, D)
    dormant = finding(
        "granule-count",
        "jit_medium_bitfit",
        None,
        State.INTRODUCED,
        severity=Severity.WARNING,
        explanation="262144 / 1024 = 256, must be from 2 to 255",
    )
    others = tuple(f for f in arm.findings if (f.rule, f.heap) != ("granule-count", "jit_medium_bitfit"))
    return assembled([arm.model_copy(update={"findings": (*others, dormant)})])


def _hostile() -> Report:
    arm = target_report("linux-arm64", A, A)
    constant = arm.constants[0].model_copy(update={"head": 4096, "changed": True, "path": HOSTILE_PATH})
    broken = finding("use-count", "jit_medium_bitfit", None, State.INTRODUCED, path=HOSTILE_PATH, line=3)
    hurt = arm.model_copy(update={"constants": (constant, *arm.constants[1:]), "findings": (*arm.findings, broken)})
    change = Change(cohort="WTF page size", files=(HOSTILE_PATH,), constants=(constant.name,))
    return assembled([hurt], changes=[change], errors=[error(HOSTILE_MESSAGE, path=HOSTILE_PATH)])


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
    "not-applicable": _nothing_touched(),
    "hostile": _hostile(),
    "120-findings": many(120),
}
