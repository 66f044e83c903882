"""Which repairs become suggestions, and what those say."""

from __future__ import annotations

import pytest

from checker.report import (
    Advice,
    CellName,
    Commit,
    CostChange,
    Edit,
    Finding,
    Measure,
    Repair,
    Report,
    Severity,
    State,
    TargetReport,
    Verdict,
)
from simulator.pages.markdown import render
from tests.workers.report.snapshots import assert_snapshot
from workers.report.suggestion import MOST, Suggestion, is_edited, retracted, rule_of, suggestions

SHIFT = "#define MEDIUM_SHIFT 8u"
SIZE = "#define MEDIUM_SIZE (1024 * 64)"
SHOWN = {"Source/heap.h": {3: SHIFT, 4: SIZE}, "Source/other.h": {9: "#define LIMIT 2048"}}


def edit(before: str = SHIFT, after: str = "#define MEDIUM_SHIFT 9u", line: int = 3, **other: object) -> Edit:
    fields = {"name": "MEDIUM_SHIFT", "path": "Source/heap.h", "old": 8, "new": 9, **other}
    return Edit.model_validate({**fields, "line": line, "before": before, "after": after})


LIMIT = edit("#define LIMIT 2048", "#define LIMIT 8192", 9, name="LIMIT", path="Source/other.h", old=2048, new=8192)


def cell(rule: str, heap: str | None) -> CellName:
    return CellName(rule=rule, heap=heap, os_page=None, targets=("linux-arm64",))


def advice(rule: str, *edits: Edit, heaps: tuple[str, ...] = ("medium",), **repair: object) -> Advice:
    """Advice with one repair of these edits, or none."""
    mends = tuple(cell(rule, heap) for heap in heaps)
    fields = {"edits": edits, "mends": mends, "costs": (), **repair}
    return Advice(
        rule=rule,
        heaps=heaps,
        targets=("linux-arm64",),
        repairs=(Repair.model_validate(fields),) if edits else (),
        tried=3,
        knobs=("MEDIUM_SHIFT",),
        exhausted=True,
    )


def report(*advices: Advice) -> Report:
    """A report in which all heap configs of these advices fail."""
    findings = tuple(
        Finding(
            rule=each.rule,
            heap=heap,
            os_page=None,
            state=State.INTRODUCED,
            severity=Severity.ERROR,
            close=False,
            base=None,
            head=Measure(value=257, limit=255, holds=False, headroom=-3),
            path="Source/heap.h",
            line=3,
            explanation="(65536 >> 8) + 1 = 257, must be < 255",
            chain=(),
        )
        for each in advices
        for heap in each.heaps
    )
    target = TargetReport(target="linux-arm64", constants=(), heaps=(), findings=findings, not_applicable=(), costs=())
    return Report(
        verdict=Verdict.FAIL,
        profile="libpas",
        base=Commit(sha="a" * 40),
        head=Commit(sha="b" * 40),
        page_sizes=(4096,),
        rules=(),
        targets=(target,),
        changes=(),
        errors=(),
        advice=advices,
    )


def one(*advices: Advice) -> Suggestion:
    (made,) = suggestions(report(*advices), SHOWN)
    return made


def test_one_edit() -> None:
    made = one(advice("use-count", edit()))
    assert (made.rule, made.path, made.line) == ("use-count", "Source/heap.h", 3)
    assert rule_of(made.body) == "use-count"
    assert_snapshot("suggestion.one-edit.md", made.body)


def test_what_it_mends_beside_and_costs() -> None:
    costs = (CostChange(id="slab", target="linux-arm64", heap="medium", os_page=None, head=65536, repaired=131072),)
    mends = (cell("use-count", "small"), cell("use-count", "medium"), cell("alloc-bits", "medium"))
    made = one(advice("use-count", edit(), heaps=("small", "medium"), costs=costs, mends=mends))
    assert_snapshot("suggestion.two-configs.md", made.body)


def test_what_was_broken_before_is_not_said_to_be_new() -> None:
    mends = (cell("use-count", "medium"), cell("use-count", "old"))
    body = one(advice("use-count", edit(), mends=mends)).body
    assert "This breaks `use-count` on `medium`: " in body
    assert "Mends `use-count` on `old`, too." in body


def test_two_edits_belong_together() -> None:
    first, second = suggestions(report(advice("use-count", edit(), LIMIT)), SHOWN)
    assert (first.path, second.path) == ("Source/heap.h", "Source/other.h")
    assert_snapshot("suggestion.two-edits.md", first.body)
    assert (
        "With `LIMIT` 8192 in place of 2048, together with `MEDIUM_SHIFT` 9 in place of 8 (`heap.h:3`), it holds"
        in second.body
    )


def test_two_edits_on_one_line_are_one_suggestion() -> None:
    after = "#define MEDIUM_SIZE (2048 * 128)"
    edits = [edit(SIZE, after, 4, name="MEDIUM_SIZE", old=old, new=2 * old) for old in (1024, 64)]
    body = one(advice("use-count", *edits)).body
    assert "With `MEDIUM_SIZE` 2048 in place of 1024 and `MEDIUM_SIZE` 128 in place of 64 it holds" in body


def test_the_same_repair_for_two_rules_is_one_suggestion() -> None:
    assert one(advice("use-count", edit()), advice("alloc-bits", edit())).rule == "use-count"


def test_different_repairs_on_one_line_speak_of_each_other() -> None:
    further = edit(after="#define MEDIUM_SHIFT 10u", new=10)
    first, second = suggestions(report(advice("use-count", edit()), advice("alloc-bits", further)), SHOWN)
    assert "The suggestion for `alloc-bits` changes this line otherwise: take one." in first.body
    assert "The suggestion for `use-count` changes this line otherwise: take one." in second.body


@pytest.mark.parametrize(
    "edits",
    [
        [edit(line=5)],
        [edit(path="Source/missing.h")],
        [edit(before="#define MEDIUM_SHIFT 7u")],
        [edit(), edit(line=5)],
        [],
    ],
    ids=["line", "file", "text", "one of two", "no repair"],
)
def test_what_the_diff_does_not_show_is_not_suggested(edits: list[Edit]) -> None:
    assert suggestions(report(advice("use-count", *edits)), SHOWN) == ()


@pytest.mark.parametrize("odd", ["\r", "\x00", "\u202e", "\ufffd", "\u2028", "x" * 1000])
def test_a_line_that_a_suggestion_might_harm_is_left_alone(odd: str) -> None:
    before, after = f"{SHIFT} // {odd}", f"#define MEDIUM_SHIFT 9u // {odd}"
    assert suggestions(report(advice("use-count", edit(before, after))), {"Source/heap.h": {3: before}}) == ()


def test_tabs_stay() -> None:
    before, after = "#define\tMEDIUM_SHIFT\t8u", "#define\tMEDIUM_SHIFT\t9u"
    (made,) = suggestions(report(advice("use-count", edit(before, after))), {"Source/heap.h": {3: before}})
    assert f"```suggestion\n{after}\n```" in made.body


@pytest.mark.parametrize("ticks", ["`", "```", "````` suggestion"])
def test_nothing_in_the_line_ends_the_suggestion(ticks: str) -> None:
    before, after = f"{SHIFT} // {ticks}", f"#define MEDIUM_SHIFT 9u // {ticks} <b>@someone</b>"
    (made,) = suggestions(report(advice("use-count", edit(before, after))), {"Source/heap.h": {3: before}})
    shown = str(render(made.body, before))
    assert f"<ins>+ #define MEDIUM_SHIFT 9u // {ticks} &lt;b&gt;@someone&lt;/b&gt;</ins></pre>" in shown


def test_hostile_names_stay_names() -> None:
    made = one(advice("use-count", edit(name="`</code>@someone <!-- x -->")))
    shown = str(render(made.body))
    assert "<code>`&lt;/code&gt;@someone &lt;!-- x --&gt;</code>" in shown


@pytest.mark.parametrize("pairs", [0, 1])
def test_there_are_at_most_ten_and_no_repair_is_cut_apart(pairs: int) -> None:
    lines = {line: f"#define SIZE_{line} 1" for line in range(1, 40)}
    edits = [edit(text, f"{text}0", line) for line, text in lines.items()]
    single = [advice(f"rule-{each.line}", each) for each in edits[2:]]
    both = [advice("both", *edits[:2])] * pairs
    made = suggestions(report(*single[: MOST - 1], *both, *single[MOST:]), {"Source/heap.h": lines})
    assert len(made) == MOST
    assert [each.rule for each in made].count("both") in {0, 2}


def test_errors_come_before_warnings_when_there_are_too_many() -> None:
    lines = {line: f"#define SIZE_{line} 1" for line in range(1, MOST + 2)}
    whole = report(*(advice(f"rule-{line}", edit(text, f"{text}0", line)) for line, text in lines.items()))
    (target,) = whole.targets
    dormant = target.findings[0].model_copy(update={"severity": Severity.WARNING})
    target = target.model_copy(update={"findings": (dormant, *target.findings[1:])})
    made = suggestions(whole.model_copy(update={"targets": (target,)}), {"Source/heap.h": lines})
    assert [each.line for each in made] == list(range(2, MOST + 2))


def test_what_a_person_changed_is_known() -> None:
    body = one(advice("use-count", edit())).body
    for untouched in (body, body.strip(), body.replace("\n", "\r\n"), retracted(body)):
        assert not is_edited(untouched)
    assert is_edited(body.replace("9u", "10u"))
    assert not is_edited("a remark")


def test_a_retracted_suggestion_is_still_known() -> None:
    made = one(advice("use-count", edit()))
    assert rule_of(retracted(made.body)) == "use-count"
    assert "suggestion\n#" not in retracted(made.body)
    assert rule_of("<!-- pagewarden -->") is None
