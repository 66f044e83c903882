"""A preview build beside libpas: which parts there are, when they are due, what comes of all, and how far they are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from redis import Redis

from workers.parts import Part
from workers.report import stress_progress
from workers.stress.document import to_json
from workers.stress.due import due, result_of
from workers.stress.progress import PageProgress, Progress, Stage
from workers.stress.result import Change, Conclusion, Control, Expectation, Result, Trouble
from workers.stress.show import progress_of
from workers.stress.store import BUILD, Plan, Stress, StressStore, is_preview, page_size_of
from workers.stress.verdicts import Record, Role, Verdict

RUN = "acme/engine#1/000000000000..1111"
SMALL, LARGE = 4096, 65536
BOTH = Plan((SMALL,), (1,), "vm", preview="bin/bun", preview_page_sizes=(SMALL, LARGE))
ONLY = replace(BOTH, libpas=False)
LIBPAS, PREVIEW = ("4K",), ("preview-4K", "preview-64K")


def record(subject: str, phase: str, verdict: Verdict = Verdict.PASS, role: Role = Role.HEAD) -> Record:
    return Record(subject, role, SMALL, phase, 1, verdict)


def control(subject: str, page_size: int, verdict: Verdict) -> Control:
    expected = Expectation(subject, page_size, "collect-idle", verdict)
    return Control(expected, Record(subject, Role.CONTROL, page_size, "collect-idle", 1, verdict))


OF_LIBPAS = Result(
    "vm",
    (SMALL,),
    (record("libpas b", "threads"), record("libpas a", "threads", role=Role.BASE)),
    (control("libpas (B)", SMALL, Verdict.FAIL),),
)
AT_64K = Result("vm", (), controls=(control("control bun 1.3.11", LARGE, Verdict.FAIL),))


def of_preview(verdict: Verdict = Verdict.PASS, *others: Record, alone: bool = False) -> Result:
    seen = record("preview bun b", "js-threads", verdict)
    names = (seen.subject,) if alone else ()
    return Result("vm", (SMALL,), (seen, *others), (control("control bun 1.3.11", SMALL, Verdict.PASS),), alone=names)


def ended(found: Result) -> Part:
    return Part(result=json.dumps(to_json(found)), starts=1)


BUILT = ended(Result("vm", ()))


def state(plan: Plan = BOTH, built: float | None = 2000.0, /, **parts: Part) -> Stress:
    """`build`, `l4`, `p4` and `p64` are the parts."""
    names = {"build": BUILD, "l4": "4K", "p4": "preview-4K", "p64": "preview-64K"}
    return Stress(plan, 1000.0, {names[name]: part for name, part in parts.items()}, built=built)


def test_each_page_size_is_a_part_of_libpas_and_one_of_the_preview() -> None:
    assert state().names == (BUILD, *LIBPAS, *PREVIEW)
    assert state(ONLY).names == PREVIEW
    assert [(is_preview(name), page_size_of(name)) for name in state().names] == [
        (False, None),
        (False, SMALL),
        (True, SMALL),
        (True, LARGE),
    ]


@pytest.mark.parametrize(
    ("stress", "wanted"),
    [
        pytest.param(state(BOTH, None), (BUILD,), id="both are built"),
        pytest.param(state(), (BUILD, *PREVIEW), id="the preview is built first"),
        pytest.param(state(BOTH, None, build=BUILT), LIBPAS, id="libpas is built first"),
        pytest.param(state(build=BUILT), (*LIBPAS, *PREVIEW), id="both are there"),
        pytest.param(state(BOTH, None, build=BUILT, l4=ended(OF_LIBPAS)), (), id="libpas is done"),
        pytest.param(state(build=BUILT, p4=ended(of_preview())), (*LIBPAS, "preview-64K"), id="one is done"),
        pytest.param(state(build=ended(Result("vm", (), troubles=(Trouble("x"),)))), PREVIEW, id="no libpas to run"),
        pytest.param(state(ONLY, None), (), id="the preview alone, not built"),
        pytest.param(state(ONLY), PREVIEW, id="the preview alone"),
        pytest.param(replace(state(), over=True), (), id="over"),
    ],
)
def test_what_is_due(stress: Stress, wanted: tuple[str, ...]) -> None:
    assert due(stress) == wanted


def test_there_is_a_result_once_libpas_and_the_preview_have_one() -> None:
    libpas = {"build": BUILT, "l4": ended(OF_LIBPAS)}
    preview = {"p4": ended(of_preview()), "p64": ended(AT_64K)}
    for parts in (libpas, preview, {**libpas, "p4": preview["p4"]}, {**preview, "build": BUILT}, {}):
        assert result_of(state(**parts)) is None
    result = result_of(state(**libpas, **preview))
    assert result is not None
    assert result.conclusion is Conclusion.PASS
    assert {each.subject for each in result.records} == {"libpas a", "libpas b", "preview bun b"}
    alone = result_of(state(ONLY, **preview))
    assert alone is not None
    assert alone.conclusion is Conclusion.PASS


def test_libpas_that_cannot_be_built_does_not_end_the_stress_of_the_preview() -> None:
    broken = ended(Result("vm", (), troubles=(Trouble("libpas does not compile", own=True),)))
    assert result_of(state(build=broken, p4=ended(of_preview()))) is None
    result = result_of(state(build=broken, p4=ended(of_preview()), p64=ended(AT_64K)))
    assert result is not None
    assert result.conclusion is Conclusion.FAIL
    assert result.of(Role.HEAD) != ()


def test_a_trouble_of_all_parts_is_told_once() -> None:
    lost = ended(Result("vm", (), troubles=(Trouble("the preview build was cancelled"),)))
    result = result_of(state(build=BUILT, l4=ended(OF_LIBPAS), p4=lost, p64=lost))
    assert result is not None
    assert result.conclusion is Conclusion.ERROR
    assert [each.text for each in result.troubles] == ["the preview build was cancelled"]


@pytest.mark.parametrize("plan", [BOTH, ONLY])
@pytest.mark.parametrize(
    ("verdict", "conclusion"), [(Verdict.PASS, Conclusion.PASS), (Verdict.FAIL, Conclusion.INCONCLUSIVE)]
)
def test_without_a_build_of_the_base_a_failure_is_neither_new_nor_old(
    plan: Plan, verdict: Verdict, conclusion: Conclusion
) -> None:
    parts = {"build": BUILT, "l4": ended(OF_LIBPAS)} if plan.libpas else {}
    result = result_of(state(plan, **parts, p4=ended(of_preview(verdict, alone=True)), p64=ended(AT_64K)))
    assert result is not None
    assert result.alone == ("preview bun b",)
    assert result.conclusion is conclusion


@pytest.mark.parametrize(
    ("base", "change", "conclusion"),
    [
        (Verdict.PASS, Change.REGRESSION, Conclusion.FAIL),
        (Verdict.FAIL, Change.STANDING, Conclusion.PASS),
    ],
)
def test_beside_a_build_of_the_base_a_failure_is_new_or_old(
    base: Verdict, change: Change, conclusion: Conclusion
) -> None:
    beside = record("preview bun a", "js-threads", base, Role.BASE)
    parts = {"p4": ended(of_preview(Verdict.FAIL, beside)), "p64": ended(AT_64K)}
    result = result_of(state(build=BUILT, l4=ended(OF_LIBPAS), **parts))
    assert result is not None
    (seen,) = [each for each in result.of(Role.HEAD) if each.phase == "js-threads"]
    assert (result.change(seen), result.conclusion) == (change, conclusion)


def running(page_size: int, subject: str, phase: str) -> Part:
    page = PageProgress(page_size, Stage.RUNNING, 2, 6, subject, phase)
    return Part(progress=json.dumps(Progress("vm", (page,)).to_json()), starts=1)


@pytest.mark.parametrize(
    ("stress", "line"),
    [
        pytest.param(state(BOTH, None), "Waiting for a machine", id="nothing has begun"),
        pytest.param(state(ONLY, None), "Waiting for the preview build", id="the preview is built"),
        pytest.param(state(ONLY), "Waiting for a machine", id="the preview is there"),
        pytest.param(
            state(BOTH, None, build=BUILT, l4=running(SMALL, "libpas b", "utility")),
            "Stress: 4K: phase 3 of 6 · preview: waiting for its build",
            id="libpas runs meanwhile",
        ),
        pytest.param(
            state(BOTH, None, build=BUILT, l4=ended(OF_LIBPAS)),
            "Stress: 4K: done · preview: waiting for its build",
            id="libpas is done meanwhile",
        ),
        pytest.param(
            state(build=BUILT, l4=ended(OF_LIBPAS), p4=running(SMALL, "preview bun b", "js-threads")),
            "Stress: 4K: done · preview at 4K: phase 3 of 6 · preview at 64K: waiting",
            id="the preview runs",
        ),
        pytest.param(
            state(build=ended(Result("vm", (), troubles=(Trouble("it does not compile", own=True),)))),
            "Stress: 4K: not run · preview at 4K: waiting · preview at 64K: waiting",
            id="there is no libpas to run",
        ),
    ],
)
def test_how_far_it_is(stress: Stress, line: str) -> None:
    now = progress_of(stress)
    assert stress_progress.under_way(now) == line
    assert Progress.from_json(now.to_json()) == now
    rows = [name for name, _ in stress_progress.machines(now)]
    assert rows == [*(["4K"] if stress.plan.libpas else []), "4K, preview", "64K, preview"]


@pytest.fixture
def store(redis: Redis) -> StressStore:
    kept = StressStore(redis, lambda: 1000.0)
    kept.want(RUN, BOTH)
    return kept


def known(store: StressStore) -> Stress:
    found = store.get(RUN)
    assert found is not None
    return found


def test_the_plan_is_kept(store: StressStore) -> None:
    assert known(store).plan == BOTH


def test_a_part_that_ended_without_a_build_can_begin_after_all(store: StressStore) -> None:
    assert store.claim(RUN, "4K", "somebody")
    assert store.finish(RUN, "4K", "somebody", "found")
    store.preview_is_over(RUN)
    for part in PREVIEW:
        store.end_unbuilt(RUN, part, "nothing")
        assert store.follow(RUN, part)
    store.end(RUN)
    assert (known(store).built, known(store).unbuilt) == (1000.0, True)
    store.reopen(RUN, PREVIEW)
    again = known(store)
    assert (again.over, again.built, again.unbuilt, again.part("4K").result) == (False, None, False, "found")
    assert store.open_runs(-1) == [RUN]
    assert all(store.claim(RUN, part, "somebody") and store.follow(RUN, part) for part in PREVIEW)


def test_where_there_is_no_libpas_its_parts_are_none(store: StressStore) -> None:
    store.leave_libpas_out(RUN)
    assert known(store).names == PREVIEW
    store.want(RUN, BOTH)
    assert known(store).plan == BOTH, "another attempt looks for itself"


def test_a_preview_that_is_built_again_is_waited_for(store: StressStore) -> None:
    store.preview_is_over(RUN)
    store.await_preview(RUN)
    assert known(store).built is None
