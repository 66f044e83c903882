"""Evaluations kept on disk, by everything they depend on. Safe with many processes: files appear whole."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from operator import index
from pathlib import Path
from typing import Any

from checker.clang import libclang_version
from checker.evaluation import Definition, Evaluation, Failure
from checker.probe import Wanted


class EvaluationCache:
    """Below `directory`; a file that cannot be read counts as not there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "evaluations"

    def get_or_make(self, key: tuple[str, ...], make: Callable[[], Evaluation]) -> Evaluation:
        """The evaluation for `key`, made and kept if it is not there.

        One without an answer is not kept: its reason may be this machine's.
        """
        name = hashlib.sha256("\0".join((_code_digest(), libclang_version(), *key)).encode()).hexdigest()
        path = self._directory / name[:2] / f"{name}.json"
        try:
            return _from_json(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            evaluation = make()
        if evaluation.stopped is None:
            _write(path, json.dumps(_to_json(evaluation)))
        return evaluation


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).replace(path)


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Changes whenever the checker's code or its stand-ins do."""
    root = Path(str(files("checker")))
    digest = hashlib.sha256()
    stubs = (path for path in (root / "stubs").rglob("*") if path.is_file())
    for path in sorted((*root.glob("*.py"), *stubs)):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _to_json(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "values": [[*wanted, value] for wanted, value in evaluation.values.items()],
        "absent": [list(wanted) for wanted in sorted(evaluation.absent)],
        "failures": [[*wanted, asdict(failure)] for wanted, failure in evaluation.failures.items()],
        "definitions": {name: asdict(definition) for name, definition in evaluation.definitions.items()},
    }


def _from_json(data: dict[str, Any]) -> Evaluation:
    return Evaluation(
        values={Wanted(*wanted): index(value) for *wanted, value in data["values"]},
        absent=frozenset(Wanted(*wanted) for wanted in data["absent"]),
        failures={Wanted(*wanted): Failure(**failure) for *wanted, failure in data["failures"]},
        definitions={
            name: Definition(**{**definition, "uses": tuple(definition["uses"])})
            for name, definition in data["definitions"].items()
        },
    )
