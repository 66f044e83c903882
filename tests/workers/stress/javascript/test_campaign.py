from __future__ import annotations

from config.page_sizes import PAGE_SIZES
from tests.workers.stress.javascript.conftest import Link
from workers.stress.javascript.campaign import javascript_campaign
from workers.stress.javascript.controls import PHASE, controls
from workers.stress.javascript.subject import PHASES, JavaScriptSubject
from workers.stress.verdicts import Role, Verdict

MAIN = "int main(void) { return 0; }"


def test_the_controls_are_those_of_the_facts() -> None:
    broken, sound = controls()
    assert (broken.subject.name, sound.subject.name) == ("control bun 1.3.11", "control bun 1.3.12")
    assert [each.verdict for size in (4096, 16384, 65536) for each in broken.on(size)] == ["pass", "pass", "fail"]
    assert [each.verdict for size in (4096, 16384, 65536) for each in sound.on(size)] == ["pass", "pass", "pass"]
    assert PHASE in {phase.name for phase in broken.subject.phases}


def test_a_control_can_stand_beside_the_same_engine_as_subject(bun: JavaScriptSubject) -> None:
    _broken, sound = controls()
    assert sound.subject.name != bun.name
    shared = set(sound.subject.files) & set(bun.files)
    assert {sound.subject.files[path] for path in shared} == {bun.files[path] for path in shared}


def test_a_subject_runs_beside_the_controls(link: Link) -> None:
    said: list[str] = []
    campaign = javascript_campaign(str(link("bin/jsc", MAIN)), seeds=(1, 2), say=said.append)
    assert campaign.seeds == (1, 2)
    assert [entrant.role for entrant in campaign.lineup(65536, [65536])] == [Role.CONTROL, Role.CONTROL, Role.HEAD]
    assert list(campaign.entrants[0].offered()) == [phase.name for phase in PHASES]


def test_where_no_control_can_fail_64k_is_run_too(link: Link) -> None:
    campaign = javascript_campaign(str(link("bin/jsc", MAIN)), phases=["functions"])
    assert campaign.page_sizes([PAGE_SIZES["4K"]]) == (4096, 65536)
    assert list(campaign.entrants[0].offered()) == ["functions"]
    verdicts = {each.verdict for control in campaign.controls for each in control.on(65536)}
    assert verdicts == {Verdict.PASS, Verdict.FAIL}
