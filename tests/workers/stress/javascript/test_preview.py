"""The engine of a preview build as a subject, and one that was really built, kept and run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from simulator.server import Simulator
from tests.workers.house import REPOSITORY, build
from tests.workers.stress.javascript.conftest import Link
from workers.build import kept
from workers.build.order import Order
from workers.build.result import Artifact, Ending, Inspection, Made
from workers.heart import Heart
from workers.runs import Run
from workers.scenario.source import default_cache_dir
from workers.stress import runner
from workers.stress.campaign import merged
from workers.stress.javascript.preview import Engine, PreviewSubject, preview_campaign
from workers.stress.javascript.sources import prepare
from workers.stress.javascript.subject import PHASES, JavaScriptSubject
from workers.stress.processes import Ended
from workers.stress.result import Change, Conclusion
from workers.stress.runner import Work
from workers.stress.store import Plan
from workers.stress.subjects import SubjectError
from workers.stress.verdicts import Role, Verdict
from workers.tools import Tools

MAIN = "int main(void) { return 0; }"
HEAD, BASE = "d56ecd41" + "0" * 32, "00e82552" + "0" * 32
LARGE = 65536


@pytest.fixture
def engine(link: Link) -> Engine:
    binary = link("built/bin/bun", MAIN)
    return Engine(HEAD, binary, binary.parent.parent)


def test_its_phases_are_not_those_of_libpas(bun: JavaScriptSubject) -> None:
    subject = PreviewSubject(bun)
    assert [phase.name for phase in subject.phases] == [f"js-{phase.name}" for phase in PHASES]
    assert subject.process("js-threads", 7, "p1") == bun.process("threads", 7, "p1")
    ended = Ended("p1", status=0, stdout="nonsense")
    assert subject.read("js-threads", 7, ended) == bun.read("threads", 7, ended)
    assert (subject.name, subject.files) == (bun.name, bun.files)


def test_head_runs_beside_its_base_and_the_controls(engine: Engine) -> None:
    campaign = preview_campaign(engine, replace(engine, sha=BASE), (1, 2))
    assert [each.subject.name for each in campaign.entrants] == ["preview bun d56ecd41", "preview bun 00e82552"]
    assert [each.role for each in campaign.lineup(LARGE, [LARGE])] == [
        *(Role.CONTROL, Role.CONTROL),
        *(Role.HEAD, Role.BASE),
    ]
    assert (campaign.seeds, campaign.alone) == ((1, 2), ())


def test_without_a_base_the_head_is_alone(engine: Engine) -> None:
    campaign = preview_campaign(engine, None, (1,))
    assert [each.role for each in campaign.entrants] == [Role.HEAD]
    assert campaign.alone == ("preview bun d56ecd41",)


def test_what_cannot_be_run_is_told_without_places_of_this_host(engine: Engine, link: Link) -> None:
    library = link("elsewhere/libmissing.so", "int missing(void) { return 1; }")
    link("built/bin/bun", MAIN, "-Wl,--no-as-needed", libraries=[library])
    with pytest.raises(SubjectError, match=r"^bin/bun cannot be run.*libmissing\.so.*below its tree") as head:
        preview_campaign(engine, None, (1,))
    good = link("good/bin/bun", MAIN)
    with pytest.raises(SubjectError, match=r"^preview bun 00e82552: bin/bun cannot be run") as base:
        preview_campaign(Engine(HEAD, good, good.parent), replace(engine, sha=BASE), (1,))
    assert all(str(engine.tree) not in str(each.value) for each in (head, base))


def has_built(tools: Tools, run: Run, version: str, room: Path) -> None:
    """A run whose preview build is bun of that version."""
    artifacts = room / version
    artifacts.mkdir()
    shutil.copy(prepare(f"npm:@oven/bun-linux-aarch64@{version}").closure.binary, artifacts / "bun")
    content = (artifacts / "bun").read_bytes()
    inspection = Inspection((Artifact("bun", len(content), hashlib.sha256(content).hexdigest()),))
    kept.keep(tools, inspection, artifacts)
    assert run.number is not None
    order = Order(1, run.repository, run.number, "main", run.base, run.head, run.clone_url)
    tools.builds.want(run.id, order)
    tools.builds.conclude(run.id, Made(Ending.BUILT, inspection=inspection))
    tools.builds.end(run.id)


def test_what_was_built_of_head_and_base_is_run_where_the_base_ends_itself(
    tmp_path: Path, redis_url: str, kernel_images: Mapping[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LARGE in kernel_images
    cache = tmp_path / "cache"
    cache.mkdir()
    for shared in ("stress", "kernels"):
        (cache / shared).symlink_to(default_cache_dir() / shared)
    monkeypatch.setattr(runner, "preview_campaign", partial(preview_campaign, scale=0.1))
    with Simulator(tmp_path / "github") as simulator:
        tools = build(tmp_path, simulator, redis_url, cache_dir=cache).tools
        head = Run(1, REPOSITORY, 2, BASE, HEAD, "https://github.example/acme/engine.git")
        base = replace(head, number=1, head=BASE, base="0" * 40)
        has_built(tools, head, "1.3.12", tmp_path)
        plan = Plan((LARGE,), (1,), "vm", libpas=False, preview="bun", preview_page_sizes=(LARGE,))
        alone = runner._of_preview(Work(tools, head, "preview-64K", plan, Heart(lambda _progress: True)))
        assert alone.alone == ("preview bun d56ecd41",)
        has_built(tools, base, "1.3.11", tmp_path)
        found = runner._result(Work(tools, head, "preview-64K", plan, Heart(lambda _progress: True)))
        lost = runner._result(
            Work(tools, head, "preview-64K", replace(plan, preview="bin/node"), Heart(lambda _progress: True))
        )
    result = merged("vm", (LARGE,), [found])
    assert [control.seen and control.seen.reason for control in result.controls if not control.behaved] == []
    assert {record.verdict for record in result.of(Role.HEAD)} == {Verdict.PASS}
    assert {(record.verdict, record.signal) for record in result.of(Role.BASE)} == {(Verdict.FAIL, "SIGABRT")}
    assert {result.change(record) for record in result.of(Role.HEAD)} == {Change.FIXED}
    assert result.conclusion is Conclusion.PASS
    assert [(each.own, "preview build has no file bin/node" in each.text) for each in lost.troubles] == [(True, True)]
