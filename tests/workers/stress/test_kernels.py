from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from config.page_sizes import PAGE_SIZES
from workers.scenario.progress import Step, silent
from workers.stress import kernel_build, kernels
from workers.stress.kernels import KernelError

ALL = tuple(PAGE_SIZES.values())
LITTLE_KERNEL = "0.1"
MAKEFILE = """\
# Stands in for the kernel's: takes every option but those it is told not to know, and "compiles" an Image.
$(if $(filter-out %=,$(O)),,$(error no O=))
allnoconfig:
	@echo "  GEN     Makefile"
	@grep -v '{unknown}' $(KCONFIG_ALLCONFIG) > $(O)/.config
Image:
	@echo build >> {journal}
	@{slowly}
	@echo "  CC      init/main.o"
	@echo "init/main.c:1: warning: of the little kernel"
	@{compile}
	@mkdir -p $(O)/arch/arm64/boot
	@(head -c 24 /dev/zero; grep -q 64K_PAGES $(O)/.config && printf '\\6' || printf '\\2') > $(O)/header
	@(cat $(O)/header; head -c 31 /dev/zero; printf 'ARMd'; env | sort) > $(O)/arch/arm64/boot/Image
	@echo "  OBJCOPY arch/arm64/boot/Image"
"""

needs_tools = pytest.mark.skipif(
    bool(kernel_build.missing_packages()), reason=f"needs {', '.join(kernel_build.missing_packages())}"
)


def image(page_bits: int, magic: bytes = b"ARM\x64", body: bytes = b"body") -> bytes:
    return struct.pack("<24xQ24x4s", page_bits << 1, magic) + body


def prebuilt(directory: Path, **contents: bytes) -> Path:
    directory.mkdir()
    for name, content in contents.items():
        (directory / f"Image-{name.lstrip('_')}").write_bytes(content)
    return directory


@dataclass(frozen=True)
class Little:
    """A cache that holds a package of a little kernel source; `journal` has a line for each compilation."""

    cache: Path
    journal: Path

    @property
    def compilations(self) -> int:
        return len(self.journal.read_text().splitlines()) if self.journal.exists() else 0

    @property
    def work(self) -> Path:
        return self.cache / "kernels/work"


Make = Callable[..., Little]


@pytest.fixture
def little(tmp_path: Path) -> Make:
    """Makes a Debian package as Debian's are, with a tarball of a source that builds within moments."""

    def make(*, unknown: str = "NOTHING", compile_: str = "true", slowly: str = "true") -> Little:
        tree, root = tmp_path / "linux-source-0.1", tmp_path / "package"
        journal, cache = tmp_path / "journal", tmp_path / "cache"
        tree.mkdir()
        text = MAKEFILE.format(unknown=unknown, compile=compile_, slowly=slowly, journal=journal)
        (tree / "Makefile").write_text(text)
        (root / "usr/src").mkdir(parents=True)
        tarball = root / "usr/src/linux-source-0.1.tar.xz"
        subprocess.run(["tar", "-cJf", tarball, "-C", tmp_path, tree.name], check=True)
        (root / "DEBIAN").mkdir()
        control = "Package: linux-source-0.1\nVersion: 0.1.7-1\nArchitecture: all\nMaintainer: t <t@example.com>\n"
        (root / "DEBIAN/control").write_text(f"{control}Description: little\n")
        source = cache / "kernels/source"
        source.mkdir(parents=True)
        deb = source / "linux-source-0.1_0.1.7-1_all.deb"
        subprocess.run(["dpkg-deb", "--build", "--root-owner-group", root, deb], check=True, capture_output=True)
        return Little(cache, journal)

    return make


@pytest.mark.parametrize(("bits", "size"), [(1, 4096), (2, 16384), (3, 65536)])
def test_an_image_is_known_by_its_header(tmp_path: Path, bits: int, size: int) -> None:
    file = tmp_path / "Image"
    file.write_bytes(image(bits))
    kernels.check_image(file, size)
    for other in set(ALL) - {size}:
        with pytest.raises(KernelError, match=r"Image has \d+K pages; expected .* with \d+K pages"):
            kernels.check_image(file, other)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (image(3, magic=b"\x1f\x8b\x08\x00"), "has no 'ARMd' at offset 56"),
        (image(3)[:59], "has no 'ARMd' at offset 56"),
        (b"", "has no 'ARMd' at offset 56"),
        (image(0), "doesn't say its page size"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "vmlinuz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(KernelError, match=rf"{file}:? {said}; expected an uncompressed arm64 kernel .* 64K pages"):
        kernels.check_image(file, 65536)


def test_prebuilt_kernels_are_found_and_named_by_their_content(tmp_path: Path) -> None:
    images = prebuilt(tmp_path / "images", _4K=image(1), _64K=image(3))
    made = kernels.adopt(images, (4096, 65536), tmp_path / "cache")
    assert [(kernel.page_size, kernel.version, kernel.size) for kernel in made] == [
        (4096, "prebuilt", 64),
        (65536, "prebuilt", 64),
    ]
    assert kernels.known(tmp_path / "cache") == made
    assert kernels.find(65536, tmp_path / "cache").read_bytes() == image(3)
    first = kernels.digest(65536, tmp_path / "cache")
    kernels.adopt(prebuilt(tmp_path / "others", _64K=image(3, body=b"other")), (65536,), tmp_path / "cache")
    assert kernels.find(65536, tmp_path / "cache").read_bytes() == image(3, body=b"other")
    assert kernels.digest(65536, tmp_path / "cache") != first


def test_prebuilt_kernels_are_taken_all_or_none(tmp_path: Path) -> None:
    images = prebuilt(tmp_path / "images", _4K=image(1), _16K=image(1))
    with pytest.raises(KernelError, match="Image-16K has 4K pages"):
        kernels.adopt(images, (4096, 16384), tmp_path / "cache")
    with pytest.raises(KernelError, match="Image-64K: No such file"):
        kernels.adopt(images, (4096, 65536), tmp_path / "cache")
    assert kernels.known(tmp_path / "cache") == []


def test_a_kernel_that_is_not_there_comes_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match=r"no kernel with 64K pages .*: pagewarden kernels build --page-size 64K"):
        kernels.find(65536, tmp_path)


def test_a_damaged_cache_is_an_error_never_a_kernel(tmp_path: Path) -> None:
    images = prebuilt(tmp_path / "images", _4K=image(1))
    (kernel,) = kernels.adopt(images, (4096,), tmp_path / "cache")
    kernel.path.write_bytes(image(1)[:-1])
    with pytest.raises(KernelError, match=f"{kernel.path} has 63 bytes, not 64; remove"):
        kernels.find(4096, tmp_path / "cache")
    record = kernel.path.with_name("kernel.json")
    record.write_text(record.read_text()[:-5])
    with pytest.raises(KernelError, match=f"{record} cannot be read .*; remove {record.parent}"):
        kernels.find(4096, tmp_path / "cache")


def test_options_that_took_no_effect_are_named() -> None:
    asked = "CONFIG_SMP=y\nCONFIG_NR_CPUS=4\nCONFIG_GONE=y\n"
    config = "# a comment\nCONFIG_SMP=y\nCONFIG_NR_CPUS=64\n# CONFIG_GONE is not set\n"
    assert kernel_build.not_in_effect(asked, config) == ["CONFIG_NR_CPUS=4", "CONFIG_GONE=y"]
    assert kernel_build.not_in_effect("CONFIG_SMP=y\n", config) == []


def test_only_what_make_did_is_a_step() -> None:
    lines = """\
make[1]: Entering directory '/x'
  GEN     Makefile
#
# configuration written to .config
  CC      init/main.o
  VDSO64  arch/arm64/kernel/vdso/vdso.so
  CC [M]  lib/crc7.o
init/main.c:1:2: error: no
   12 |   CC x
make: *** [Makefile:5: init] Error 2
""".splitlines()
    assert [line.split()[-1] for line in lines if kernel_build.is_step(line)] == [
        "Makefile",
        "init/main.o",
        "arch/arm64/kernel/vdso/vdso.so",
        "lib/crc7.o",
    ]


def test_the_estimate_follows_the_pace_once_there_is_one() -> None:
    assert kernel_build.seconds_left(30.0, 250, 1000) == 90.0
    assert kernel_build.seconds_left(30.0, 1000, 1000) == 0.0
    assert kernel_build.seconds_left(1.0, 40, 1000) is None
    assert kernel_build.seconds_left(1.0, 0, 0) is None


def test_the_source_is_the_one_we_tried_else_the_newest() -> None:
    assert kernel_build.source_name(["linux-source-6.1", "linux-source-6.12"]) == "linux-source-6.1"
    assert kernel_build.source_name(["linux-source-6.9", "linux-source-6.12", "linux-source-6.12-rt"]) == (
        "linux-source-6.12"
    )
    assert kernel_build.source_name([]) == "linux-source-6.1"


def test_missing_tools_are_named_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KernelError) as error:
        kernels.build((65536,), tmp_path / "cache")
    assert str(error.value) == snapshot("""\
A kernel cannot be built here: tools are missing. On Debian:
apt-get install gcc-aarch64-linux-gnu gcc make flex bison bc xz-utils dpkg apt
Or give kernels that were built elsewhere: pagewarden kernels build --from DIR.\
""")


@needs_tools
def test_a_kernel_is_built_once(little: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = little()
    monkeypatch.setenv("MAKEFLAGS", "-n")
    monkeypatch.setenv("KCFLAGS", "-O0")
    told: list[Step] = []
    (kernel,) = kernels.build((65536,), made.cache, told.append)
    assert (kernel.version, kernel.page_size, kernel.steps) == ("0.1.7-1", 65536, 2)
    assert b"KCFLAGS" not in kernel.path.read_bytes()
    compiling = [step for step in told if step.text == "compiling the kernel for 64K pages"]
    assert [(step.done, step.total, step.unit) for step in compiling] == [
        (1, kernel_build.MEASURED_STEPS, "steps"),
        (2, kernel_build.MEASURED_STEPS, "steps"),
    ]
    assert not made.work.exists()
    # Without a source, and without apt: what is there is there.
    shutil.rmtree(made.cache / "kernels/source")
    monkeypatch.setenv("PATH", "")
    assert kernels.build((65536, 65536), made.cache) == [kernel, kernel]
    assert made.compilations == 1


@needs_tools
def test_the_next_estimate_rests_on_what_was_counted(little: Make) -> None:
    made = little()
    told: list[Step] = []
    kernels.build((65536,), made.cache)
    kernels.build((4096,), made.cache, told.append)
    assert {step.total for step in told if step.unit == "steps"} == {2}


@needs_tools
def test_another_configuration_or_compiler_is_another_kernel(
    little: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = little()
    (first,) = kernels.build((65536,), made.cache)
    other = tmp_path / "other.config"
    other.write_text(kernel_build.CONFIGURATION.read_text() + "CONFIG_OTHER=y\n")
    with monkeypatch.context() as patched:
        patched.setattr(kernel_build, "CONFIGURATION", other)
        with pytest.raises(KernelError, match="no kernel with 64K pages"):
            kernels.find(65536, made.cache)
        (second,) = kernels.build((65536,), made.cache)
        assert not kernels.usable(first)
    record = first.path.with_name("kernel.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "compiler": "gcc 1.0"}))
    (third,) = kernels.build((65536,), made.cache)
    assert len({first.digest, second.digest}) == 2
    assert third.digest == first.digest, "built again by the compiler of before"
    assert made.compilations == 3


@needs_tools
def test_options_that_the_source_refuses_end_the_build(little: Make) -> None:
    made = little(unknown="COREDUMP\\|VIRTIO_BLK")
    with pytest.raises(KernelError, match=r"linux-source-0\.1: .*: CONFIG_COREDUMP=y, CONFIG_VIRTIO_BLK=y\."):
        kernels.build((65536,), made.cache)
    assert kernels.known(made.cache) == []
    assert made.compilations == 0


@needs_tools
def test_a_failed_compilation_is_told_in_the_compiler_s_words(little: Make) -> None:
    made = little(compile_="echo 'init/main.c:7: error: no such thing' >&2; false")
    with pytest.raises(KernelError, match=r"(?s)make Image ended with status 2.*init/main\.c:7: error: no such thing"):
        kernels.build((65536,), made.cache)
    assert kernels.known(made.cache) == []
    assert not made.work.exists()


@needs_tools
def test_an_image_of_other_pages_than_asked_for_is_not_kept(little: Make) -> None:
    made = little(compile_="sed -i s/64K_PAGES/4K_PAGES/ $(O)/.config")
    with pytest.raises(KernelError, match=r"has 4K pages; expected .* with 64K pages"):
        kernels.build((65536,), made.cache)
    assert kernels.known(made.cache) == []


@needs_tools
def test_a_package_that_was_cut_off_is_an_error(little: Make) -> None:
    made = little()
    (deb,) = (made.cache / "kernels/source").iterdir()
    deb.write_bytes(deb.read_bytes()[:-40])
    with pytest.raises(KernelError, match="could not be unpacked"):
        kernels.build((65536,), made.cache)


@needs_tools
def test_of_two_builders_one_builds_and_the_other_waits(little: Make) -> None:
    made = little(slowly="sleep 1")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.starmap(_build_telling, [(made.cache,), (made.cache,)])
    assert made.compilations == 1
    waited = "waiting for another process that builds kernels"
    assert [waited in texts for texts in (first, second)].count(True) == 1


@needs_tools
def test_a_killed_builder_leaves_nothing_that_counts_and_no_make(little: Make, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    made = little(slowly=f"echo $$PPID > {tmp_path}/make; while [ ! -e {go_on} ]; do sleep 0.1; done")
    builder = multiprocessing.get_context("spawn").Process(target=_build_telling, args=(made.cache,))
    builder.start()
    _until(lambda: made.compilations == 1 and (tmp_path / "make").exists() and (tmp_path / "make").read_text() != "")
    make = int((tmp_path / "make").read_text())
    os.kill(builder.pid or 0, signal.SIGKILL)
    builder.join()
    _until(lambda: not Path(f"/proc/{make}").exists())
    assert kernels.known(made.cache) == []
    assert made.work.exists()
    go_on.touch()
    kernels.build((65536,), made.cache)
    assert made.compilations == 2
    assert not made.work.exists()


@needs_tools
def test_who_stops_listening_stops_the_build(little: Make, tmp_path: Path) -> None:
    made = little(compile_="sleep 600")

    def stop(step: Step) -> None:
        if step.unit == "steps":
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        kernels.build((65536,), made.cache, stop)
    assert time.monotonic() - started < 60
    assert not made.work.exists()


@pytest.mark.skipif(shutil.which("qemu-system-aarch64") is None, reason="needs qemu-system-aarch64")
@needs_tools
def test_debian_s_source_gives_kernels_that_start() -> None:
    """Minutes where the cache is empty: they are really built."""
    for kernel in kernels.build((4096, 65536), tell=silent):
        assert kernels.find(kernel.page_size) == kernel.path
        command = "qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a76 -m 256 -accel tcg -nographic -nodefaults"
        console = ["-serial", "stdio", "-no-reboot", "-append", "console=ttyAMA0 panic=-1"]
        started = [*command.split(), *console, "-kernel", str(kernel.path)]
        log = subprocess.run(started, capture_output=True, text=True, check=True, timeout=300)
        assert f"Linux version {kernel.version.split('-')[0]} (pagewarden@pagewarden)" in log.stdout
        assert "Kernel panic - not syncing: VFS: Unable to mount root fs" in log.stdout


def _build_telling(cache: Path) -> list[str]:
    told: list[str] = []
    kernels.build((65536,), cache, lambda step: told.append(step.text))
    return told


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
