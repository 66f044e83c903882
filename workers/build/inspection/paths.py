"""Where the members of an archive come to lie, followed through its own links: pure, nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from workers.build.inspection.bounds import EscapesError

_MOST_STEPS = 250
"""Parts of one path, with those of the links on its way. More go in circles, or deeper than tools can follow."""
_WINDOWS = re.compile(r"\\|^[A-Za-z]:")


class Layout:
    """The members of one archive, as they come. Where one leads out, `EscapesError` is raised and nothing is noted.

    `zipped`: names are as in a zip, where a backslash or a drive letter leads elsewhere on some systems. `rooted`:
    absolute links count from the archive's root, as in a Debian package.
    """

    def __init__(self, *, zipped: bool = False, rooted: bool = False) -> None:
        self._zipped = zipped
        self._rooted = rooted
        self._links: dict[tuple[str, ...], str] = {}

    def place(self, name: str) -> PurePosixPath:
        """Where a file or directory called `name` lies. It takes the place of a link of that name."""
        parts = self._parts(name)
        self._links.pop(parts, None)
        return PurePosixPath(*parts)

    def link(self, name: str, target: str) -> PurePosixPath:
        """Where a symbolic link `name` to `target` lies."""
        parts = self._parts(name)
        if not parts or "\0" in target:
            raise EscapesError(name)
        self._links.pop(parts, None)
        self._followed(parts[:-1], target, last=True)
        self._links[parts] = target
        return PurePosixPath(*parts)

    def hard_link(self, name: str, target: str) -> tuple[PurePosixPath, PurePosixPath]:
        """Where a hard link lies, and where the member that it is another name of."""
        return self.place(name), PurePosixPath(*self._parts(target))

    def links(self) -> Iterator[tuple[PurePosixPath, str]]:
        """All links, each with its target, as a path from where it lies. Raises where later links led one out."""
        for parts, target in self._links.items():
            end = self._followed(parts[:-1], target, last=True)
            from_root = "/".join((*[".."] * (len(parts) - 1), *end)) or "."
            yield PurePosixPath(*parts), from_root if target.startswith("/") else target

    def led_out(self) -> Iterator[str]:
        """Links that stayed inside when they came, and no more since later ones came."""
        for parts, target in self._links.items():
            try:
                self._followed(parts[:-1], target, last=True)
            except EscapesError:
                yield "/".join(parts)

    def _parts(self, name: str) -> tuple[str, ...]:
        if name.startswith("/") or "\0" in name or (self._zipped and _WINDOWS.search(name)):
            raise EscapesError(name)
        return self._followed((), name, last=False)

    def _followed(self, base: Sequence[str], path: str, *, last: bool) -> tuple[str, ...]:
        """Where `path` leads from `base`; `last`: a link at its end is followed, too."""
        if path.startswith("/"):
            base = self._root(path)
        where, ahead = list(base), path.split("/")[::-1]
        for _ in range(_MOST_STEPS):
            if not ahead:
                return tuple(where)
            part = ahead.pop()
            if part == "..":
                if not where:
                    raise EscapesError(path)
                where.pop()
            elif part not in {"", "."}:
                where.append(part)
                target = self._links.get(tuple(where)) if ahead or last else None
                if target is not None:
                    where = self._root(target) if target.startswith("/") else where[:-1]
                    ahead += target.split("/")[::-1]
        raise EscapesError(path)

    def _root(self, path: str) -> list[str]:
        if not self._rooted:
            raise EscapesError(path)
        return []
