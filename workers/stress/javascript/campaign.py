"""What is run to put one JavaScript engine under stress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from workers.scenario.progress import Step
from workers.stress.campaign import Campaign
from workers.stress.javascript.controls import controls
from workers.stress.javascript.sources import prepare
from workers.stress.javascript.subject import Kind
from workers.stress.lineup import Entrant
from workers.stress.subjects import DEFAULT_SEEDS
from workers.stress.verdicts import Role


def javascript_campaign(
    spec: str,
    *,
    seeds: tuple[int, ...] = DEFAULT_SEEDS,
    phases: Sequence[str] | None = None,
    kind: Kind | None = None,
    sysroot: Path | None = None,
    scale: float = 1.0,
    cache_dir: Path | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> Campaign:
    """The engine that `spec` names (see `sources.prepare`) beside the known ones; `phases` of it only, or all.

    `say` is told what is fetched. Raises `SubjectError`.
    """

    def tell(step: Step) -> None:
        say(step.text)

    subject = prepare(spec, kind=kind, sysroot=sysroot, scale=scale, cache_dir=cache_dir, tell=tell)
    entrant = Entrant(subject, Role.HEAD, None if phases is None else tuple(phases))
    return Campaign((entrant,), controls(cache_dir, tell), seeds)
