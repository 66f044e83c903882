"""What `pagewarden settings check` prints: what is wrong with a settings file, or what rules where it is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from rich.console import Console

from checker.profile import Profile
from config.page_sizes import PAGE_SIZES
from config.repository import Ignore, Problem, RepositorySettings, in_force
from workers.report.terminal import Page
from workers.report.words import listed, plain

DRAFTS = {
    "check": "like other pull requests",
    "static": "without builds and stress",
    "skip": "not at all, until they are ready",
}
MACHINES = {
    "vm": "kernels in QEMU",
    "native": "an arm64 host",
    "user": "QEMU's user mode",
    None: "as this pagewarden is set",
}


def located(path: str, problems: Iterable[Problem]) -> list[str]:
    """One line for each mistake, as editors take them: `path:line:column: message`."""
    return [f"{plain(path)}:{each.line}:{each.column}: {plain(each.message, 1000)}" for each in problems]


def render(path: str, settings: RepositorySettings, profiles: Sequence[Profile], today: date, console: Console) -> None:
    """Prints what valid settings say. `profiles` are those they name, or all that may be meant where they name none."""
    out = Page(console)
    out.paragraph(f"{plain(path)} is valid. On a base branch it rules:", indent=0, style="bold")
    _section(out, "Checks", _checks(settings))
    _section(out, "Severities", _severities(settings, profiles))
    _section(out, "Ignored", (_ignored(entry, today) for entry in settings.ignore))
    _section(out, "Stress", _stress(settings))
    _section(out, "On pull requests", _on_pull_requests(settings))


def _section(out: Page, title: str, sentences: Iterable[str]) -> None:
    told = list(sentences)
    if told:
        out.heading(title)
    for sentence in told:
        out.paragraph(sentence)


def _checks(settings: RepositorySettings) -> Iterator[str]:
    named = listed([plain(name) for name in settings.profiles], most=32)
    yield f"Profiles: {named or 'those that come with pagewarden and whose files are in the repository'}"
    yield f"Targets: {listed([plain(name) for name in settings.targets], most=32) or 'all that a profile has'}"
    yield f"Page sizes: {listed(settings.page_sizes or tuple(PAGE_SIZES))}"
    yield f"Drafts: {DRAFTS[settings.drafts]}"


def _severities(settings: RepositorySettings, profiles: Sequence[Profile]) -> Iterator[str]:
    given = {rule.id: rule.severity.value for profile in profiles for rule in profile.rules}
    for name, rule in settings.rules.items():
        before = given.get(name)
        instead = f"instead of {before}" if before != rule.severity else "as in its profile"
        yield f"{plain(name)}: {rule.severity} {instead}: {plain(rule.reason, 1000)}"


def _ignored(entry: Ignore, today: date) -> str:
    where = f" of {plain(entry.heap)}" if entry.heap else ""
    where += f" on {plain(entry.target)}" if entry.target else ""
    if in_force([entry], today):
        until = f"until {entry.expires.isoformat()}"
    else:
        until = f"EXPIRED on {entry.expires.isoformat()}, so it counts again; take the entry out"
    return f"{plain(entry.rule)}{where}, {until}: {plain(entry.reason, 1000)}"


def _stress(settings: RepositorySettings) -> Iterator[str]:
    stress = settings.stress
    if not stress.enabled:
        yield "Off"
        return
    yield f"On where it can be done: {MACHINES[stress.machine]}"
    yield f"Page sizes: {listed(stress.page_sizes) or 'those of the check'}"
    yield f"Seeds: {stress.seeds or 'as this pagewarden is set'}"
    if stress.gate:
        yield "Gate: the check pagewarden waits for it, and fails with it"
    else:
        yield "No gate: a check of its own, which the check pagewarden does not wait for"


def _on_pull_requests(settings: RepositorySettings) -> Iterator[str]:
    yield f"Comment: {'always' if settings.comment.on_success else 'only where something fails'}"
    yield f"Suggestions: {'on' if settings.suggestions else 'off'}"
    if settings.labels:
        yield f"Labels: {listed([plain(label) for label in settings.labels])}"
    if settings.trusted_bots:
        yield f"Trusted bots: {listed([plain(bot) for bot in settings.trusted_bots], most=20)}"
