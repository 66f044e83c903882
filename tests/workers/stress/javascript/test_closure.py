from __future__ import annotations

from pathlib import Path

import pytest

from tests.workers.stress.javascript.conftest import Link
from workers.stress.javascript.closure import resolve
from workers.stress.javascript.sources import CROSS_TREE
from workers.stress.subjects import SubjectError

MAIN = "int a(void); int main(void) { return a(); }"


def chain(link: Link, where: str = "tree/lib") -> Path:
    """An executable that needs liba, which needs libb."""
    b = link(f"{where}/libb.so.1", "int b(void) { return 2; }")
    a = link(f"{where}/liba.so.1", "int b(void); int a(void) { return b(); }", libraries=[b])
    return link("tree/bin/main", MAIN, libraries=[a])


def test_all_that_is_needed_is_found_beside_the_binary_and_in_the_libc(link: Link, tmp_path: Path) -> None:
    closure = resolve(chain(link), [tmp_path / "tree", CROSS_TREE])
    assert closure.lacks == ()
    assert closure.loader == "ld-linux-aarch64.so.1"
    assert closure.libraries["libb.so.1"] == tmp_path / "tree/lib/libb.so.1"
    assert set(closure.libraries) >= {"liba.so.1", "libb.so.1", "libc.so.6", "ld-linux-aarch64.so.1"}


def test_what_glibc_loads_to_end_a_thread_is_there(link: Link, tmp_path: Path) -> None:
    assert "libgcc_s.so.1" in resolve(chain(link), [tmp_path / "tree", CROSS_TREE]).libraries


def test_what_lacks_is_named_with_who_asks(link: Link, tmp_path: Path) -> None:
    binary = chain(link)
    (tmp_path / "tree/lib/libb.so.1").unlink()
    lacks = {str(lack) for lack in resolve(binary, [tmp_path / "tree"]).lacks}
    assert lacks == {"ld-linux-aarch64.so.1 (for main)", "libc.so.6 (for main)", "libb.so.1 (for liba.so.1)"}


def test_a_library_that_is_too_old_lacks(link: Link, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("V1 { one; };")
    new.write_text("V1 { one; }; V2 { a; } V1;")
    source = "int one(void) { return 1; } int a(void) { return 2; }"
    library = link("elsewhere/libv.so.1", source, f"-Wl,--version-script={new}")
    binary = link("tree/bin/main", MAIN, libraries=[library])
    link("tree/lib/libv.so.1", source, f"-Wl,--version-script={old}")
    lacks = resolve(binary, [tmp_path / "tree", CROSS_TREE]).lacks
    assert [str(lack) for lack in lacks] == ["libv.so.1 with V2 (for main)"]


def test_run_paths_are_followed_within_the_tree(link: Link, tmp_path: Path) -> None:
    a = link("tree/private/liba.so.1", "int a(void) { return 1; }")
    binary = link("tree/bin/main", MAIN, "-Wl,-rpath,$ORIGIN/../private", libraries=[a])
    assert resolve(binary, [tmp_path / "tree", CROSS_TREE]).libraries["liba.so.1"] == a


@pytest.mark.parametrize("path", ["{outside}", "$ORIGIN/../../outside"])
def test_a_run_path_that_leads_out_of_the_tree_leads_nowhere(link: Link, tmp_path: Path, path: str) -> None:
    a = link("outside/liba.so.1", "int a(void) { return 1; }")
    run_path = path.format(outside=a.parent)
    binary = link("tree/bin/main", MAIN, f"-Wl,-rpath,{run_path}", libraries=[a])
    assert "liba.so.1" not in resolve(binary, [tmp_path / "tree", CROSS_TREE]).libraries


def test_a_link_that_leads_out_of_the_tree_leads_nowhere(link: Link, tmp_path: Path) -> None:
    a = link("outside/liba.so.1", "int a(void) { return 1; }")
    binary = link("tree/bin/main", MAIN, libraries=[a])
    (tmp_path / "tree/lib").mkdir()
    (tmp_path / "tree/lib/liba.so.1").symlink_to(a)
    assert "liba.so.1" not in resolve(binary, [tmp_path / "tree", CROSS_TREE]).libraries


def test_no_host_file_is_taken_for_a_library(link: Link, tmp_path: Path) -> None:
    a = link("elsewhere/liba.so.1", "int a(void) { return 1; }", "-Wl,-soname,../../secret")
    (tmp_path / "secret").write_text("secret")
    binary = link("tree/bin/main", MAIN, libraries=[a])
    with pytest.raises(SubjectError, match=r"needs the library '\.\./\.\./secret'; expected a bare name"):
        resolve(binary, [tmp_path / "tree"])


def test_libraries_that_need_each_other_are_each_taken_once(link: Link, tmp_path: Path) -> None:
    b = link("tree/lib/libb.so.1", "int a(void); int b(void) { return a(); }")
    a = link("tree/lib/liba.so.1", "int b(void); int a(void) { return b(); }", libraries=[b])
    link("tree/lib/libb.so.1", "int a(void); int b(void) { return a(); }", libraries=[a])
    binary = link("tree/bin/main", MAIN, libraries=[a])
    assert {"liba.so.1", "libb.so.1"} <= set(resolve(binary, [tmp_path / "tree", CROSS_TREE]).libraries)
