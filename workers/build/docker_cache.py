"""Layers of docker builds, kept for each repository on the disk of the client.

BuildKit adds to a folder of layers and never takes one away. So each build writes a fresh folder, which takes the place
of the one before. Two builds do not use the same folder at one time: a host builds one preview at a time.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from workers.build.disk import remove, used

MOST_BYTES = 10 << 30
"""Of a repository's layers; more are not kept."""
KEPT_FOR = 14 * 86400.0
"""Seconds for which layers are kept that nobody uses."""


class LayerCache:
    """The layers of one repository below `directory`."""

    def __init__(self, directory: Path, repository: str) -> None:
        self._all = directory
        self._folder = directory / hashlib.sha256(repository.encode()).hexdigest()[:32]
        self.fresh = self._folder / "fresh"

    @property
    def layers(self) -> Path | None:
        """Those of the build before, `None` where there are none."""
        kept = self._folder / "layers"
        return kept if (kept / "index.json").is_file() else None

    def begin(self) -> None:
        """Makes ready for a build, and removes what no repository has used for long."""
        self._folder.mkdir(parents=True, exist_ok=True)
        remove(self.fresh)
        self._folder.touch()
        oldest = time.time() - KEPT_FOR
        for folder in self._all.iterdir():
            with suppress(FileNotFoundError):
                if folder.stat().st_mtime < oldest:
                    remove(folder)

    def keep(self) -> None:
        """What the build has written takes the place of what was there."""
        kept = self._folder / "layers"
        if self.fresh.is_dir() and used(self.fresh) <= MOST_BYTES:
            remove(kept)
            self.fresh.rename(kept)
        else:
            remove(self.fresh)
