"""What of a tree is built, and what is refused."""

from __future__ import annotations

import pytest

from workers.stress.libpas.sources import BMALLOC, LIBPAS, MOST_BYTES_OF_A_FILE, MOST_FILES, digest_of, sources, wants
from workers.stress.subjects import SubjectError

CONFIG = f"{LIBPAS}/pas_internal_config.h"


@pytest.mark.parametrize("path", [f"{LIBPAS}/pas_heap.c", f"{LIBPAS}/inner/x-1.def", f"{BMALLOC}/BPlatform.h", CONFIG])
def test_sources_and_headers_are_wanted(path: str) -> None:
    assert wants(path)


@pytest.mark.parametrize(
    "path",
    [
        "Source/WTF/wtf/PageBlock.h",
        f"{LIBPAS}/../../../../../etc/passwd.h",
        f"{LIBPAS}/.git/x.h",
        f"/{LIBPAS}/x.h",
        f"{LIBPAS}//x.h",
        f"{LIBPAS}/x y.h",
        f"{LIBPAS}/x\n.h",
        f"{LIBPAS}/x.h\n",
        f"{LIBPAS}/$(touch x).c",
        f"{LIBPAS}/ä.h",
        f"{LIBPAS}/CMakeLists.txt",
        f"{BMALLOC}/bmalloc.cpp",
        f"{LIBPAS}/{'x' * 200}.h",
    ],
)
def test_nothing_else_is(path: str) -> None:
    assert not wants(path)


def test_only_what_is_wanted_is_taken() -> None:
    entries = {f"{LIBPAS}/a.c": b"1", "README": b"2", f"{LIBPAS}/../b.c": b"3"}
    assert sources(entries) == {f"{LIBPAS}/a.c": b"1"} == sources(entries.items())


def test_a_tree_without_libpas_is_told_apart() -> None:
    with pytest.raises(SubjectError, match=r"no libpas in this tree") as caught:
        sources({f"{BMALLOC}/a.h": b""})
    assert caught.value.own


def test_a_file_cannot_be_a_directory() -> None:
    with pytest.raises(SubjectError, match=r"x\.c is a file and a directory"):
        sources({f"{LIBPAS}/x.c": b"", f"{LIBPAS}/x.c/y.h": b""})


def test_a_tree_that_is_too_large_is_refused() -> None:
    with pytest.raises(SubjectError, match=r"big\.c has \d+ bytes; at most \d+ are built"):
        sources({f"{LIBPAS}/big.c": bytes(MOST_BYTES_OF_A_FILE + 1)})
    many = ((f"{LIBPAS}/{number}.c", b"") for number in range(MOST_FILES + 1))
    with pytest.raises(SubjectError, match=r"more than the 5000 files"):
        sources(many)
    heavy = ((f"{LIBPAS}/{number}.c", bytes(MOST_BYTES_OF_A_FILE)) for number in range(17))
    with pytest.raises(SubjectError, match=r"more than the"):
        sources(heavy)


def test_equal_trees_have_equal_digests_and_others_not() -> None:
    tree = {"a.h": b"1", "b.h": b"2"}
    assert digest_of(tree) == digest_of(dict(reversed(tree.items())))
    assert digest_of(tree) != digest_of({"a.h": b"1", "b.h": b"3"})
    assert digest_of({"a.h": b"12"}) != digest_of({"a.h": b"1", "b.h": b"2"})
