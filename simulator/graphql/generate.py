"""Writes `schema.graphql` again: `python -m simulator.graphql.generate`.

It is a subset of GitHub's schema as npm packages it: the types and fields that the simulator speaks, with everything
they refer to, without prose. What is left is GitHub's own wording, unchanged. Needs `npm` and its registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    Node,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    parse,
    print_ast,
    specified_scalar_types,
)

from simulator.openapi.generate import Origin, read

N = TypeVar("N", bound=Node)
ORIGIN = Origin("@octokit/graphql-schema", "15.26.1", "schema.graphql", "MIT")
SCHEMA = Path(__file__).with_name("schema.graphql")
FIELDS: Mapping[str, Sequence[str]] = {
    "Query": ("repository",),
    "Mutation": ("minimizeComment",),
    "Repository": ("nameWithOwner", "object"),
    "GitObject": ("oid",),
    "Commit": ("oid", "blame", "associatedPullRequests"),
    "Blame": ("ranges",),
    "BlameRange": ("startingLine", "endingLine", "commit"),
    "PullRequestConnection": ("nodes",),
    "PullRequest": ("number", "title", "repository"),
    "MinimizeCommentPayload": ("clientMutationId", "minimizedComment"),
    "Minimizable": ("isMinimized", "minimizedReason"),
    "IssueComment": ("isMinimized", "minimizedReason"),
}
"""The fields that are kept of object and interface types. Types of other kinds are kept whole, where one refers to
them."""


def main() -> None:
    """Fetch the package and write the subset."""
    SCHEMA.write_text(written(cut(parse(read(ORIGIN).decode(), no_location=True)), ORIGIN))


def cut(document: DocumentNode) -> DocumentNode:
    """The part of a schema that `FIELDS` names, in its order. Raises `SystemExit` where some of that is not there."""
    by_name = {node.name.value: node for node in document.definitions if isinstance(node, TypeDefinitionNode)}
    kept = {name: _bare(_named(by_name, name)) for name in FIELDS}
    waiting = [name for node in kept.values() for name in _references(node)]
    while waiting:
        name = waiting.pop()
        if name in kept or name in specified_scalar_types:
            continue
        if isinstance(_named(by_name, name), ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            raise SystemExit(f"{name} is referred to: say in FIELDS which of its fields are kept")
        kept[name] = _bare(by_name[name])
        waiting += _references(kept[name])
    return DocumentNode(definitions=tuple(kept[name] for name in by_name if name in kept))


def written(document: DocumentNode, origin: Origin) -> str:
    """A schema as text, with its origin in the first line."""
    return f"# {origin.file} of {origin.package} {origin.version} ({origin.license}), cut\n\n{print_ast(document)}\n"


def _named(by_name: Mapping[str, TypeDefinitionNode], name: str) -> TypeDefinitionNode:
    if name not in by_name:
        raise SystemExit(f"{ORIGIN.package} {ORIGIN.version} has no type {name}")
    missing = set(FIELDS.get(name, ())) - {field.name.value for field in getattr(by_name[name], "fields", None) or ()}
    if missing:
        raise SystemExit(f"{name} has no {', '.join(sorted(missing))}")
    return by_name[name]


def _bare(node: TypeDefinitionNode) -> TypeDefinitionNode:
    """A definition without prose, directives, and the fields and interfaces that are not kept."""
    bare = _without_prose(node)
    if not isinstance(bare, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        return bare
    return replace(
        bare,
        fields=tuple(field for field in bare.fields or () if field.name.value in FIELDS[bare.name.value]),
        interfaces=tuple(interface for interface in bare.interfaces or () if interface.name.value in FIELDS),
    )


def _without_prose(node: N) -> N:
    def cut_down(value: Any) -> Any:
        if isinstance(value, Node):
            return _without_prose(value)
        return tuple(_without_prose(one) for one in value) if isinstance(value, tuple | list) else value

    kept = {key: cut_down(getattr(node, key)) for key in node.keys if key not in {"description", "directives", "loc"}}
    return type(node)(**kept)


def _references(node: Node) -> Iterator[str]:
    """The names of the types that a definition refers to."""
    if isinstance(node, NamedTypeNode):
        yield node.name.value
    for key in node.keys:
        value = getattr(node, key)
        for child in value if isinstance(value, tuple | list) else (value,):
            if isinstance(child, Node):
                yield from _references(child)


if __name__ == "__main__":
    main()
