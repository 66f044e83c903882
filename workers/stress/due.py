"""What of a stress run is to be done now, and what came of all of it. Pure."""

from __future__ import annotations

import json

from workers.stress.campaign import merged
from workers.stress.document import from_json
from workers.stress.result import Result
from workers.stress.store import BUILD, Stress


def result_of(state: Stress) -> Result | None:
    """What was found out, once each part has ended, or libpas could not be built and the others have; `None` before."""
    parts = {name: _result_in(state, name) for name in state.names}
    found = {name: result for name, result in parts.items() if result is not None}
    awaited = state.preview_parts + ((BUILD,) if _is_unbuildable(state) else state.libpas_parts)
    if not found or not found.keys() >= set(awaited):
        return None
    return merged(state.plan.machine, state.page_sizes, found.values())


def _result_in(state: Stress, part: str) -> Result | None:
    kept = state.part(part).result
    return from_json(json.loads(kept)) if kept is not None else None


def _is_unbuildable(state: Stress) -> bool:
    """Whether it is known that there is no libpas to run."""
    built = _result_in(state, BUILD)
    return built is not None and bool(built.troubles)


def due(state: Stress) -> tuple[str, ...]:
    """The parts that can be worked on: the build of libpas, and after it its machines; those of the preview build, once
    that is over."""
    if state.over:
        return ()
    if state.plan.libpas and state.part(BUILD).result is None:
        libpas: tuple[str, ...] = (BUILD,)
    else:
        libpas = () if _is_unbuildable(state) else state.libpas_parts
    preview = state.preview_parts if state.built is not None else ()
    return tuple(name for name in libpas + preview if state.part(name).result is None)
