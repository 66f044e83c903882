"""What rules a run: the settings of its base branch, and the profiles that they name. Pure: texts in, decisions out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any, Self

from checker.profile import Profile, ProfileError, load_profile, parse_profile
from checker.report import Report
from checker.settings import apply, reference_problems
from config.page_sizes import PAGE_SIZES
from config.repository import PATH, Ignore, Problem, RepositorySettings, in_force, read_settings
from workers.plain import Plain
from workers.report.context import Judged, SettingsNews


@dataclass(frozen=True)
class Side(Plain):
    """The settings at one commit: the file's text, `None` where there is none, and the profiles beside it, by path."""

    text: str | None = None
    files: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError`."""
        return cls(data["text"], tuple((path, text) for path, text in data["files"]))


@dataclass(frozen=True)
class Source(Plain):
    """Where a ruling comes from. `rules` is valid: the settings at the branch `ref`, or its last ones that were.

    `bundled` are the profiles, by the names that `load_profile` takes, whose watched paths exist there. `broken` are
    the settings at `ref` where they are not valid, `proposed` those of a change that touches them.
    """

    ref: str
    rules: Side
    bundled: tuple[str, ...]
    broken: Side | None = None
    proposed: Side | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises `KeyError`."""
        rules, broken, proposed = (
            Side.from_json(data[name]) if data[name] is not None else None for name in ("rules", "broken", "proposed")
        )
        assert rules is not None
        return cls(data["ref"], rules, tuple(data["bundled"]), broken, proposed)


@dataclass(frozen=True)
class Understood:
    """What a side says. `profiles` are all that could be read of those it names, or `bundled` where it names none."""

    settings: RepositorySettings
    profiles: tuple[Profile, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Ruling:
    """What rules a run. Without profiles nothing here is any of pagewarden's business."""

    settings: RepositorySettings
    profiles: tuple[Profile, ...]
    news: SettingsNews

    def watches(self, path: str) -> bool:
        """Whether a change of `path` can matter."""
        return any(profile.watches(path) for profile in self.profiles)

    def profile(self, name: str) -> Profile | None:
        """The profile of that name."""
        return next((profile for profile in self.profiles if profile.name == name), None)

    def targets(self, profile: Profile, default: Sequence[str]) -> tuple[str, ...]:
        """The targets to check one profile on: those that the settings name, else `default`, else all that it has."""
        named = self.settings.targets or tuple(default) or tuple(profile.targets)
        return tuple(name for name in named if name in profile.targets)

    def page_sizes(self, default: Sequence[int]) -> tuple[int, ...]:
        """OS page sizes in bytes."""
        return tuple(PAGE_SIZES[name] for name in self.settings.page_sizes) or tuple(default)

    def stress_page_sizes(self, default: Sequence[int]) -> tuple[int, ...]:
        """OS page sizes to run with, in bytes."""
        named = tuple(PAGE_SIZES[name] for name in self.settings.stress.page_sizes)
        return named or self.page_sizes(default)

    def ignored(self, today: date) -> tuple[Ignore, ...]:
        """The findings that are ignored today."""
        return in_force(self.settings.ignore, today)

    def judged(self, reports: Sequence[Report]) -> tuple[Judged, ...]:
        """The reports beside their profiles; those of a profile that rules no more are left out."""
        found = ((report, self.profile(report.profile)) for report in reports)
        return tuple(Judged(report, profile) for report, profile in found if profile is not None)

    @property
    def is_silent(self) -> bool:
        """Whether nothing here is watched, nor proposed to be."""
        return not self.profiles and self.news.proposed is None


def rule(source: Source) -> Ruling:
    """The ruling that a source stands for."""
    rules = understand(source.rules, source.bundled)
    profiles = tuple(apply(profile, rules.settings) for profile in rules.profiles)
    news = SettingsNews(
        path=PATH,
        ref=source.ref,
        settings=rules.settings,
        problems=understand(source.broken, source.bundled).problems if source.broken is not None else (),
        proposed=understand(source.proposed, source.bundled).problems if source.proposed is not None else None,
        removed=source.proposed is not None and source.proposed.text is None,
    )
    return Ruling(rules.settings, profiles, news)


@lru_cache(maxsize=64)
def understand(side: Side, bundled: tuple[str, ...]) -> Understood:
    """Reads the settings of one commit, with all that is wrong with them."""
    fallback = tuple(load_profile(name) for name in bundled)
    if side.text is None:
        return Understood(RepositorySettings(), fallback, ())
    read = read_settings(side.text)
    if read.settings is None:
        return Understood(RepositorySettings(), fallback, read.problems)
    profiles: list[Profile] = []
    problems: list[Problem] = []
    for index, name in enumerate(read.settings.profiles):
        try:
            profiles.append(_profile(name, dict(side.files), {profile.name for profile in profiles}))
        except ProfileError as error:
            line, column = read.places.get(("profiles", index), (1, 1))
            problems += [Problem(line, column, message) for message in str(error).splitlines()]
    known = tuple(profiles) or fallback
    if not problems:
        problems += reference_problems(read, known)
    return Understood(read.settings, known, tuple(problems))


def with_proposed(source: Source, proposed: Side) -> Source:
    """The same, for a change that brings settings of its own."""
    return replace(source, proposed=proposed)


def profile_files(text: str | None) -> tuple[str, ...]:
    """The profiles in the repository that a settings file names, by path."""
    settings = read_settings(text).settings if text is not None else None
    return tuple(name for name in settings.profiles if _is_file(name)) if settings is not None else ()


def touches_settings(paths: Sequence[str], side: Side) -> bool:
    """Whether a change of these files is one of the settings; `side` is what rules."""
    ours = {PATH, *(path for path, _ in side.files)}
    return any(path in ours for path in paths)


def _profile(name: str, files: Mapping[str, str], taken: Collection[str]) -> Profile:
    """Raises `ProfileError`, also where it has a name that is `taken`: reports know their profile by that."""
    if _is_file(name) and name not in files:
        raise ProfileError(f"{name}: no such file")
    profile = parse_profile(files[name], name) if _is_file(name) else load_profile(name)
    if profile.name in taken:
        raise ProfileError(f"{name}: there is a profile named {profile.name} already; give this one another name")
    return profile


def _is_file(name: str) -> bool:
    return name.startswith(".github/")
