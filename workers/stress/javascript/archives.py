"""Archives of strangers, opened so that nothing is written beside the directory that was named."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from workers.stress.subjects import SubjectError

MOST_BYTES = 2 << 30
MOST_MEMBERS = 50_000


def unpack(
    stream: IO[bytes], name: str, directory: Path, most_bytes: int = MOST_BYTES, most_members: int = MOST_MEMBERS
) -> list[str]:
    """Writes a tarball (plain or packed) below `directory`; the paths of its regular files.

    Files, directories and links within are written, without owners; links to absolute paths and special files are left
    out. Raises `SubjectError`, which names the archive by `name`, for a member that leads out of `directory`, for more
    than `most_bytes` in all or `most_members`, and for what is no tarball.
    """
    written: list[str] = []
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in _bounded(archive, name, most_bytes, most_members):
                if member.isdev() or ((member.issym() or member.islnk()) and member.linkname.startswith("/")):
                    continue
                archive.extract(member, directory, filter="data")
                if member.isreg():
                    written.append(str(Path(member.name)))
    except tarfile.FilterError as error:
        raise SubjectError(f"{name} is no archive to be trusted: {error}.") from error
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise SubjectError(f"{name} cannot be unpacked: {error}.") from error
    return written


def _bounded(archive: tarfile.TarFile, name: str, most_bytes: int, most_members: int) -> Iterator[tarfile.TarInfo]:
    total = 0
    for index, member in enumerate(archive):
        total += member.size
        if index == most_members or total > most_bytes:
            raise SubjectError(f"{name} holds more than {most_members} members or {most_bytes >> 20} MiB.")
        yield member
