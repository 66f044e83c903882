"""Bytes that are kept on disk: assets of releases, artifacts of workflow runs and logs. They may be large."""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PIECE = 1024 * 1024


@dataclass(frozen=True)
class Stored:
    """Bytes in a file of their own; `size` in bytes, `sha256` in hexadecimal."""

    path: Path
    size: int
    sha256: str

    @property
    def digest(self) -> str:
        """The checksum as GitHub writes it."""
        return f"sha256:{self.sha256}"

    def discard(self) -> None:
        """Remove the file. Who reads it at the moment reads on."""
        self.path.unlink(missing_ok=True)


class Files:
    """A directory of files that nobody names."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, content: bytes | Path) -> Stored:
        """Keep these bytes, or a copy of that file."""
        if isinstance(content, bytes):
            return self.keep(io.BytesIO(content))
        with content.open("rb") as file:
            return self.keep(file)

    def keep(self, stream: IO[bytes]) -> Stored:
        """Keep what a stream holds, piece by piece. Nothing is left behind where it breaks off."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / uuid.uuid4().hex
        checksum, size = hashlib.sha256(), 0
        try:
            with path.open("wb") as file:
                while piece := stream.read(PIECE):
                    checksum.update(piece)
                    size += file.write(piece)
        except BaseException:
            path.unlink()
            raise
        return Stored(path, size, checksum.hexdigest())
