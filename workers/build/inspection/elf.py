"""What of an ELF file decides whether it can run on arm64 kernels with any page size, and how large it is.

Why the alignment of LOAD segments decides: a loader maps a file by whole pages, so a segment's place in memory and its
place in the file must agree in their offset within a page. The ELF specification (gABI, "Program Header") promises
`p_vaddr` ≡ `p_offset` modulo `p_align`, and no more. So a file linked for pages of 4 KiB (`p_align` 0x1000) cannot be
mapped where pages have 64 KiB: the kernel cannot execute it, and glibc's loader refuses a library ("ELF load command
alignment not page-aligned"). The other way round does no harm: what is aligned to 64 KiB loads everywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO

from elftools.elf.elffile import ELFFile
from elftools.elf.notes import iter_notes

from workers.build.inspection.bounds import DamagedError
from workers.elf import machine_of

# Elf64_Phdr, Elf64_Shdr and Elf64_Dyn. Libraries of objects have hundreds of thousands of sections, for which
# pyelftools takes minutes.
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_DYNAMIC = struct.Struct("<qQ")

_LOAD, _DYNAMIC_SEGMENT, _INTERPRETER, _NOTES = 1, 2, 3, 4
_WRITABLE_SEGMENT = 2
_NULL_SECTION, _NOTE_SECTION, _NO_BITS = 0, 7, 8
_WRITE, _ALLOCATED, _CODE = 1, 2, 4
_SONAME, _FLAGS_1, _PIE = 14, 0x6FFFFFFB, 0x08000000
_KINDS = {"ET_EXEC": "executable", "ET_DYN": "library", "ET_REL": "object"}

_MOST_SEGMENTS = 4096
_MOST_SECTIONS = 1 << 20
_MOST_NOTES = 256
_MOST_DYNAMIC = 1 << 16
_LONGEST_BUILD_ID = 64


@dataclass(frozen=True)
class Elf:
    """One ELF file for aarch64; the fields are those of `workers.build.result.Binary`.

    `alignment` is what its LOAD segments can rely on: `p_align`, or less where `p_vaddr` and `p_offset` belie it.
    """

    kind: str
    alignment: int
    build_id: str
    text: int
    data: int
    bss: int


@dataclass(frozen=True)
class Foreign:
    """An ELF file for something else."""

    machine: str


@dataclass(frozen=True)
class _Segment:
    type: int
    flags: int
    offset: int
    address: int
    in_file: int
    in_memory: int
    alignment: int


@dataclass(frozen=True)
class _Section:
    type: int
    flags: int
    offset: int
    size: int


def read_elf(stream: IO[bytes]) -> Elf | Foreign | None:
    """Reads a file from its beginning; `None` where it is neither program, library nor object, or debug data only.

    Raises whatever damaged files lead to: see `reading`.
    """
    file = ELFFile(stream)
    if file["e_type"] not in _KINDS:
        return None
    machine = _foreign(file)
    if machine is not None:
        return Foreign(machine)
    sections = _sections(file)
    if _holds_debug_data_only(sections):
        return None
    segments = _segments(file)
    loaded = [segment for segment in segments if segment.type == _LOAD]
    kind = _kind(file, segments)
    if kind != "object" and not loaded:
        raise DamagedError("a program or library without LOAD segments")
    sizes = _sizes_of_sections(sections) if sections else _sizes_of_segments(loaded)
    return Elf(kind, min(map(_alignment, loaded), default=0), _build_id(file, segments, sections), *sizes)


def _foreign(file: ELFFile) -> str | None:
    machine = machine_of(file)
    if machine != "aarch64":
        return machine
    if file.elfclass != 64:
        return "32-bit aarch64"
    return None if file.little_endian else "big-endian aarch64"


def _segments(file: ELFFile) -> list[_Segment]:
    count = file["e_phnum"]
    if count > _MOST_SEGMENTS or (count and file["e_phentsize"] != _SEGMENT.size):
        raise DamagedError("a table of segments that no program has")
    table = _piece(file, file["e_phoff"], count * _SEGMENT.size)
    segments = [
        _Segment(kind, flags, offset, address, in_file, in_memory, alignment)
        for kind, flags, offset, address, _, in_file, in_memory, alignment in _SEGMENT.iter_unpack(table)
    ]
    if any(segment.offset + segment.in_file > file.stream_len for segment in segments if segment.type == _LOAD):
        raise DamagedError("a segment that goes beyond the file's end")
    return segments


def _sections(file: ELFFile) -> list[_Section]:
    """None where they were stripped."""
    if not file["e_shoff"]:
        return []
    if file["e_shentsize"] != _SECTION.size:
        raise DamagedError("a table of sections that no file has")
    # With 65280 sections and more, the first one has their number (gABI, "ELF Header").
    count = file["e_shnum"] or _SECTION.unpack(_piece(file, file["e_shoff"], _SECTION.size))[5]
    if count > _MOST_SECTIONS:
        raise DamagedError("a table of sections that no file has")
    table = _piece(file, file["e_shoff"], count * _SECTION.size)
    sections = [
        _Section(kind, flags, offset, size) for _, kind, flags, _, offset, size, *_ in _SECTION.iter_unpack(table)
    ]
    return [section for section in sections if section.type != _NULL_SECTION]


def _piece(file: ELFFile, offset: int, size: int) -> bytes:
    if offset + size > file.stream_len:
        raise DamagedError("a table that goes beyond the file's end")
    file.stream.seek(offset)
    return bytes(file.stream.read(size))


def _holds_debug_data_only(sections: Sequence[_Section]) -> bool:
    """As `objcopy --only-keep-debug` leaves a file: what would be loaded is empty, but for notes. It loads nowhere."""
    loaded = [section.type for section in sections if section.flags & _ALLOCATED]
    return _NO_BITS in loaded and set(loaded) <= {_NO_BITS, _NOTE_SECTION}


def _kind(file: ELFFile, segments: Sequence[_Segment]) -> str:
    """Position-independent programs are libraries to the header. They have a flag; old ones have a loader and no name
    that others would load them by, while libraries that can be run, as libc.so.6, have both."""
    kind = _KINDS[file["e_type"]]
    if kind != "library":
        return kind
    tags = dict(_dynamic(file, segments))
    has_loader = any(segment.type == _INTERPRETER for segment in segments)
    is_program = bool(tags.get(_FLAGS_1, 0) & _PIE) or (has_loader and _SONAME not in tags)
    return "executable" if is_program else kind


def _dynamic(file: ELFFile, segments: Sequence[_Segment]) -> list[tuple[int, int]]:
    """Tags and values, to the end of the table."""
    found = next((segment for segment in segments if segment.type == _DYNAMIC_SEGMENT), None)
    if found is None:
        return []
    size = min(found.in_file, _MOST_DYNAMIC * _DYNAMIC.size)
    entries = list(_DYNAMIC.iter_unpack(_piece(file, found.offset, size - size % _DYNAMIC.size)))
    tags = [tag for tag, _ in entries]
    return entries[: tags.index(0)] if 0 in tags else entries


def _alignment(segment: _Segment) -> int:
    """The largest power of two that divides both `p_align` and `p_vaddr` - `p_offset`."""
    both = max(1, segment.alignment) | (segment.address - segment.offset)
    return both & -both


def _sizes_of_sections(sections: Sequence[_Section]) -> tuple[int, int, int]:
    """Text, data and bss in bytes, as binutils' `size` counts in its Berkeley format: read-only data is text."""
    text = data = bss = 0
    for section in sections:
        if not section.flags & _ALLOCATED:
            continue
        if section.flags & _CODE or not section.flags & _WRITE:
            text += section.size
        elif section.type == _NO_BITS:
            bss += section.size
        else:
            data += section.size
    return text, data, bss


def _sizes_of_segments(loaded: Sequence[_Segment]) -> tuple[int, int, int]:
    writable = [segment for segment in loaded if segment.flags & _WRITABLE_SEGMENT]
    data = sum(segment.in_file for segment in writable)
    return (
        sum(segment.in_memory for segment in loaded) - sum(segment.in_memory for segment in writable),
        data,
        max(0, sum(segment.in_memory for segment in writable) - data),
    )


def _build_id(file: ELFFile, segments: Sequence[_Segment], sections: Sequence[_Section]) -> str:
    """In hexadecimal, "" where it has none."""
    places = [(segment.offset, segment.in_file) for segment in segments if segment.type == _NOTES]
    places = places or [(section.offset, section.size) for section in sections if section.type == _NOTE_SECTION]
    for offset, size in places[:_MOST_NOTES]:
        if offset + size > file.stream_len:
            raise DamagedError("notes that go beyond the file's end")
        for note in islice(iter_notes(file, offset, size), _MOST_NOTES):
            if note["n_type"] == "NT_GNU_BUILD_ID" and note["n_name"] == "GNU":
                return str(note["n_desc"])[: 2 * _LONGEST_BUILD_ID]
    return ""
