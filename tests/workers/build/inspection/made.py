"""Archives as drivers deliver them, and as strangers make them."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from workers.build.inspection.bounds import Bounds
from workers.build.inspection.examine import examine
from workers.build.result import Fault, Inspection

Content = Mapping[str, bytes | tarfile.TarInfo]


def tarred(content: Content, packed: str = "") -> bytes:
    """A tarball of files (name → content) and of whatever a header says."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode=cast(Literal["w:"], f"w:{packed}")) as tar:
        for name, value in content.items():
            if isinstance(value, tarfile.TarInfo):
                tar.addfile(value)
            else:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(value), 0o644
                tar.addfile(entry, io.BytesIO(value))
    return output.getvalue()


def entry(name: str, kind: bytes, target: str = "", mode: int = 0o755) -> tarfile.TarInfo:
    """A tarball's member without content."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return entry(name, tarfile.LNKTYPE, target)


def tar_of(*entries: tarfile.TarInfo) -> bytes:
    return tarred({str(number): info for number, info in enumerate(entries)})


def zipped(content: Mapping[str, bytes], mode: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of files; `mode` is what each has on Unix, none unless told, as in GitHub's."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", method) as archive:
        for name, value in content.items():
            info = zipfile.ZipInfo(name)
            # The constructor makes a name safe.
            info.filename, info.create_system, info.external_attr = name, 3, mode << 16
            info.compress_type = method
            archive.writestr(info, value)
    return output.getvalue()


def zipped_link(name: str, target: str) -> bytes:
    return zipped({name: target.encode()}, stat.S_IFLNK | 0o777)


def encrypted(archive: bytes) -> bytes:
    """The zip with the flag that says so, in its directory and before each member."""
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = archive.find(signature)
        flags = struct.unpack_from("<H", archive, at + offset)[0] | 1
        archive = archive[: at + offset] + struct.pack("<H", flags) + archive[at + offset + 2 :]
    return archive


def overlapping(archive: bytes) -> bytes:
    """The zip, whose directory lists its first member again and again, ten times."""
    begin = archive.find(b"PK\x01\x02")
    end = archive.find(b"PK\x05\x06")
    directory = archive[begin:end] * 10
    return archive[:begin] + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 10, 10, len(directory), begin, 0)


def looked(artifact: Path | Mapping[str, bytes], scratch: Path, bounds: Bounds = Bounds()) -> Inspection:  # noqa: B008 frozen
    """What the child of the inspection would say of one artifact, or of several by name."""
    if isinstance(artifact, Path):
        return examine([artifact], scratch, bounds)
    files = []
    for name, content in artifact.items():
        scratch.joinpath(name).write_bytes(content)
        files.append(scratch / name)
    return examine(files, scratch, bounds)


def faults(inspection: Inspection) -> list[tuple[str, str, str]]:
    return [(problem.fault, problem.file, problem.found) for problem in inspection.problems]


def kinds(inspection: Inspection) -> set[str]:
    return {Fault(problem.fault).value for problem in inspection.problems}
