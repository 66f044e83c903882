"""Workflow files: what can be dispatched, with which inputs, under which title, and which jobs it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Json = Any
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
INPUT = re.compile(r"(?:github\.event\.)?inputs\.([A-Za-z_][A-Za-z0-9_-]*)")
MOST_SHOWN_TITLE = 256


class Refused(Exception):
    """What GitHub answers with 422 to a dispatch."""


@dataclass(frozen=True)
class Input:
    """An input that a file declares; `options` only where it is a choice."""

    required: bool
    default: str
    options: tuple[str, ...] | None


@dataclass(frozen=True)
class PlannedJob:
    """A job as the file has it."""

    name: str
    labels: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True)
class WorkflowFile:
    """What a file says. `inputs` are `None` where it cannot be dispatched."""

    name: str
    run_name: str
    inputs: Mapping[str, Input] | None
    jobs: tuple[PlannedJob, ...]


def read(text: bytes, path: str) -> WorkflowFile:
    """The file at `path`. Raises `Refused` for one that is no workflow."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Refused(f"failed to parse workflow: {path}: {error}") from None
    # YAML 1.1 takes the key `on` for a yes.
    triggers = found.get("on", found.get(True)) if isinstance(found, dict) else None
    if triggers is None:
        raise Refused(f"failed to parse workflow: {path}: No event triggers defined in `on`")
    jobs = found.get("jobs")
    return WorkflowFile(
        name=str(found.get("name") or path),
        run_name=str(found.get("run-name") or ""),
        inputs=_inputs(triggers),
        jobs=tuple(_job(key, job) for key, job in jobs.items()) if isinstance(jobs, dict) else (),
    )


def held(file: WorkflowFile, given: Mapping[str, Json]) -> dict[str, str]:
    """The inputs of a run that is dispatched with those `given`. Raises `Refused`."""
    if file.inputs is None:
        raise Refused("Workflow does not have 'workflow_dispatch' trigger")
    if unknown := [name for name in given if name not in file.inputs]:
        listed = ", ".join(f'"{name}"' for name in unknown)
        raise Refused(f"Unexpected inputs provided: [{listed}]")
    values = {}
    for name, one in file.inputs.items():
        value = _text(given[name]) if name in given else one.default
        if one.required and not value:
            raise Refused(f"Required input '{name}' not provided")
        if one.options is not None and value and value not in one.options:
            raise Refused(f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        values[name] = value
    return values


def title(file: WorkflowFile, inputs: Mapping[str, str], context: Mapping[str, str]) -> str:
    """What the run is called: `run-name` with its expressions worked out, else the workflow's name.

    `context` has what else an expression may name, such as `github.actor`. Raises `LookupError` for any other one.
    """

    def worth(match: re.Match[str]) -> str:
        if named := INPUT.fullmatch(match[1]):
            return inputs.get(named[1], "")
        if match[1] not in context:
            raise LookupError(f"the simulator does not work out {match[0]}")
        return context[match[1]]

    return EXPRESSION.sub(worth, file.run_name).strip()[:MOST_SHOWN_TITLE] or file.name


def _inputs(triggers: Json) -> Mapping[str, Input] | None:
    """`on` is an event, a list of events, or events with what is to be known of each."""
    if not isinstance(triggers, dict):
        listed = triggers if isinstance(triggers, list) else [triggers]
        return {} if "workflow_dispatch" in listed else None
    if "workflow_dispatch" not in triggers:
        return None
    declared = (triggers["workflow_dispatch"] or {}).get("inputs") or {}
    return {str(name): _input(one or {}) for name, one in declared.items()}


def _input(declared: Mapping[str, Json]) -> Input:
    options = declared.get("options") if declared.get("type") == "choice" else None
    return Input(
        required=declared.get("required") is True,
        default=_text(declared.get("default", "")),
        options=None if options is None else tuple(_text(one) for one in options),
    )


def _job(key: Json, job: Json) -> PlannedJob:
    described = job if isinstance(job, dict) else {}
    runs_on = described.get("runs-on", ())
    labels = [runs_on] if isinstance(runs_on, str) else runs_on if isinstance(runs_on, list) else []
    steps = [step for step in described.get("steps") or () if isinstance(step, dict)]
    name = str(described.get("name") or key)
    return PlannedJob(name, tuple(map(str, labels)), tuple(_step(step) for step in steps))


def _step(step: Mapping[str, Json]) -> str:
    """What a step is called that has no name: by what it runs."""
    what = str(step.get("uses") or step.get("run") or "").partition("\n")[0]
    return str(step.get("name") or f"Run {what}")


def _text(value: Json) -> str:
    """An input's value as a run gets it: text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
