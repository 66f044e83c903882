"""A repository's settings against the profiles they speak of. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checker.entries import Rule
from checker.profile import Profile
from checker.report import Severity
from config.mistakes import nearest
from config.repository import Ignore, Problem, Read, RepositorySettings
from config.strict_yaml import Path, Place, shown


def reference_problems(read: Read, profiles: Sequence[Profile]) -> tuple[Problem, ...]:
    """Names of rules, heap configs and targets that none of `profiles` has, and entries that can cover nothing.

    `profiles` are those that the settings name, or that are taken where they name none. Sorted by line; empty for
    settings that are not valid, and where there are no profiles to speak of.
    """
    if read.settings is None or not profiles:
        return ()
    settings = read.settings
    found = [*_targets(read, settings, profiles), *_rules(read, settings, profiles)]
    for index, entry in enumerate(settings.ignore):
        found += _ignored(read, index, entry, profiles)
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def apply(profile: Profile, settings: RepositorySettings) -> Profile:
    """The profile with the severities that the settings give its rules."""
    rules = tuple(
        rule.model_copy(update={"severity": Severity(settings.rules[rule.id].severity)})
        if rule.id in settings.rules
        else rule
        for rule in profile.rules
    )
    return profile if rules == profile.rules else profile.model_copy(update={"rules": rules})


def _targets(read: Read, settings: RepositorySettings, profiles: Sequence[Profile]) -> Iterator[Problem]:
    known = _unique(target for profile in profiles for target in profile.targets)
    for index, target in enumerate(settings.targets):
        if target not in known:
            yield _unknown(read, ("targets", index), "target", target, known)
    for profile in profiles if settings.profiles and settings.targets else ():
        if not set(settings.targets) & set(profile.targets):
            message = f"profile {profile.name} has none of these targets; add one of: {', '.join(profile.targets)}"
            yield Problem(*_place(read, ("targets",)), message)


def _rules(read: Read, settings: RepositorySettings, profiles: Sequence[Profile]) -> Iterator[Problem]:
    known = _unique(rule.id for profile in profiles for rule in profile.rules)
    for rule in settings.rules:
        if rule not in known:
            yield _unknown(read, ("rules", rule), "rule", rule, known)


def _ignored(read: Read, index: int, entry: Ignore, profiles: Sequence[Profile]) -> Iterator[Problem]:
    at: Path = ("ignore", index)
    having = [(profile, rule) for profile in profiles for rule in profile.rules if rule.id == entry.rule]
    if not having:
        known = _unique(rule.id for profile in profiles for rule in profile.rules)
        yield _unknown(read, (*at, "rule"), "rule", entry.rule, known)
        return
    if entry.target is not None:
        targets = _unique(target for profile, _ in having for target in profile.targets)
        if entry.target not in targets:
            yield _unknown(read, (*at, "target"), "target", entry.target, targets)
    if entry.heap is not None:
        heaps = _unique(heap for profile, rule in having for heap in _heaps(profile, rule))
        if not heaps:
            message = f"rule {entry.rule} is about the whole tree; leave heap out"
            yield Problem(*_place(read, (*at, "heap")), message)
        elif entry.heap not in heaps:
            yield _unknown(read, (*at, "heap"), f"heap config of rule {entry.rule}", entry.heap, heaps)


def _heaps(profile: Profile, rule: Rule) -> tuple[str, ...]:
    """The heap configs that a rule has cells for."""
    if rule.scope == "tree":
        return ()
    return rule.heaps or tuple(heap.name for heap in profile.heaps)


def _unknown(read: Read, path: Path, what: str, name: str, known: Sequence[str]) -> Problem:
    said = nearest(name, known) or f"; there are: {', '.join(known)}"
    return Problem(*_place(read, path), f"no {what} {shown(name)}{said}")


def _place(read: Read, path: Path) -> Place:
    """Of the name itself: a key, or a value that is a name."""
    return read.keys[path] if path[0] == "rules" else read.places[path]


def _unique(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
