"""Which literals can be turned, and files in which they are."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from checker.evaluation import Definition, Evaluation, evaluate
from checker.knobs import MOST, Knob, Turn, blob_id, edited, knobs, turned
from checker.profile import Profile
from checker.tree import MAX_BLOB_BYTES
from tests.checker.tiny import tiny_profile, tiny_tree

PROFILE = tiny_profile()


def in_macro(text: str, name: str = "SIZE", profile: Profile = PROFILE) -> list[Knob]:
    """The knobs of one macro whose definition is the whole file."""
    definition = Definition("a.h", 1, text.count("\n") + 1)
    return knobs([name], Evaluation({}, frozenset(), {}, {name: definition}), {"a.h": text.encode()}, profile)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#define SIZE 16384", [(13, 16384, False)]),
        ("#define SIZE 0x4000u", [(13, 16384, False)]),
        ("#  define SIZE (16 * 1024)", [(16, 16, False), (21, 1024, False)]),
        ("#define SIZE ((size_t)1 << 14)", [(27, 14, True)]),
        ("#define SIZE (1 << (14))", [(20, 14, True)]),
        ("#define SIZE (1 << SIZE_SHIFT)", []),
        ("#define SIZE8 (x12 + y_3)", []),
        ("#define SIZE /* 64 */ 128 // 256", [(22, 128, False)]),
        ("#define SIZE '8'", []),
        ("#define SIZE 0", []),
        ("#define SIZE 1", []),
        ("#define SIZE 1.5", []),
        ("#define SIZE 0400", [(13, 256, False)]),
        ("#define SIZE 089", []),
        ("constexpr size_t SIZE = 64 * KB;", [(24, 64, False)]),
        ("constexpr int A = 16; constexpr int SIZE = 32; constexpr int C = 48;", [(43, 32, False)]),
        ("constexpr size_t SIZE =\n#if VERSION >= 14\n 64;\n#endif", [(1, 64, False)]),
        ("#define SIZE 1'048'576 / 1400", [(25, 1400, False)]),
        ("#define SIZE 14 /* was 16", [(13, 14, False)]),
        ("#define SIZE " + "9" * 5000 + " + 0b" + "1" * 20_000 + " + 7", []),
        ("#define SIZE 18446744073709551616 + 3", [(36, 3, False)]),
    ],
)
def test_literals(text: str, found: list[tuple[int, int, bool]]) -> None:
    assert [(knob.column, knob.value, knob.shift) for knob in in_macro(text)] == found


def test_what_is_fixed_is_no_knob() -> None:
    fixed = PROFILE.model_copy(update={"fixed": ("SIZE",)})
    assert in_macro("#define SIZE 16384", profile=fixed) == []


def test_a_definition_of_any_number_of_literals_is_cut() -> None:
    assert len(in_macro("#define SIZE " + " + ".join(["2"] * 100_000))) == MOST


def test_what_counts_bits_is_told_by_its_name_or_the_profile() -> None:
    assert in_macro("#define PAGE_SHIFT 1", "PAGE_SHIFT")[0].shift
    assert in_macro("#define LG_PAGE 12", "LG_PAGE")[0].shift
    assert in_macro("#define TINY_PAGE_SHIFT 12", "TINY_PAGE_SHIFT")[0].shift
    assert not in_macro("#define PAGE 12", "PAGE")[0].shift


def test_a_definition_of_several_lines() -> None:
    knob = in_macro("#define SIZE \\\n  (4096 /* of\n */ \\\n   * 4)")
    assert [(each.line, each.column, each.value) for each in knob] == [(2, 3, 4096), (4, 5, 4)]


def test_everything_that_a_name_is_made_of_is_searched() -> None:
    tree = tiny_tree()
    evaluation = evaluate(tree, PROFILE, PROFILE.targets["large"])
    content = {
        "src/tiny.h": tree.read([tree.entries["src/tiny.h"].oid], MAX_BLOB_BYTES)[tree.entries["src/tiny.h"].oid].data
        or b""
    }
    found = knobs(["TINY_PAGE"], evaluation, content, PROFILE)
    assert [(knob.name, knob.line, knob.value, knob.shift) for knob in found] == [("TINY_PAGE_SHIFT", 5, 14, True)]
    on_small = evaluate(tree, PROFILE, PROFILE.targets["small"])
    assert [knob.line for knob in knobs(["TINY_PAGE"], on_small, content, PROFILE)] == [7]


def knob(line: int, column: int, text: str) -> Knob:
    return Knob("X", "src/tiny.h", line, column, text, 0, shift=False)


def test_nothing_but_the_literal_changes() -> None:
    content = b"a 1u\r\nb \xff 0x10UL 7\rc 3"
    turns = [
        Turn(knob(1, 2, "1u"), 9),
        Turn(knob(2, 4, "0x10UL"), 32),
        Turn(knob(2, 11, "7"), 1000),
        Turn(knob(3, 2, "3"), 4),
    ]
    assert turned(content, turns) == b"a 9u\r\nb \xff 0x20UL 1000\rc 4"


def test_an_edited_tree_has_git_s_ids(tmp_path: Path) -> None:
    """So that its evaluation is found again when somebody commits the edit."""
    content = b"#define X 2\n"
    (tmp_path / "x.h").write_bytes(content)
    git = subprocess.run(["git", "hash-object", tmp_path / "x.h"], check=True, capture_output=True, text=True)
    assert blob_id(content) == git.stdout.strip()


def test_a_tree_keeps_its_other_files() -> None:
    tree = tiny_tree()
    other = edited(tree, [Turn(Knob("TINY_MAX_OBJECTS", "src/tiny.h", 11, 25, "1024", 1024, shift=False), 2048)])
    oid = other.entries["src/tiny.h"].oid
    data = other.read([oid], MAX_BLOB_BYTES)[oid].data
    assert data is not None
    assert b"#define TINY_MAX_OBJECTS 2048\n" in data
    assert tree.entries["src/tiny.h"].oid != oid
    assert edited(tree, []).entries == tree.entries
