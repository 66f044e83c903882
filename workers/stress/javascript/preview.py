"""The engine of a preview build as a subject: what was built of a head, beside what was built of its base.

Its phases are called otherwise than those of libpas, as one result tells of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from workers.scenario.progress import Tell, silent
from workers.stress.campaign import Campaign
from workers.stress.javascript.controls import controls
from workers.stress.javascript.sources import prepare_tree
from workers.stress.javascript.subject import JavaScriptSubject
from workers.stress.lineup import Entrant
from workers.stress.processes import Ended, Process
from workers.stress.subjects import Phase, Reading, SubjectError
from workers.stress.verdicts import Role

PREFIX = "js-"
SHORT_SHA = 8


@dataclass(frozen=True)
class Engine:
    """A binary in the tree that a build left, of the commit `sha`."""

    sha: str
    binary: Path
    tree: Path

    @property
    def name(self) -> str:
        """`preview bun d56ecd41`."""
        return f"preview {self.binary.name} {self.sha[:SHORT_SHA]}"


@dataclass(frozen=True)
class PreviewSubject:
    """A JavaScript subject whose phases have the prefix."""

    engine: JavaScriptSubject

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The engine's, with the prefix."""
        return tuple(replace(phase, name=f"{PREFIX}{phase.name}") for phase in self.engine.phases)

    @property
    def files(self) -> Mapping[str, Path]:
        """The engine's."""
        return self.engine.files

    def process(self, phase: str, seed: int, process_id: str, seconds: float | None = None) -> Process:
        """The engine's, of the phase without the prefix."""
        return self.engine.process(phase.removeprefix(PREFIX), seed, process_id, seconds)

    def read(self, phase: str, seed: int, ended: Ended) -> Reading:
        """What an ended process says, of the phase without the prefix."""
        return self.engine.read(phase.removeprefix(PREFIX), seed, ended)


def preview_campaign(
    head: Engine,
    base: Engine | None,
    seeds: tuple[int, ...],
    *,
    scale: float = 1.0,
    cache_dir: Path | None = None,
    tell: Tell = silent,
) -> Campaign:
    """Head and base beside the known engines; `scale` as for `prepare`. Raises `SubjectError`, and what `tell` raises.

    Nothing that it raises names a place on this host that a build lies at.
    """
    subject = _subject(head, scale, cache_dir, tell)
    entrants = [Entrant(subject, Role.HEAD)]
    if base is not None:
        try:
            entrants.append(Entrant(_subject(base, scale, cache_dir, tell), Role.BASE))
        except SubjectError as error:
            raise SubjectError(f"{base.name}: {error}") from error
    alone = (subject.name,) if base is None else ()
    return Campaign(tuple(entrants), controls(cache_dir, tell), seeds, alone)


def _subject(engine: Engine, scale: float, cache_dir: Path | None, tell: Tell) -> PreviewSubject:
    try:
        return PreviewSubject(
            prepare_tree(engine.binary, engine.tree, engine.name, scale=scale, cache_dir=cache_dir, tell=tell)
        )
    except SubjectError as error:
        text = str(error)
        for tree in (engine.tree, engine.tree.resolve()):
            text = text.replace(f"{tree}/", "").replace(str(tree), "its tree")
        raise SubjectError(text, own=error.own) from error
