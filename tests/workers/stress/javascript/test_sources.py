from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workers.stress.javascript.conftest import Link
from workers.stress.javascript.sources import prepare, prepare_tree
from workers.stress.javascript.subject import JavaScriptSubject, Kind
from workers.stress.subjects import SubjectError

MAIN = "int main(void) { return 0; }"


@pytest.mark.parametrize("where", ["opt/bin/jsc", "opt/usr/bin/jsc", "opt/jsc"])
def test_a_path_is_a_subject_with_the_libc_of_the_cross_compiler(link: Link, where: str) -> None:
    subject = prepare(str(link(where, MAIN)))
    assert subject.kind is Kind.JSC
    assert subject.name.startswith("jsc ")
    assert len(subject.name) == len("jsc ") + 8
    assert {"libc.so.6", "ld-linux-aarch64.so.1"} <= set(subject.closure.libraries)


def test_the_name_of_a_path_follows_its_content(link: Link) -> None:
    first = prepare(str(link("bin/jsc", MAIN)))
    assert prepare(str(link("bin/jsc", MAIN))) == first
    assert prepare(str(link("bin/jsc", "int main(void) { return 1; }"))).name != first.name


def test_libraries_are_found_beside_the_binary_and_in_a_sysroot(link: Link, tmp_path: Path) -> None:
    beside = link("opt/lib/liba.so.1", "int a(void) { return 1; }")
    apart = link("root/usr/lib/libb.so.1", "int b(void) { return 1; }")
    binary = link(
        "opt/bin/engine", "int a(void), b(void); int main(void) { return a() + b(); }", libraries=[beside, apart]
    )
    subject = prepare(str(binary), sysroot=tmp_path / "root", name="my engine", kind=Kind.BUN)
    assert (subject.name, subject.kind) == ("my engine", Kind.BUN)
    assert subject.closure.libraries["liba.so.1"] == beside
    assert subject.closure.libraries["libb.so.1"] == apart


def test_a_missing_library_is_named_with_what_to_do(link: Link, tmp_path: Path) -> None:
    library = link("opt/lib/liba.so.1", "int a(void) { return 1; }")
    binary = link("opt/bin/jsc", "int a(void); int main(void) { return a(); }", libraries=[library])
    library.unlink()
    with pytest.raises(SubjectError, match=r"missing: liba\.so\.1 \(for jsc\)(.|\n)*Put them beside the binary"):
        prepare(str(binary))


def test_a_preview_builds_binary_must_lie_in_its_own_tree(link: Link, tmp_path: Path) -> None:
    binary = link("secret/jsc", MAIN)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/jsc").symlink_to(binary)
    with pytest.raises(SubjectError, match="leads out of"):
        prepare_tree(tmp_path / "build/jsc", tmp_path / "build", "preview")
    shutil.copy(binary, tmp_path / "build/good")
    assert prepare_tree(tmp_path / "build/good", tmp_path / "build", "preview").name == "preview"


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("/nowhere/jsc", "no such file; expected a path, npm:NAME@VERSION or debian:NAME"),
        ("npm:bun", r"names no version; expected npm:NAME@VERSION \(or @latest\)"),
        ("npm:@oven/bun-linux-aarch64", "expected npm:NAME@VERSION"),
        ("npm:Bad Name@1.0.0", "names no package of npm"),
        ("debian:Bad_Name", "names no package of Debian"),
    ],
)
def test_what_names_no_subject_is_told_with_what_would(spec: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=told):
        prepare(spec, cache_dir=tmp_path)


@pytest.mark.parametrize("scale", [0, -1, 101, float("nan")])
def test_a_scale_out_of_range_is_told(link: Link, scale: float) -> None:
    with pytest.raises(SubjectError, match="expected a number above 0 and up to 100"):
        prepare(str(link("jsc", MAIN)), scale=scale)


def test_a_sysroot_that_is_none_is_told(link: Link, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"no such directory; expected a tree of libraries for aarch64"):
        prepare(str(link("jsc", MAIN)), sysroot=tmp_path / "nowhere")


def test_real_packages_become_subjects(bun: JavaScriptSubject, jsc: JavaScriptSubject) -> None:
    assert (bun.name, bun.kind) == ("bun 1.3.12", Kind.BUN)
    assert (jsc.name.split()[0], jsc.kind) == ("jsc", Kind.JSC)
    assert any(name.startswith("libjavascriptcoregtk") for name in jsc.closure.libraries)


def test_a_file_of_a_package_that_is_not_there_is_told(bun: JavaScriptSubject) -> None:
    with pytest.raises(SubjectError, match="0 files of the package are called bin/nothing; expected one"):
        prepare("npm:@oven/bun-linux-aarch64@1.3.12#bin/nothing")
    assert prepare("npm:@oven/bun-linux-aarch64@1.3.12#bin/bun").name == bun.name
