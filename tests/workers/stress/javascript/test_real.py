"""The outcomes of known engines on real kernels: those that must fail do, and the others agree on every page size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from workers.stress.campaign import merged, run_on
from workers.stress.javascript.campaign import javascript_campaign
from workers.stress.javascript.subject import JavaScriptSubject
from workers.stress.lineup import Entrant, run_lineup
from workers.stress.machine import Vm
from workers.stress.result import Conclusion
from workers.stress.verdicts import Role, Verdict

BUN = "npm:@oven/bun-linux-aarch64@"
SIZES = (4096, 65536)


def test_debians_jsc_passes_on_4k_and_ends_itself_on_64k(
    kernel_images: Mapping[int, Path], jsc: JavaScriptSubject
) -> None:
    small, large = (
        run_lineup(Vm(size, kernel_images[size]), [Entrant(jsc, Role.HEAD, ("compile-collect",))], [1])[0]
        for size in SIZES
    )
    assert (small.verdict, small.reason) == (Verdict.PASS, "")
    assert (large.verdict, large.reason) == (Verdict.FAIL, "SIGABRT before its first line")


@pytest.mark.parametrize(
    ("version", "conclusion", "phases"),
    [("1.3.11", Conclusion.FAIL, ("threads",)), ("1.3.12", Conclusion.PASS, ("threads", "functions"))],
)
def test_bun_beside_its_controls(
    kernel_images: Mapping[int, Path], version: str, conclusion: Conclusion, phases: tuple[str, ...]
) -> None:
    campaign = javascript_campaign(f"{BUN}{version}", phases=phases, scale=0.1)
    parts = [run_on(Vm(size, kernel_images[size]), campaign, SIZES, lambda _place: None) for size in SIZES]
    result = merged("vm", SIZES, parts)
    assert [control.seen and control.seen.reason for control in result.controls if not control.behaved] == []
    assert len(result.controls) == 4
    assert result.conclusion is conclusion
    failed = {(record.page_size, record.signal) for record in result.records if record.verdict is not Verdict.PASS}
    assert failed == ({(65536, "SIGABRT")} if conclusion is Conclusion.FAIL else set())
    assert all(record.checksum for record in result.records if record.verdict is Verdict.PASS)
