from __future__ import annotations

import pytest

from workers.build.result import Binary
from workers.build.sizes import compared


def binary(artifact: str, path: str = "", text: int = 1, kind: str = "executable") -> Binary:
    return Binary(artifact, path, kind, 65536, "", text, 2, 3, 10)


def pairs(head: list[Binary], base: list[Binary]) -> list[tuple[str, str | None, str | None]]:
    def name(side: Binary | None) -> str | None:
        return side.name if side is not None else None

    return [(each.name, name(each.base), name(each.head)) for each in compared(head, base)]


@pytest.mark.parametrize(
    ("head", "base"),
    [
        (("a.zip", "bin/bun"), ("a.zip", "bin/bun")),
        (("bun-1.3.12.zip", "bun-1.3.12/bun"), ("bun-1.3.11.zip", "bun-1.3.11/bun")),
        (("bun-d56ecd41.zip", "bin/bun"), ("bun-0badc0de.zip", "bin/bun")),
        (("preview.tar.gz", "bin/bun"), ("bun-linux-aarch64.zip", "bun-linux-aarch64/bin/bun")),
        (("preview.tar.gz", "bun"), ("bun-linux-aarch64.zip", "bun-linux-aarch64/bin/bun")),
        (("bun", ""), ("a.zip", "bin/bun")),
        (("a.zip", "libpas.so.1.2"), ("a.zip", "libpas.so.1.1")),
    ],
)
def test_the_same_binary_is_found_whatever_it_lies_in(head: tuple[str, str], base: tuple[str, str]) -> None:
    mine, its = binary(*head, text=5), binary(*base, text=4)
    (change,) = compared([mine], [its])
    assert (change.name, change.head, change.base) == (mine.name, mine, its)
    assert change.is_of_both


def test_what_is_new_and_what_is_gone_is_told() -> None:
    head = [binary("a.zip", "new"), binary("a.zip", "same")]
    base = [binary("a.zip", "same"), binary("a.zip", "old")]
    assert pairs(head, base) == [
        ("a.zip: new", None, "a.zip: new"),
        ("a.zip: same", "a.zip: same", "a.zip: same"),
        ("a.zip: old", "a.zip: old", None),
    ]
    assert [change.is_of_both for change in compared(head, base)] == [False, True, False]
    assert compared([], []) == ()


def test_of_two_that_look_alike_none_is_taken_for_the_other() -> None:
    head = [binary("a.zip", "debug/bun"), binary("a.zip", "release/bun")]
    assert pairs(head, [binary("b.zip", "bun")]) == [
        ("a.zip: debug/bun", None, "a.zip: debug/bun"),
        ("a.zip: release/bun", None, "a.zip: release/bun"),
        ("b.zip: bun", "b.zip: bun", None),
    ]


def test_the_longer_end_of_a_path_goes_first() -> None:
    head = [binary("a.zip", "x/debug/bun"), binary("a.zip", "x/release/bun")]
    base = [binary("b.zip", "y/release/bun"), binary("b.zip", "y/debug/bun")]
    assert [(mine, its) for mine, its, _ in pairs(head, base)] == [
        ("a.zip: x/debug/bun", "b.zip: y/debug/bun"),
        ("a.zip: x/release/bun", "b.zip: y/release/bun"),
    ]


def test_a_library_is_not_compared_with_a_program_of_its_name() -> None:
    changes = compared([binary("a.zip", "x/pas")], [binary("b.zip", "y/pas", kind="library")])
    assert [change.is_of_both for change in changes] == [False, False]


def test_the_same_path_is_the_same_binary_even_when_its_kind_changed() -> None:
    (change,) = compared([binary("a.zip", "x")], [binary("a.zip", "x", kind="library")])
    assert change.is_of_both
