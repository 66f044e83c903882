"""The settings that a repository brings: what a file may say, what a mistake says and where, and what counts when."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.profiles import names
from config.repository import (
    MOST_PROBLEMS,
    CommentSettings,
    Ignore,
    Read,
    RepositorySettings,
    RuleSettings,
    StressSettings,
    expired,
    in_force,
    read_settings,
)

THERE_ARE = "there are: jemalloc, libpas, mimalloc, or the path of one of your own, such as .github/allocator.yml"


def problems(text: str) -> list[tuple[int, int, str]]:
    read = read_settings(text)
    assert read.settings is None
    return [(each.line, each.column, each.message) for each in read.problems]


def settings(text: str) -> RepositorySettings:
    read = read_settings(text)
    assert (read.problems, read.settings is None) == ((), False)
    assert read.settings is not None
    return read.settings


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n", "---\n", "{}"])
def test_a_file_without_settings_has_the_defaults(text: str) -> None:
    assert settings(text) == RepositorySettings()


def test_every_setting_can_be_written() -> None:
    text = """
profiles: [libpas, .github/pagewarden/mine.yml]
targets: [linux-arm64]
page_sizes: [4K, 64K]
rules:
  use-count: {severity: warning, reason: "  A wider counter is on its way.  "}
ignore:
  - {rule: alloc-bits, reason: Known., expires: 2027-03-31}
  - {rule: use-count, heap: jit_medium_bitfit, target: linux-arm64, reason: "no", expires: "2027-04-01"}
drafts: skip
stress: {enabled: true, gate: true, machine: user, page_sizes: [4K], seeds: 16}
comment: {on_success: false}
suggestions: false
labels: [page-size, "needs: care"]
trusted_bots: ["dependabot[bot]"]
"""
    assert settings(text) == RepositorySettings(
        profiles=("libpas", ".github/pagewarden/mine.yml"),
        targets=("linux-arm64",),
        page_sizes=("4K", "64K"),
        rules={"use-count": RuleSettings(severity="warning", reason="A wider counter is on its way.")},
        ignore=(
            Ignore(rule="alloc-bits", reason="Known.", expires=date(2027, 3, 31)),
            Ignore(
                rule="use-count",
                heap="jit_medium_bitfit",
                target="linux-arm64",
                reason="no",
                expires=date(2027, 4, 1),
            ),
        ),
        drafts="skip",
        stress=StressSettings(enabled=True, gate=True, machine="user", page_sizes=("4K",), seeds=16),
        comment=CommentSettings(on_success=False),
        suggestions=False,
        labels=("page-size", "needs: care"),
        trusted_bots=("dependabot[bot]",),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[libpas]", (1, 1, "expected `name: value` lines, not a list")),
        ("libpas", (1, 1, "expected `name: value` lines, not 'libpas'")),
        ("\n\n profils: [libpas]", (3, 2, "unknown setting 'profils'; did you mean profiles?")),
        ("gate: true", (1, 1, "unknown setting 'gate' here; it belongs under stress")),
        ("stress:\n  labels: []", (2, 3, "unknown setting 'labels' here; it belongs at the beginning of a line")),
        ("stress: {seed: 1}", (1, 10, "unknown setting 'seed'; did you mean seeds?")),
        ("comment: {when: 1}", (1, 11, "unknown setting 'when'; there are: on_success")),
        ("'\u202e\\n[link](x)': 1", (1, 1, "unknown setting '\\u202e\\\\n[link](x)'; there are: profiles, targets, ")),
        ("profiles: libpas", (1, 11, "expected a list, not 'libpas'; put it in [brackets]")),
        ("profiles: {libpas: 1}", (1, 11, "expected a list, not `name: value` lines")),
        ("profiles:\ntargets: []", (1, 10, "expected a list, not nothing")),
        ("profiles:\n  - libpas\n  - libpass\n", (3, 5, "no profile 'libpass'; did you mean libpas?")),
        ("profiles: [v8]", (1, 12, f"no profile 'v8'; {THERE_ARE}")),
        ("profiles: [libpas, libpas]", (1, 11, "'libpas' is there twice; leave one of them out")),
        ("targets: [no, Linux]", (1, 15, "expected a name: lower-case letters, digits, - and _, 64 at most")),
        ("targets: [0123456]", (1, 11, "expected text, not the number 123456; put it in quotes")),
        ("targets: [true]", (1, 11, "expected text, not true; put it in quotes")),
        ("page_sizes: [16k]", (1, 14, "expected '4K', '16K' or '64K', not '16k'")),
        ("page_sizes: [4096]", (1, 14, "expected '4K', '16K' or '64K', not the number 4096")),
        ("page_sizes: [4K, 64K, 4K]", (1, 13, "'4K' is there twice; leave one of them out")),
        ("rules: []", (1, 8, "expected `name: value` lines, not a list")),
        ("rules:\n  use-count: warning", (2, 14, "expected `name: value` lines, not 'warning'")),
        ("rules:\n  use-count: {severity: warning}", (2, 3, "reason is missing here; it has no default")),
        ("rules: {a: {severity: off, reason: x}}", (1, 23, "expected 'error' or 'warning', not 'off'")),
        ("rules: {a: {severity: error, reason: ''}}", (1, 38, "expected text, and there is none")),
        ("rules: {a: {severity: error, reason: ' '}}", (1, 38, "expected a sentence that says why")),
        (
            f"rules: {{a: {{severity: error, reason: {'x' * 501}}}}}",
            (1, 38, "expected at most 500 characters, and there are 501"),
        ),
        (
            "rules: {Use Count: {severity: error, reason: x}}",
            (1, 9, "expected a name: lower-case letters, digits, - and _, 64 at most"),
        ),
        ("ignore:\n  - use-count\n", (2, 5, "expected `name: value` lines, not 'use-count'")),
        ("ignore:\n  - rule: a\n    reason: b\n", (2, 5, "expires is missing here; it has no default")),
        (
            "ignore: [{rule: a, reason: b, expires: 2027-02-29}]",
            (1, 40, "no day 2027-02-29; expected one such as 2027-03-31"),
        ),
        ("drafts: yes", (1, 9, "expected 'check', 'static' or 'skip', not 'yes'")),
        ("stress: {gate: on}", (1, 16, "expected true or false, not 'on'")),
        ("stress: {gate: 1}", (1, 16, "expected true or false, not the number 1")),
        ("stress: {seeds: 0}", (1, 17, "expected at least 1, not the number 0")),
        ("stress: {seeds: 17}", (1, 17, "expected at most 16, not the number 17")),
        ("stress: {seeds: 1.5}", (1, 17, "expected a whole number, not the number 1.5")),
        ("stress: {seeds: '2'}", (1, 17, "expected a whole number, not '2'")),
        (
            "stress: {gate: true, enabled: false}",
            (1, 9, "gate waits for stress, and enabled turns it off; set one of the two otherwise"),
        ),
        (
            "stress: {machine: user, page_sizes: [4K, 64K]}",
            (1, 9, "the machine user has 4K pages only; leave page_sizes out, or choose vm"),
        ),
        ("suggestions: null", (1, 14, "expected true or false, not nothing")),
        (f"labels: [{'x' * 51}]", (1, 10, "expected at most 50 characters, and there are 51")),
        ("labels: ['a\\b', \"a\\nb\"]", (1, 17, "expected a label's name, on one line")),
        (
            f"labels: [{', '.join(f'l{n}' for n in range(11))}]",
            (1, 9, "expected at most 10 entries; leave some out"),
        ),
        (
            "trusted_bots: [dependabot]",
            (1, 16, "expected the login of a bot, which ends with [bot], such as 'dependabot[bot]'"),
        ),
        ("labels: [a]\nlabels: [b]", (2, 1, "'labels' is there twice, first on line 1; leave one of them out")),
        ("drafts: *x", (1, 9, "an alias (*) is not read here; write the value out")),
        ("stress: {seeds: 9e999}", (1, 17, "a number that is too large to read")),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_do(text: str, found: tuple[int, int, str]) -> None:
    ((line, column, message),) = problems(text)
    assert (line, column) == found[:2]
    assert message == found[2] or (found[2].endswith(" ") and message.startswith(found[2]))


@pytest.mark.parametrize(
    "path",
    [
        "../secrets.yml",
        "/etc/allocator.yml",
        "allocator.yml",
        ".github/../allocator.yml",
        ".github/a/../../b.yml",
        ".github/./a.yml",
        ".github//a.yml",
        ".github/a.txt",
        ".github/a b.yml",
        ".github\\a.yml",
        '".github/a.yml\\n"',
        ".github/.yml",
    ],
)
def test_profiles_lie_below_the_directory_of_the_settings(path: str) -> None:
    assert read_settings(f"profiles: [{path}]").settings is None
    assert settings("profiles: [.github/a/b-c_1.yaml]").profiles == (".github/a/b-c_1.yaml",)


@pytest.mark.parametrize("given", ["2027-03-01T10:00:00", "20270301", "01.03.2027", "tomorrow", "1804032000", "[]", ""])
def test_the_last_day_is_a_day(given: str) -> None:
    ((line, column, message),) = problems(f"ignore: [{{rule: a, reason: b, expires: {given}}}]")
    assert (line, column, message) == (1, 40 - (not given), "expected a day such as 2027-03-31, without a time")
    with pytest.raises(ValidationError):
        Ignore(rule="a", reason="b", expires=datetime(2027, 3, 1))


def test_all_mistakes_are_told_by_line() -> None:
    text = "labels: [1]\ndraft: skip\nstress: {seeds: 99, gate: maybe}\nlabels: []\n"
    assert [place for *place, _ in problems(text)] == [[1, 10], [2, 1], [3, 17], [3, 27], [4, 1]]


def test_of_very_many_mistakes_the_first_are_told() -> None:
    found = problems("\n".join(f"k{n}: 1" for n in range(6000)))
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1] == (MOST_PROBLEMS + 1, 1, "5,900 more")


def test_what_could_not_be_read_is_no_second_mistake() -> None:
    """A value behind an alias is not known, so nobody can say that it is of the wrong type."""
    assert len(problems("stress: *x")) == 1
    assert len(problems("labels: [*x, *y]")) == 2


def test_places_lead_to_values_and_keys() -> None:
    read = read_settings("profiles:\n  - libpas\nrules:\n  use-count: {severity: error, reason: x}\n")
    assert read.places["profiles", 0] == (2, 5)
    assert read.keys["rules", "use-count"] == (4, 3)
    assert read.places["rules", "use-count", "reason"] == (4, 40)


IGNORE = Ignore(rule="a", reason="x", expires=date(2027, 3, 31))


def test_the_last_day_still_counts() -> None:
    later = IGNORE.model_copy(update={"expires": date(2027, 4, 1)})
    both = (IGNORE, later)
    assert (in_force(both, date(2027, 3, 31)), expired(both, date(2027, 3, 31))) == (both, ())
    assert (in_force(both, date(2027, 4, 1)), expired(both, date(2027, 4, 1))) == ((later,), (IGNORE,))
    assert (in_force(both, date(2027, 4, 2)), expired(both, date(2027, 4, 2))) == ((), both)


@pytest.mark.parametrize(
    ("heap", "target", "covered"),
    [
        (None, None, True),
        ("utility", None, True),
        ("jit", None, False),
        (None, "linux-arm64", True),
        (None, "darwin-arm64", False),
        ("utility", "linux-arm64", True),
        ("utility", "darwin-arm64", False),
    ],
)
def test_an_entry_covers_what_it_names(heap: str | None, target: str | None, covered: bool) -> None:
    entry = IGNORE.model_copy(update={"heap": heap, "target": target})
    assert entry.covers("a", "utility", "linux-arm64") is covered
    assert not entry.covers("b", "utility", "linux-arm64")


def test_an_entry_for_a_heap_covers_nothing_of_the_whole_tree() -> None:
    assert not IGNORE.model_copy(update={"heap": "utility"}).covers("a", None, "linux-arm64")


def test_settings_survive_the_way_to_json_and_back() -> None:
    written = RepositorySettings(ignore=(IGNORE,), stress=StressSettings(page_sizes=("4K",)))
    assert RepositorySettings.model_validate_json(written.model_dump_json()) == written


WORDS = [
    *RepositorySettings.model_fields, *StressSettings.model_fields, *Ignore.model_fields, *names(), "4K", "use-count",
    "error", "true", "yes", "2027-03-01", "1", "~", "x[bot]", ".github/a.yml",
]  # fmt: skip
PIECES = [*WORDS, ": ", ":\n", "\n", "\n  ", "\n  - ", "[", "]", "{", "}", ", ", "'", '"', "&a ", "*a", "<<", "!x "]
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(WORDS), st.text()), inner, max_size=4)
    ),
)


def sound(text: str) -> Read:
    """Reads, and checks what is true of whatever was read."""
    read = read_settings(text)
    assert (read.settings is None) == bool(read.problems)
    lines = text.split("\n")
    for problem in read.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.message.isprintable()
        assert len(problem.message) < 1000
    assert [problem.line for problem in read.problems] == sorted(problem.line for problem in read.problems)
    return read


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_no_text_makes_reading_raise(text: str) -> None:
    sound(text)


@given(st.one_of(values, st.dictionaries(st.sampled_from(list(RepositorySettings.model_fields)), values)))
def test_no_value_makes_reading_raise(value: object) -> None:
    sound(yaml.safe_dump(value, allow_unicode=True))
