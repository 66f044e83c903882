"""Writes `github.json` and `webhooks.json` again: `python -m simulator.openapi.generate`.

Both are subsets of GitHub's descriptions as npm packages them: the operations and events that the
simulator speaks, with everything they refer to, without prose. What is left is GitHub's own wording,
unchanged. Needs `npm` and its registry.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROSE = {"description", "example", "examples", "summary", "title", "externalDocs", "tags", "deprecated"}
LEFT_OUT = frozenset(PROSE | {"headers", "callbacks"})
# Below these keys the keys are names that somebody chose, so "description" is a property there and no prose.
NAMED = frozenset({"properties", "schemas", "responses", "parameters", "content"})

REPOSITORY = "/repos/{owner}/{repo}"
OPERATIONS = (
    ("get", "/app"),
    ("get", "/app/installations"),
    ("get", "/app/installations/{installation_id}"),
    ("post", "/app/installations/{installation_id}/access_tokens"),
    ("get", "/app/hook/deliveries"),
    ("get", "/app/hook/deliveries/{delivery_id}"),
    ("post", "/app/hook/deliveries/{delivery_id}/attempts"),
    ("get", "/installation/repositories"),
    ("get", "/rate_limit"),
    ("get", f"{REPOSITORY}"),
    ("get", f"{REPOSITORY}/installation"),
    ("get", f"{REPOSITORY}/branches/{{branch}}"),
    ("get", f"{REPOSITORY}/commits/{{ref}}"),
    ("get", f"{REPOSITORY}/commits/{{ref}}/check-runs"),
    ("get", f"{REPOSITORY}/commits/{{ref}}/status"),
    ("get", f"{REPOSITORY}/commits/{{ref}}/statuses"),
    ("post", f"{REPOSITORY}/statuses/{{sha}}"),
    ("get", f"{REPOSITORY}/collaborators/{{username}}/permission"),
    ("get", f"{REPOSITORY}/compare/{{basehead}}"),
    ("get", f"{REPOSITORY}/pulls"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}/commits"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}/files"),
    ("get", f"{REPOSITORY}/pulls/{{pull_number}}/comments"),
    ("post", f"{REPOSITORY}/pulls/{{pull_number}}/comments"),
    ("post", f"{REPOSITORY}/pulls/{{pull_number}}/reviews"),
    ("get", f"{REPOSITORY}/pulls/comments/{{comment_id}}"),
    ("patch", f"{REPOSITORY}/pulls/comments/{{comment_id}}"),
    ("delete", f"{REPOSITORY}/pulls/comments/{{comment_id}}"),
    ("post", f"{REPOSITORY}/check-runs"),
    ("get", f"{REPOSITORY}/check-runs/{{check_run_id}}"),
    ("patch", f"{REPOSITORY}/check-runs/{{check_run_id}}"),
    ("get", f"{REPOSITORY}/check-runs/{{check_run_id}}/annotations"),
    ("get", f"{REPOSITORY}/issues/{{issue_number}}/comments"),
    ("post", f"{REPOSITORY}/issues/{{issue_number}}/comments"),
    ("get", f"{REPOSITORY}/issues/{{issue_number}}/labels"),
    ("post", f"{REPOSITORY}/issues/{{issue_number}}/labels"),
    ("get", f"{REPOSITORY}/issues/comments/{{comment_id}}"),
    ("patch", f"{REPOSITORY}/issues/comments/{{comment_id}}"),
    ("delete", f"{REPOSITORY}/issues/comments/{{comment_id}}"),
    ("get", f"{REPOSITORY}/issues/comments/{{comment_id}}/reactions"),
    ("post", f"{REPOSITORY}/issues/comments/{{comment_id}}/reactions"),
    ("get", f"{REPOSITORY}/releases"),
    ("post", f"{REPOSITORY}/releases"),
    ("get", f"{REPOSITORY}/releases/{{release_id}}"),
    ("patch", f"{REPOSITORY}/releases/{{release_id}}"),
    ("delete", f"{REPOSITORY}/releases/{{release_id}}"),
    ("get", f"{REPOSITORY}/releases/tags/{{tag}}"),
    ("get", f"{REPOSITORY}/releases/{{release_id}}/assets"),
    ("post", f"{REPOSITORY}/releases/{{release_id}}/assets"),
    ("get", f"{REPOSITORY}/releases/assets/{{asset_id}}"),
    ("delete", f"{REPOSITORY}/releases/assets/{{asset_id}}"),
    ("get", f"{REPOSITORY}/git/matching-refs/{{ref}}"),
    ("get", f"{REPOSITORY}/git/ref/{{ref}}"),
    ("post", f"{REPOSITORY}/git/refs"),
    ("delete", f"{REPOSITORY}/git/refs/{{ref}}"),
    ("get", f"{REPOSITORY}/git/tags/{{tag_sha}}"),
    ("get", f"{REPOSITORY}/actions/workflows"),
    ("get", f"{REPOSITORY}/actions/workflows/{{workflow_id}}"),
    ("post", f"{REPOSITORY}/actions/workflows/{{workflow_id}}/dispatches"),
    ("get", f"{REPOSITORY}/actions/workflows/{{workflow_id}}/runs"),
    ("get", f"{REPOSITORY}/actions/runs"),
    ("get", f"{REPOSITORY}/actions/runs/{{run_id}}"),
    ("delete", f"{REPOSITORY}/actions/runs/{{run_id}}"),
    ("post", f"{REPOSITORY}/actions/runs/{{run_id}}/cancel"),
    ("post", f"{REPOSITORY}/actions/runs/{{run_id}}/force-cancel"),
    ("get", f"{REPOSITORY}/actions/runs/{{run_id}}/artifacts"),
    ("get", f"{REPOSITORY}/actions/runs/{{run_id}}/jobs"),
    ("get", f"{REPOSITORY}/actions/jobs/{{job_id}}/logs"),
    ("get", f"{REPOSITORY}/actions/artifacts/{{artifact_id}}"),
    ("get", f"{REPOSITORY}/actions/artifacts/{{artifact_id}}/{{archive_format}}"),
)
# GitHub answers with these on every operation, described there or not.
ERRORS = ("basic-error", "validation-error", "validation-error-simple")
EVENTS = (
    "check-run-requested-action",
    "check-run-rerequested",
    "check-suite-requested",
    "check-suite-rerequested",
    "installation-created",
    "installation-deleted",
    "installation-repositories-added",
    "issue-comment-created",
    "issue-comment-deleted",
    "issue-comment-edited",
    "merge-group-checks-requested",
    "merge-group-destroyed",
    "ping",
    "pull-request-closed",
    "pull-request-converted-to-draft",
    "pull-request-edited",
    "pull-request-labeled",
    "pull-request-opened",
    "pull-request-ready-for-review",
    "pull-request-reopened",
    "pull-request-synchronize",
    "push",
    "workflow-run-completed",
    "workflow-run-in-progress",
    "workflow-run-requested",
)


@dataclass(frozen=True)
class Origin:
    """Where a description comes from: an npm package and the file in it."""

    package: str
    version: str
    file: str
    license: str


REST = Origin("@octokit/openapi", "23.0.2", "generated/api.github.com.json", "MIT")
WEBHOOKS = Origin("@octokit/openapi-webhooks", "12.1.0", "generated/api.github.com.json", "MIT")

Json = Any


def main() -> None:
    """Fetch both packages and write both subsets."""
    rest = cut(fetch(REST))
    paths: dict[str, dict[str, Json]] = {}
    for method, path in OPERATIONS:
        paths.setdefault(path, {})[method] = rest["paths"][path][method]
    errors = [{"$ref": f"#/components/schemas/{name}"} for name in ERRORS]
    write(HERE / "github.json", REST, "paths", paths, closure(rest, [paths, *errors]))

    hooks = cut(fetch(WEBHOOKS))
    events = {name: hooks["webhooks"][name]["post"]["requestBody"]["content"]["application/json"] for name in EVENTS}
    write(HERE / "webhooks.json", WEBHOOKS, "webhooks", events, closure(hooks, events))


def fetch(origin: Origin) -> Json:
    """The description in the package, parsed."""
    return json.loads(read(origin))


def read(origin: Origin) -> bytes:
    """The description in the package."""
    with tempfile.TemporaryDirectory() as directory:
        name = f"{origin.package}@{origin.version}"
        packed = subprocess.run(
            ["npm", "pack", "--silent", name], cwd=directory, check=True, stdout=subprocess.PIPE, text=True
        )
        archive = Path(directory) / packed.stdout.strip().splitlines()[-1]
        with tarfile.open(archive) as tar:
            member = tar.extractfile(f"package/{origin.file}")
            if member is None:
                raise SystemExit(f"{name} has no {origin.file}")
            return member.read()


def cut(node: Json, *, named: bool = False) -> Json:
    """`node` without what only people read, extensions (`x-…`), headers, and bodies that are no JSON."""
    if isinstance(node, dict):
        return {
            key: cut(
                _json_only(value) if key == "content" and not named else value,
                named=key in NAMED and not named,
            )
            for key, value in node.items()
            if named or not (key in LEFT_OUT or key.startswith("x-"))
        }
    if isinstance(node, list):
        return [cut(value) for value in node]
    return node


def closure(document: Json, roots: Json) -> dict[str, dict[str, Json]]:
    """The components that `roots` refer to, directly or not, as kind → name → component."""
    found: dict[str, dict[str, Json]] = {}
    waiting = set(_references(roots))
    while waiting:
        _, kind, name = waiting.pop().removeprefix("#/").split("/")
        if name in found.get(kind, {}):
            continue
        component = document["components"][kind][name]
        found.setdefault(kind, {})[name] = component
        waiting |= set(_references(component))
    return {kind: dict(sorted(components.items())) for kind, components in sorted(found.items())}


def write(path: Path, origin: Origin, section: str, items: Json, components: Mapping[str, Json]) -> None:
    """Compact JSON with one line for each item and component, so that a new version can be read as a diff."""
    kinds = ",\n".join(f"{json.dumps(kind)}:{_by_line(named)}" for kind, named in components.items())
    path.write_text(
        f'{{"origin":{json.dumps(vars(origin))},\n{json.dumps(section)}:{_by_line(items)},\n"components":{{\n{kinds}\n}}}}\n'
    )


def _by_line(items: Mapping[str, Json]) -> str:
    lines = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in items.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _json_only(content: Mapping[str, Json]) -> Json:
    return {kind: value for kind, value in content.items() if kind == "application/json"}


def _references(node: Json) -> Iterator[str]:
    children: Iterable[Json] = ()
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        children = node.values()
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from _references(child)


if __name__ == "__main__":
    main()
