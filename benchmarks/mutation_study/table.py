"""The study as Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.mutation_study.driven import Driven
from benchmarks.mutation_study.judge import Crash, Judged, Prediction, Site, Unseen, sites
from checker.report import Severity, State
from workers.stress.libpas.crashes import Match

PHASES = "../workers/stress/libpas/c/phases.c"
REACH = "../benchmarks/mutation_study/reach.py"
RUN = "python -m benchmarks.mutations --write docs/mutations.md"


@dataclass(frozen=True)
class Conditions:
    """What the study was made of, for the table's head. `tools` are empty where nothing was run."""

    date: str
    source: str
    checker: str
    tools: tuple[str, ...]
    page_sizes: tuple[int, ...]


@dataclass(frozen=True)
class Study:
    """One tree: what it does as it is, and its mutants."""

    tree: str
    driven: Driven | None
    judged: tuple[Judged, ...]


def document(conditions: Conditions, studies: Sequence[Study]) -> str:
    """The whole page."""
    judged = [each for study in studies for each in study.judged]
    parts = [
        "# Mutation study",
        "",
        "Each page-size literal of libpas on linux-arm64 is changed, shifts by one and two bits, sizes by factors of",
        "two and four, on the trees A and D of the [reference scenario](scenario.md). Beside what the checker says of",
        "each change stands what libpas does: built for aarch64, under an allocation driver in qemu. Line numbers are",
        f"the tree's. Made by `{RUN}`; do not edit.",
        "",
        *_conditions(conditions),
        "",
        *_summary(judged),
        "",
        *_by_rule(judged),
        "",
        *_missed(judged),
        "",
        *_unexplained(judged),
    ]
    for study in studies:
        parts += ["", f"## Tree {study.tree}", "", *_as_it_is(study), "", *_table(study)]
    return "\n".join(parts) + "\n"


def line(judged: Judged) -> str:
    """One mutant, for progress."""
    introduced = ", ".join(each.rule.id for each in judged.introduced_errors) or "nothing introduced"
    told = f"{judged.mutant.name}: {introduced}; {_dynamic(judged)}; {_verdict(judged)}"
    return told.replace("<br>", "; ")


def _conditions(conditions: Conditions) -> list[str]:
    lines = [f"- {conditions.date}; {conditions.source}", f"- {conditions.checker}"]
    lines += [f"- {tool}" for tool in conditions.tools]
    if conditions.tools:
        lines.append("- libpas is compiled as WebKit's CMake does, with -O2; the driver's phases are in")
        lines.append(f"  [phases.c]({PHASES}), and what they cannot reach in [reach.py]({REACH})")
        pages = ", ".join(map(_size, conditions.page_sizes))
        lines += [
            f"- Pages of 4K; of {pages} too where a rule that depends on the OS page fails for the mutant and not for "
            "the tree.",
            "  qemu-user reports the page size that it is told and keeps pages of 4K: what traps at larger ones is "
            "libpas's own assertion, and what a kernel would refuse is not seen",
        ]
    else:
        lines.append("- Nothing was built or run: this is the static part alone")
    return lines


def _summary(judged: Sequence[Judged]) -> list[str]:
    crashes = [crash for each in judged for crash in each.crashes]
    unseen = [each for one in judged for each in one.unseen]
    crashing = [each for each in judged if each.crashes]
    wrong = [each for each in judged if each.introduced_errors]
    rows = [
        ("mutants", len(judged)),
        ("… that break a rule (introduced error)", len(wrong)),
        ("… whose headers cannot be evaluated in part", sum(bool(each.errors) for each in judged)),
        ("… that do not compile", sum(each.refused is not None for each in judged)),
        ("… of these, predicted", sum(each.refused is not None and bool(each.introduced_errors) for each in judged)),
        ("… that crash where the tree does not", len(crashing)),
        ("… of these, with an introduced error", sum(bool(each.introduced_errors) for each in crashing)),
        ("crash sites (mutant × assertion)", len(crashes)),
        ("… predicted by a rule that names the assertion's file", _count(crashes, Match.ASSERTION)),
        ("… predicted by a rule that names a caller's file", _count(crashes, Match.CALLER)),
        ("… of which only other rules speak", _count(crashes, Match.OTHER)),
        ("… of which nothing is said", _count(crashes, Match.NONE)),
        ("introduced errors (mutant × rule)", sum(len(each.introduced_errors) for each in judged)),
        ("… seen crashing", sum(len(each.introduced_errors) - len(each.unseen) for each in judged if each.driven)),
        ("… not seen, with a reason", sum(each.reason is not None for each in unseen)),
        ("… not seen, unexplained", sum(each.reason is None for each in unseen)),
        ("mutants of which nothing is said and that run well", sum(_is_quiet(each) for each in judged)),
    ]
    return ["## Summary", "", "| | |", "|---|--:|", *(f"| {label} | {count} |" for label, count in rows)]


def _is_quiet(judged: Judged) -> bool:
    ran = judged.driven is not None and judged.refused is None
    return ran and not judged.crashes and not judged.introduced_errors


def _count(crashes: Iterable[Crash], match: Match) -> int:
    return sum(crash.match is match for crash in crashes)


def _by_rule(judged: Sequence[Judged]) -> list[str]:
    """Each rule that some mutant breaks: in how many, in how many of these it showed, and why not in the others."""
    introduced = Counter(each.rule.id for one in judged for each in one.introduced_errors)
    unseen = [each for one in judged for each in one.unseen]
    missing = Counter(each.prediction.rule.id for each in unseen)
    rows = []
    for rule, count in introduced.items():
        reasons = Counter(each.reason or "unexplained" for each in unseen if each.prediction.rule.id == rule)
        why = "<br>".join(f"{number} × {reason}" for reason, number in reasons.items())
        rows.append(f"| {rule} | {count} | {count - missing[rule]} | {_cell(why)} |")
    head = ["| rule | broken by | seen in | not seen in the others |", "|---|--:|--:|---|"]
    return [
        "## By rule",
        "",
        "Errors that mutants introduce; rules that are not here are broken by none.",
        "",
        *head,
        *rows,
    ]


def _missed(judged: Sequence[Judged]) -> list[str]:
    lines = [
        "## Missed",
        "",
        "Crashes that no failing rule names, neither by the assertion's file nor by a caller's.",
        "",
    ]
    missed = [
        f"- {each.mutant.name}: {crash.site.text} ({_where(crash.site)})"
        + (f"; other rules fail: {', '.join(crash.rules)}" if crash.rules else "; nothing is said of this mutant")
        for each in judged
        for crash in each.crashes
        if crash.match in {Match.OTHER, Match.NONE}
    ]
    return lines + (missed or ["None."])


def _unexplained(judged: Sequence[Judged]) -> list[str]:
    lines = ["## Predicted, not seen, unexplained", ""]
    found = [
        f"- {each.mutant.name}: {_prediction(unseen.prediction)}: {unseen.prediction.explanation}"
        for each in judged
        for unseen in each.unseen
        if unseen.reason is None
    ]
    return lines + (found or ["None."])


def _as_it_is(study: Study) -> list[str]:
    if study.driven is None:
        return ["Not run."]
    found = sites(study.driven.outcomes).values()
    return [
        "Unmutated, it " + ("runs well." if not found else "fails, and its mutants are not charged with this:"),
        *(["", *(f"- {site.text} ({_where(site)})" for site in found)] if found else []),
    ]


def _table(study: Study) -> list[str]:
    rows = [
        f"| {each.mutant.change} | {_static(each)} | {_dynamic(each)} | {_verdict(each)} |" for each in study.judged
    ]
    return ["| mutant | introduced | the driver | verdict |", "|---|---|---|---|", *rows]


def _static(judged: Judged) -> str:
    introduced = [each for each in judged.predictions if each.state is State.INTRODUCED]
    told = [_prediction(each) for each in introduced]
    told += [f"no value: {error}" for error in judged.errors[:1]]
    return _cell("<br>".join(told)) or "–"


def _prediction(prediction: Prediction) -> str:
    dormant = " (warning)" if prediction.rule.severity is Severity.WARNING else ""
    heaps = f" on {', '.join(prediction.heaps)}" if prediction.heaps else ""
    pages = f" at {', '.join(map(_size, prediction.page_sizes))}" if prediction.page_sizes else ""
    return f"{prediction.rule.id}{dormant}{heaps}{pages}"


def _dynamic(judged: Judged) -> str:
    if judged.driven is None:
        return "not run"
    if judged.refused is not None:
        return _cell(f"does not compile: {judged.refused}")
    return _cell("<br>".join(f"{crash.site.text} ({_where(crash.site)})" for crash in judged.crashes)) or "ok"


def _verdict(judged: Judged) -> str:
    if judged.driven is None:
        return ""
    told = [_of_crash(crash) for crash in judged.crashes]
    told += [_of_unseen(unseen) for unseen in judged.unseen]
    if judged.refused is not None and not judged.introduced_errors:
        told.append("the compiler refuses what no rule speaks of")
    return _cell("<br>".join(dict.fromkeys(told))) or "agree"


def _of_crash(crash: Crash) -> str:
    if crash.match is Match.ASSERTION:
        return f"predicted by {', '.join(crash.rules)}"
    if crash.match is Match.CALLER:
        return f"predicted by {', '.join(crash.rules)}, which names a caller's file"
    return "**missed**" if crash.match is Match.NONE else f"**missed** by {', '.join(crash.rules)}"


def _of_unseen(unseen: Unseen) -> str:
    return f"{unseen.prediction.rule.id} not seen: {unseen.reason or '**unexplained**'}"


def _where(site: Site) -> str:
    """The phases, with page sizes where not all of them show it."""
    by_page: dict[int, list[str]] = {}
    for phase, size in site.seen:
        by_page.setdefault(size, []).append(phase)
    if len({tuple(phases) for phases in by_page.values()}) == 1:
        return f"{', '.join(next(iter(by_page.values())))}; {', '.join(map(_size, by_page))}"
    return "; ".join(f"{_size(size)}: {', '.join(phases)}" for size, phases in by_page.items())


def _size(size: int) -> str:
    return f"{size // 1024}K"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
