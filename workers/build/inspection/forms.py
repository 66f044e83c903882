"""What a file is, told by how it begins: names say nothing."""

from __future__ import annotations

import re
import tarfile
from contextlib import suppress
from enum import Enum

HEAD = tarfile.BLOCKSIZE
"""Bytes that tell it."""


class Form(Enum):
    """Forms of files that are opened or looked at."""

    ELF = "elf"
    ZIP = "zip"
    TAR = "tar"
    LIBRARY = "library"
    """An `ar` archive of objects."""
    DEBIAN = "debian"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    UNREAD = "unread"
    """Packed in a way that is not read here."""


PACKED = frozenset({Form.GZIP, Form.BZIP2, Form.XZ})
"""A single file, or a tarball, packed."""
ARCHIVES = PACKED | {Form.ZIP, Form.TAR, Form.DEBIAN}
"""What is unpacked when what was built is handed on."""

_BEGINNINGS = (
    (rb"\x7fELF", Form.ELF),
    (rb"PK\x03\x04|PK\x05\x06", Form.ZIP),
    (rb"!<arch>\ndebian-binary", Form.DEBIAN),
    (rb"!<arch>\n|!<thin>\n", Form.LIBRARY),
    (rb"\x1f\x8b\x08[\0-\x1f]", Form.GZIP),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", Form.BZIP2),
    (rb"\xfd7zXZ\0", Form.XZ),
    # zstd, LZ4, 7-Zip and RAR, RPM and cpio.
    (rb"\x28\xb5\x2f\xfd|\x04\x22\x4d\x18|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", Form.UNREAD),
    (rb"\xed\xab\xee\xdb|0707(01|02|07)", Form.UNREAD),
)


def form_of(head: bytes) -> Form | None:
    """The form of a file whose first `HEAD` bytes, or all, are `head`; `None` for what is not looked at."""
    for beginning, form in _BEGINNINGS:
        if re.match(beginning, head):
            return form
    return Form.TAR if _begins_tar(head) else None


def _begins_tar(head: bytes) -> bool:
    with suppress(tarfile.TarError, ValueError):
        tarfile.TarInfo.frombuf(head[:HEAD], "utf-8", "surrogateescape")
        return True
    return False
