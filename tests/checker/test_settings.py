"""Settings against profiles: names that nobody has, entries that cover nothing, and severities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import jsonschema_rs
import pytest

from checker.profile import Profile, load_profile
from checker.report import Severity
from checker.schemas import schemas
from checker.settings import apply, reference_problems
from config.repository import RepositorySettings, RuleSettings, read_settings
from config.strict_yaml import parse
from tests.checker.tiny import tiny_profile

GUIDE = (Path(__file__).parents[2] / "docs/settings.md").read_text()
EXAMPLE = GUIDE.split("```yaml\n")[1].split("```")[0]
SCHEMA = schemas()["repository.json"]
LIBPAS, JEMALLOC, TINY = load_profile("libpas"), load_profile("jemalloc"), tiny_profile()


def problems(text: str, *profiles: Profile) -> list[tuple[int, int, str]]:
    read = read_settings(text)
    assert read.settings is not None, read.problems
    return [(each.line, each.column, each.message) for each in reference_problems(read, profiles)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("targets:\n  - small\n  - larg\n", (3, 5, "no target 'larg'; did you mean large?")),
        ("targets: [small, mips]", (1, 18, "no target 'mips'; there are: large, small")),
        (
            "rules:\n  object-fit: {severity: error, reason: x}",
            (2, 3, "no rule 'object-fit'; did you mean objects-fit?"),
        ),
        (
            "ignore:\n  - {rule: cieling-covers, reason: x, expires: 2027-01-01}",
            (2, 12, "no rule 'cieling-covers'; did you mean ceiling-covers?"),
        ),
        (
            "ignore:\n  - rule: ceiling-covers\n    target: lage\n    reason: x\n    expires: 2027-01-01",
            (3, 13, "no target 'lage'; did you mean large?"),
        ),
        (
            "ignore: [{rule: ceiling-covers, heap: utility, reason: x, expires: 2027-01-01}]",
            (1, 39, "rule ceiling-covers is about the whole tree; leave heap out"),
        ),
    ],
)
def test_a_name_that_the_profile_lacks_is_told_with_the_nearest(text: str, found: tuple[int, int, str]) -> None:
    assert problems(text, TINY) == [found]


def test_heap_configs_are_those_that_the_rule_speaks_of() -> None:
    entry = "ignore: [{{rule: {}, heap: {}, reason: x, expires: 2027-01-01}}]"
    assert problems(entry.format("use-count", "jit_medium_bitfit"), LIBPAS) == []
    ((_, _, message),) = problems(entry.format("use-count", "jit_medium_bitfits"), LIBPAS)
    assert message == "no heap config of rule use-count 'jit_medium_bitfits'; did you mean jit_medium_bitfit?"
    ((_, _, message),) = problems(entry.format("utility-one-granule", "jit_medium_bitfit"), LIBPAS)
    assert "utility-one-granule" in message


def test_one_profile_that_has_a_name_is_enough() -> None:
    text = "targets: [linux-armv7]\nrules: {slab-bitmap: {severity: warning, reason: x}}"
    assert [message for *_, message in problems(text, LIBPAS)] == [
        "no rule 'slab-bitmap'; there are: " + ", ".join(rule.id for rule in LIBPAS.rules)
    ]
    assert problems(text, LIBPAS, JEMALLOC) == []


def test_a_target_of_an_entry_must_be_of_a_profile_with_its_rule() -> None:
    text = "ignore: [{rule: slab-bitmap, target: windows-x86_64, reason: x, expires: 2027-01-01}]"
    ((_, column, message),) = problems(text, LIBPAS, JEMALLOC)
    assert column == 38
    assert message.startswith("no target 'windows-x86_64'")


def test_a_profile_that_is_named_and_left_without_targets_is_a_mistake() -> None:
    text = "profiles: [libpas, jemalloc]\ntargets: [windows-x86_64]\n"
    ((line, column, message),) = problems(text, LIBPAS, JEMALLOC)
    assert (line, column) == (2, 10)
    assert message.startswith("profile jemalloc has none of these targets; add one of: linux-arm64-lg12, ")
    assert problems("targets: [windows-x86_64]\n", LIBPAS, JEMALLOC) == []


def test_all_are_told_by_line() -> None:
    text = """
ignore:
  - {rule: nothing, reason: x, expires: 2027-01-01}
targets: [nowhere]
rules: {neither: {severity: error, reason: x}}
"""
    assert [line for line, *_ in problems(text, TINY)] == [3, 4, 5]


def test_there_is_nothing_to_tell_of_what_is_not_valid_or_of_no_profile() -> None:
    assert reference_problems(read_settings("targets: 1"), [TINY]) == ()
    assert problems("targets: [nowhere]") == []


def given(rules: Mapping[str, str]) -> RepositorySettings:
    return RepositorySettings.model_validate(
        {"rules": {name: RuleSettings.model_validate({"severity": its, "reason": "x"}) for name, its in rules.items()}}
    )


def test_severities_are_those_of_the_settings() -> None:
    changed = apply(TINY, given({"objects-fit": "warning", "table-is-small": "error", "of-another-profile": "error"}))
    assert {rule.id: rule.severity for rule in changed.rules} == {
        "objects-fit": Severity.WARNING,
        "ceiling-covers": Severity.ERROR,
        "table-is-small": Severity.ERROR,
        "guard-fits": Severity.ERROR,
    }
    assert all(isinstance(rule.severity, Severity) for rule in changed.rules)
    assert TINY.rule("objects-fit").severity is Severity.ERROR
    assert changed.model_copy(update={"rules": TINY.rules}) == TINY


def test_a_profile_that_the_settings_say_nothing_of_stays_as_it_is() -> None:
    assert apply(TINY, RepositorySettings()) is TINY
    assert apply(TINY, given({"objects-fit": "error"})) is TINY


def test_the_guide_s_example_is_valid() -> None:
    jsonschema_rs.validate(SCHEMA, parse(EXAMPLE, 1 << 16).value)
    read = read_settings(EXAMPLE)
    assert read.problems == ()
    assert reference_problems(read, [LIBPAS]) == ()
    assert read.settings is not None
    assert read.settings.model_fields_set == set(RepositorySettings.model_fields)


def test_the_guide_names_every_key_and_its_limits() -> None:
    rows = [line.split("|")[1].strip(" `") for line in GUIDE.splitlines() if line.startswith("| `")]
    inner = {
        "stress": "StressSettings",
        "preview": "PreviewSettings",
        "preview.actions": "ActionsSettings",
        "comment": "CommentSettings",
    }

    def keys(properties: Iterable[str], within: str = "") -> Iterator[str]:
        for name in properties:
            key = f"{within}{name}"
            yield from keys(SCHEMA["$defs"][inner[key]]["properties"], f"{key}.") if key in inner else [key]

    assert rows == list(keys(SCHEMA["properties"]))
    for key, schema in SCHEMA["properties"].items():
        row = next((line for line in GUIDE.splitlines() if line.startswith(f"| `{key}`")), "")
        assert f"{schema['maxItems']} at most" in row if "maxItems" in schema else " at most" not in row


@pytest.mark.parametrize(
    "text",
    [
        "profile: libpas",
        "profiles: [libpass]",
        "profiles: [.github/../a.yml]",
        "targets: [NO]",
        "page_sizes: [4k]",
        "page_sizes: [4K, 4K]",
        "rules: {Use: {severity: error, reason: x}}",
        "rules: {use-count: {severity: error}}",
        "rules: {use-count: {severity: error, reason: ''}}",
        "ignore: [{rule: use-count, reason: x}]",
        "ignore: [{rule: use-count, reason: x, expires: 2027-01-01, heaps: [a]}]",
        "drafts: yes",
        "stress: {gate: yes}",
        "stress: {seeds: 17}",
        "comment: {on_success: 1}",
        "labels: ['']",
        "trusted_bots: [me]",
    ],
)
def test_what_editors_mark_is_a_mistake_here_too(text: str) -> None:
    assert not jsonschema_rs.is_valid(SCHEMA, parse(text, 1 << 16).value)
    assert read_settings(text).settings is None
