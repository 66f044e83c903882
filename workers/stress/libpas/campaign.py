"""libpas under stress: a head, its base, and the controls made from the base, built and ready to be run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checker.profile import Profile
from checker.tree import Kind, Tree
from workers.stress.campaign import Campaign, ControlSubject
from workers.stress.libpas.build import Build
from workers.stress.libpas.controls import ControlTree, controls
from workers.stress.libpas.sources import BMALLOC, LIBPAS, MOST_BYTES_OF_A_FILE, Sources, sources, wants
from workers.stress.libpas.subject import LibpasSubject
from workers.stress.lineup import Entrant
from workers.stress.subjects import SubjectError
from workers.stress.verdicts import Role

SHORT_SHA = 12

Built = Callable[[int, int, str], None]
"""Told how many files of how many are compiled, and of which subject. It may raise to stop."""


def unbuilt(_done: int, _of: int, _what: str) -> None:
    """Tells nobody."""


class LibpasFiles:
    """The part of a repository that a build of libpas reads, for git."""

    tree_roots = (LIBPAS, BMALLOC)

    def reads(self, path: str) -> bool:
        """Whether the file is built from."""
        return wants(path)

    def watches(self, _path: str) -> bool:
        """Nothing is of interest but what is built from."""
        return False


def has_libpas(tree: Tree) -> bool:
    """Whether there is anything to build."""
    return any(path.startswith(f"{LIBPAS}/") and path.endswith(".c") for path in tree.entries)


@dataclass(frozen=True)
class Revision:
    """libpas of one revision; `name` is what people call it."""

    name: str
    tree: Sources


def revision_of(tree: Tree, name: str | None = None) -> Revision:
    """libpas as a git tree has it. Raises `SubjectError` where there is none, or too much, `GitError`."""
    files = {path: entry for path, entry in tree.entries.items() if entry.kind is Kind.FILE and wants(path)}
    blobs = tree.read([entry.oid for entry in files.values()], MOST_BYTES_OF_A_FILE)
    found: dict[str, bytes] = {}
    for path, entry in files.items():
        content = blobs[entry.oid].data
        if content is None:
            size, most = blobs[entry.oid].size, MOST_BYTES_OF_A_FILE
            raise SubjectError(f"{path} has {size} bytes; at most {most} are built", own=True)
        found[path] = content
    return Revision(name or tree.sha[:SHORT_SHA], sources(found))


@dataclass(frozen=True)
class Wanted:
    """What is to be stressed: `page_sizes` in bytes; `phases` of head and base, all when None."""

    head: Revision
    base: Revision | None
    page_sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    phases: tuple[str, ...] | None = None


def libpas_campaign(wanted: Wanted, profile: Profile, build: Build, built: Built = unbuilt) -> Campaign:
    """Builds what is missing in the cache. Without a base the controls are made from the head.

    Raises `SubjectError` (with `own`: the head does not compile), `SandboxError`, and what `built` raises.
    """
    if profile.stress is None:
        raise SubjectError(f"the profile {profile.name} says nothing of a stress, so there is no control for one")
    base = wanted.base or wanted.head
    head = _subject(f"libpas {wanted.head.name}", wanted.head.tree, profile, build, built)
    trees = controls(base.tree, profile.stress)
    if not trees:
        raise SubjectError("no control can be made from the base: it defines none of what the profile would change")
    entrants = [Entrant(head, Role.HEAD, wanted.phases)]
    if wanted.base is not None:
        known = _theirs(f"libpas {base.name}", base.tree, profile, build, built)
        entrants.append(Entrant(known, Role.BASE, wanted.phases))
    return Campaign(tuple(entrants), _controls(trees, wanted.page_sizes, profile, build, built), wanted.seeds)


def _controls(
    trees: Sequence[ControlTree], page_sizes: Sequence[int], profile: Profile, build: Build, built: Built
) -> tuple[ControlSubject, ...]:
    return tuple(
        ControlSubject(_theirs(control.name, control.tree, profile, build, built), control.expectations(page_sizes))
        for control in trees
    )


def _subject(name: str, tree: Sources, profile: Profile, build: Build, built: Built) -> LibpasSubject:
    driver = build.driver(tree, lambda done, of: built(done, of, name))
    return LibpasSubject(name, driver, profile, build.toolchain)


def _theirs(name: str, tree: Sources, profile: Profile, build: Build, built: Built) -> LibpasSubject:
    """A subject that is not the head, so that no fault of it is the head's."""
    try:
        return _subject(name, tree, profile, build, built)
    except SubjectError as error:
        raise SubjectError(f"{name}: {error}") from error
