"""What people, and workflows in their name, do with tags and releases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator import release_resources, releases, tags
from simulator.records import Asset, Call, Release
from simulator.side import SOMEBODY, Side

Json = Any


class Releasing(Side):
    """Tags, releases and their files."""

    @property
    def downloads(self) -> list[Call]:
        """What was downloaded from the addresses that GitHub leads to, oldest first."""
        return list(self._state.downloads)

    def tags(self, full_name: str) -> dict[str, str]:
        """The commit of each tag, by its name."""
        return self._repository(full_name).git.tags()

    def create_tag(self, full_name: str, tag: str, sha: str, by: str = SOMEBODY, *, message: str | None = None) -> None:
        """A person's tag; with a message an annotated one."""
        repository = self._repository(full_name)
        tags.create(self._world, repository, tag, sha, self._state.account(by), message=message)

    def delete_tag(self, full_name: str, tag: str, by: str = SOMEBODY) -> None:
        """Remove a tag. A release of it becomes a draft."""
        tags.remove(self._world, self._repository(full_name), tag, self._state.account(by))

    def create_release(
        self,
        full_name: str,
        tag: str,
        sha: str | None = None,
        author: str = SOMEBODY,
        assets: Mapping[str, bytes | Path] | None = None,
        *,
        name: str | None = None,
        body: str | None = None,
        draft: bool = False,
        prerelease: bool = False,
    ) -> Json:
        """A release by a person, or by a workflow (`github-actions[bot]`), as the REST interface shows it.

        Its tag is made at `sha`, or at the default branch, where it is not there. `assets` are files by name.
        """
        repository, who = self._repository(full_name), self._state.account(author)
        fields = {"tag_name": tag, "target_commitish": sha, "name": name, "body": body}
        made = releases.create(self._world, repository, who, {**fields, "draft": draft, "prerelease": prerelease})
        for file, content in (assets or {}).items():
            releases.attach(self._world, made, file, self._world.files.put(content), who)
        return release_resources.release(self._links, made, repository, self._state)

    def delete_release(self, full_name: str, tag: str) -> None:
        """Remove the release of a tag; the tag stays."""
        releases.remove(self._world, self._release(full_name, tag))

    def releases(self, full_name: str) -> list[Json]:
        """Releases and drafts as the REST interface shows them, the newest first."""
        repository = self._repository(full_name)
        found = self._state.releases_of(repository)
        return [release_resources.release(self._links, one, repository, self._state) for one in found]

    def release_asset(self, full_name: str, tag: str, name: str) -> bytes:
        """The bytes of a file of a release."""
        stored = self._asset(full_name, tag, name).stored
        if stored is None:
            raise LookupError(f"the upload of {name} broke off")
        return stored.path.read_bytes()

    def break_uploads(self, times: int = 1) -> None:
        """Let the next uploads break off: 502, and an asset in state `starter` is left."""
        self._world.switches.broken_uploads += times

    def _release(self, full_name: str, tag: str) -> Release:
        found = self._state.release_of(self._repository(full_name), tag)
        if found is None:
            raise LookupError(f"{full_name} has no release of {tag}")
        return found

    def _asset(self, full_name: str, tag: str, name: str) -> Asset:
        for one in self._state.assets_of(self._release(full_name, tag)):
            if one.name == name:
                return one
        raise LookupError(f"the release of {tag} has no {name}")
