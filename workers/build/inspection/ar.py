"""The members of `ar` archives: static libraries and Debian packages. Python's library has no reader for them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import IO

from workers.build.inspection.bounds import DamagedError
from workers.build.inspection.streams import drain, of_length

_MAGIC = b"!<arch>\n"
_HEADER = 60
_LONGEST_TABLE = 64 << 20
"""Bytes of the table of long names."""
_TABLES = {"/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64"}
"""Where linkers look symbols up."""


def ar_members(stream: IO[bytes], count: Callable[[int], None]) -> Iterator[tuple[str, io.BufferedReader]]:
    """Each file's name and content, which is there until the next is asked for. Raises `DamagedError`.

    Long names are read as GNU's tools write them (`/123` in a table called `//`) and as BSD's (`#1/20` before the
    content). Symbol tables are left out.
    """
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise DamagedError("a thin archive: it only names files, which are not in it")
    long_names = b""
    while header := stream.read(_HEADER):
        name, size = _header(header)
        content = of_length(stream, size, count)
        if name == "//":
            if size > _LONGEST_TABLE:
                raise DamagedError("a table of long names that no library has")
            long_names = content.read()
        elif name not in _TABLES:
            yield _full_name(name, long_names, content), content
        drain(content)
        if size % 2:
            stream.read(1)


def _header(header: bytes) -> tuple[str, int]:
    """Name and bytes of a member."""
    size = header[48:58].strip()
    if len(header) < _HEADER or header[58:] != b"`\n" or not size.isdigit():
        raise DamagedError("no header of a member where one is due")
    return _text(header[:16].rstrip(b" ")), int(size)


def _full_name(name: str, long_names: bytes, content: IO[bytes]) -> str:
    if name.startswith("#1/"):
        return _text(content.read(_number(name[3:])).rstrip(b"\0"))
    if name.startswith("/"):
        return _text(long_names[_number(name[1:]) :].partition(b"\n")[0]).removesuffix("/")
    return name.removesuffix("/")


def _number(digits: str) -> int:
    if not digits.isascii() or not digits.isdigit():
        raise DamagedError("a member with a name that is no name")
    return int(digits)


def _text(name: bytes) -> str:
    return name.decode(errors="surrogateescape")
