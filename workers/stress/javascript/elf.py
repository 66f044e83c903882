"""What of an ELF file decides whether and with what it runs. Files may be hostile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment, DynamicTag
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.segments import InterpSegment

from workers.elf import machine_of
from workers.stress.subjects import SubjectError

MOST_ENTRIES = 4096
"""Entries of one table that are read; a file with more is refused."""

_Entry = TypeVar("_Entry")
_WANTED = "expected an ELF file for aarch64 (64-bit, little-endian)"


@dataclass(frozen=True)
class Elf:
    """One executable or shared library for aarch64.

    `interpreter` is its loader as it names it, "" where it has none; `needed` the libraries it asks for, by name;
    `paths` its run paths, as they stand. `versions`: library → symbol versions wanted of it; `defines`: those it has.
    `defines` is None where the file says nothing of versions.
    """

    path: Path
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    versions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    defines: frozenset[str] | None = None
    executable: bool = False


def read_elf(path: Path) -> Elf:
    """Reads `path`. Raises `SubjectError` naming the file, what was found and what was expected."""
    try:
        with path.open("rb") as stream:
            return _read(path, stream)
    except OSError as error:
        raise SubjectError(f"{path}: {error.strerror}; {_WANTED}.") from error
    except (ELFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, MemoryError) as error:
        # pyelftools trusts offsets, and fails in whatever way a bad one leads to.
        raise SubjectError(f"{path} is a damaged ELF file ({error}); {_WANTED}.") from error


def is_elf(path: Path) -> bool:
    """Whether it starts as ELF files do."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"\x7fELF"
    except OSError:
        return False


def _read(path: Path, stream: BinaryIO) -> Elf:
    if stream.read(4) != b"\x7fELF":
        raise SubjectError(f"{path} is no ELF file; {_WANTED}.")
    file = ELFFile(stream)
    machine = machine_of(file)
    if file.elfclass != 64 or not file.little_endian or machine != "aarch64":
        order = "little" if file.little_endian else "big"
        raise SubjectError(f"{path} is a {file.elfclass}-bit {order}-endian ELF file for {machine}; {_WANTED}.")
    if file["e_type"] not in {"ET_EXEC", "ET_DYN"}:
        raise SubjectError(f"{path} is an ELF file of type {file['e_type']}; expected an executable or a library.")
    segments = list(_bounded(path, file.iter_segments()))
    interpreter = next((each.get_interp_name() for each in segments if isinstance(each, InterpSegment)), "")
    dynamic = next((each for each in segments if isinstance(each, DynamicSegment)), None)
    tags = [] if dynamic is None else list(_bounded(path, dynamic.iter_tags()))
    run_paths = [*_texts(tags, "DT_RUNPATH"), *_texts(tags, "DT_RPATH")]
    return Elf(
        path,
        interpreter,
        tuple(_texts(tags, "DT_NEEDED")),
        tuple(path for paths in run_paths for path in paths.split(":")),
        _wanted_versions(path, file),
        _defined_versions(path, file),
        executable=file["e_type"] == "ET_EXEC" or bool(interpreter),
    )


def _texts(tags: Iterable[DynamicTag], kind: str) -> Iterator[str]:
    """The texts of all tags of one kind: pyelftools keeps each as an attribute called `needed` for DT_NEEDED."""
    for tag in tags:
        if tag.entry.d_tag == kind:
            yield str(getattr(tag, kind.removeprefix("DT_").lower()))


def _wanted_versions(path: Path, file: ELFFile) -> Mapping[str, frozenset[str]]:
    section = file.get_section_by_name(".gnu.version_r")
    if not isinstance(section, GNUVerNeedSection):
        return {}
    return {
        str(need.name): frozenset(version.name for version in _bounded(path, versions))
        for need, versions in _bounded(path, section.iter_versions())
    }


def _defined_versions(path: Path, file: ELFFile) -> frozenset[str] | None:
    section = file.get_section_by_name(".gnu.version_d")
    if not isinstance(section, GNUVerDefSection):
        return None
    return frozenset(next(names).name for _definition, names in _bounded(path, section.iter_versions()))


def _bounded(path: Path, entries: Iterator[_Entry]) -> Iterator[_Entry]:
    for index, entry in enumerate(entries):
        if index == MOST_ENTRIES:
            raise SubjectError(f"{path} has a table of more than {MOST_ENTRIES} entries; {_WANTED}.")
        yield entry
