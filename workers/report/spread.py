"""The blast radius: which constants change on which targets, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checker.profile import Profile
from checker.report import Constant, Report
from workers.report.digest import unique
from workers.report.words import brief

UNCHANGED = "–"
UNKNOWN = "not evaluated"


@dataclass(frozen=True)
class Column:
    """Targets that agree in everything, with a text for each constant."""

    targets: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a constant is defined; at base where head has it no more."""

    path: str
    line: int | None
    at_base: bool


@dataclass(frozen=True)
class Spread:
    """Changed constants × targets. Targets on which nothing changes have no column."""

    names: tuple[str, ...]
    places: Mapping[str, tuple[Place, ...]]
    columns: tuple[Column, ...]

    def by_targets(self) -> dict[tuple[str, ...], list[tuple[str, str]]]:
        """(constant, its text) under the targets on which it changes alike, or is not known."""
        found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for index, name in enumerate(self.names):
            alike: dict[str, list[str]] = {}
            for column in self.columns:
                alike.setdefault(column.cells[index], []).extend(column.targets)
            for text, targets in alike.items():
                if text != UNCHANGED:
                    found.setdefault(tuple(targets), []).append((name, text))
        return found


def spread(report: Report, profile: Profile) -> Spread:
    """Every constant that changes on some target."""
    names = unique(each.name for target in report.targets for each in target.constants if each.changed)
    units = {probe.name: probe.unit for probe in profile.constants}
    unknown = {(error.target, error.name) for error in report.errors}
    columns: dict[tuple[str, ...], list[str]] = {}
    places: dict[str, list[Place]] = {}
    for target in report.targets:
        constants = {each.name: each for each in target.constants}
        cells = []
        for name in names:
            move = _move(constants.get(name), units.get(name, "count"))
            blind = move == UNCHANGED and {(target.target, "*"), (target.target, name)} & unknown
            cells.append(UNKNOWN if blind else move)
            if (each := constants.get(name)) and each.changed and each.path is not None:
                places.setdefault(name, []).append(Place(each.path, each.line, each.head is None))
        columns.setdefault(tuple(cells), []).append(target.target)
    return Spread(
        names,
        {name: unique(its) for name, its in places.items()},
        tuple(Column(tuple(targets), cells) for cells, targets in columns.items() if set(cells) - {UNCHANGED}),
    )


def _move(constant: Constant | None, unit: str) -> str:
    if constant is None or not constant.changed:
        return UNCHANGED
    return f"{brief(constant.base, unit)} → {brief(constant.head, unit)}"
