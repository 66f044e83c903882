"""The kernels that stress runs on: one for each page size, built once and kept in the cache.

Below `kernels` in the cache: a directory for each kernel (`Image`, and `kernel.json` that says what it was made of),
and `source` with Debian's package (139 MB), so that all page sizes come from one source.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from workers.scenario.progress import Step, Tell, silent
from workers.scenario.source import default_cache_dir
from workers.stress import kernel_build
from workers.stress.kernel_build import KernelError
from workers.stress.processes import page_name

__all__ = ["Kernel", "KernelError", "adopt", "build", "digest", "find", "known", "usable"]

PREBUILT = "prebuilt"
"""The version of a kernel that somebody gave us."""

_MAGIC = b"ARM\x64"
_PAGE_BITS = {1: 4096, 2: 16384, 3: 65536}
_HEADER = struct.Struct("<24xQ24x4s")
_RECORD = "kernel.json"


@dataclass(frozen=True)
class Recipe:
    """What a kernel was made of: all that may change it. `configuration` is a hash; of a prebuilt one, its own."""

    page_size: int
    version: str
    configuration: str
    compiler: str

    @property
    def digest(self) -> str:
        """A hash of all of it, in hexadecimal; what the cache is keyed on."""
        return _hash(json.dumps(asdict(self), sort_keys=True).encode())


@dataclass(frozen=True)
class Kernel:
    """A kernel in the cache: `path` is an arm64 Image, `size` its bytes. `steps` counts what `make` did, or is 0."""

    recipe: Recipe
    path: Path
    size: int
    built: datetime
    steps: int = 0

    @property
    def page_size(self) -> int:
        """Bytes."""
        return self.recipe.page_size

    @property
    def version(self) -> str:
        """Of Debian's source package, or `prebuilt`."""
        return self.recipe.version

    @property
    def digest(self) -> str:
        """What depends on this kernel can be keyed on this."""
        return self.recipe.digest


def find(page_size: int, cache: Path | None = None) -> Path:
    """The Image with pages of `page_size` bytes. Raises `KernelError` that names the command to build it."""
    return _found(page_size, cache).path


def digest(page_size: int, cache: Path | None = None) -> str:
    """Names the kernel that `find` gives, by all that it was made of. Raises `KernelError`."""
    return _found(page_size, cache).digest


def known(cache: Path | None = None) -> list[Kernel]:
    """All kernels in the cache, by page size, the newest first; also those of other configurations than ours."""
    return _all(_directory(cache))


def usable(kernel: Kernel) -> bool:
    """Whether it was given by somebody, or built from the configuration of now."""
    return kernel.version == PREBUILT or kernel.recipe.configuration == _configuration(kernel.page_size)


def build(
    page_sizes: Sequence[int], cache: Path | None = None, tell: Tell = silent, *, latest: bool = False
) -> list[Kernel]:
    """The kernels with pages of these sizes, in bytes; builds those that are missing, and tells how far it is.

    One is missing where none in the cache was made from this configuration by this compiler. `latest` asks Debian
    whether it has a newer source, too. One process builds at a time, others wait. Raises `KernelError`.
    """
    with _locked(cache, tell) as (directory, lock):
        source = kernel_build.fetch_source(directory / "source", tell) if latest else None
        missing = [size for size in page_sizes if _present(size, cache, source) is None]
        if missing:
            kernel_build.require_tools()
            kept = source or kernel_build.kept_source(directory / "source")
            _build(missing, directory, kept or kernel_build.fetch_source(directory / "source", tell), tell, lock)
        made = [_present(size, cache, source) for size in page_sizes]
        return [kernel for kernel in made if kernel is not None]


def adopt(images: Path, page_sizes: Sequence[int], cache: Path | None = None) -> list[Kernel]:
    """Takes `Image-4K` and so on from the directory `images`: all of them, or none. Raises `KernelError`."""
    wanted = {size: images / f"Image-{page_name(size)}" for size in page_sizes}
    for size, image in wanted.items():
        check_image(image, size)
    with _locked(cache, silent) as (directory, _lock):
        return [_adopt(image, size, directory) for size, image in wanted.items()]


def check_image(image: Path, page_size: int) -> None:
    """Raises `KernelError` where `image` is no arm64 kernel with pages of `page_size` bytes.

    By the header that the kernel documents in Documentation/arm64/booting.rst.
    """
    wanted = f"expected an uncompressed arm64 kernel (Image) with {page_name(page_size)} pages"
    try:
        with image.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError as error:
        raise KernelError(f"{image}: {error.strerror}; {wanted}.") from error
    if len(header) < _HEADER.size or (fields := _HEADER.unpack(header))[1] != _MAGIC:
        raise KernelError(f"{image} has no {_MAGIC.decode()!r} at offset 56; {wanted}.")
    said = _PAGE_BITS.get(fields[0] >> 1 & 3)
    if said != page_size:
        has = f"has {page_name(said)} pages" if said else "doesn't say its page size"
        raise KernelError(f"{image} {has}; {wanted}.")


def _found(page_size: int, cache: Path | None) -> Kernel:
    kernel = next((kernel for kernel in known(cache) if kernel.page_size == page_size and usable(kernel)), None)
    if kernel is None:
        name = page_name(page_size)
        raise KernelError(
            f"There is no kernel with {name} pages in {_directory(cache)}. "
            f"Build it: pagewarden kernels build --page-size {name}"
        )
    check_image(kernel.path, page_size)
    if (size := kernel.path.stat().st_size) != kernel.size:
        raise KernelError(f"{kernel.path} has {size} bytes, not {kernel.size}; remove {kernel.path.parent}.")
    return kernel


def _present(page_size: int, cache: Path | None, source: kernel_build.Source | None) -> Kernel | None:
    """What serves as this kernel now, where it doesn't have to be built."""
    compiler = kernel_build.compiler()
    for kernel in known(cache):
        if kernel.page_size != page_size or not usable(kernel):
            continue
        same_compiler = kernel.version == PREBUILT or compiler in ("", kernel.recipe.compiler)
        if same_compiler and (source is None or kernel.version == source.version):
            return kernel
    return None


def _build(page_sizes: Sequence[int], directory: Path, source: kernel_build.Source, tell: Tell, lock: int) -> None:
    """Build in `work`, which counts for nothing and is removed, whatever was left there, too."""
    work = directory / "work"
    _remove(work)
    try:
        tree = kernel_build.unpack(source, work / source.package.name.split("_")[0], tell)
        for page_size in dict.fromkeys(page_sizes):
            steps = max((kernel.steps for kernel in _all(directory)), default=0) or kernel_build.MEASURED_STEPS
            output, asked = work / page_name(page_size), kernel_build.configuration(page_size)
            recipe = Recipe(page_size, source.version, _hash(asked.encode()), kernel_build.compiler())
            name = f"the kernel for {page_name(page_size)} pages"
            built = kernel_build.compile_kernel(tree, output, name, asked, steps, tell, [lock])
            check_image(built.image, page_size)
            _keep(built.image, recipe, built.steps, directory)
            _remove(output)
    finally:
        tell(Step("removing the build tree"))
        _remove(work)


def _adopt(image: Path, page_size: int, directory: Path) -> Kernel:
    recipe = Recipe(page_size, PREBUILT, _hash(image.read_bytes()), "")
    return _keep(image, recipe, 0, directory)


def _keep(image: Path, recipe: Recipe, steps: int, directory: Path) -> Kernel:
    """Copy an image into the cache, so that it is there whole or not at all."""
    work = directory / "work" / "kept"
    _remove(work)
    work.mkdir(parents=True)
    shutil.copyfile(image, work / "Image")
    size, now = (work / "Image").stat().st_size, datetime.now(UTC)
    record = {**asdict(recipe), "size": size, "built": now.isoformat(), "steps": steps}
    (work / _RECORD).write_text(json.dumps(record, indent=2) + "\n")
    place = directory / f"{page_name(recipe.page_size)}-{recipe.version}-{recipe.digest[:12]}"
    _remove(place)
    work.replace(place)
    return Kernel(recipe, place / "Image", size, now, steps)


def _all(directory: Path) -> list[Kernel]:
    found = [_read(record) for record in directory.glob(f"*-*/{_RECORD}")]
    return sorted(found, key=lambda kernel: (kernel.page_size, -kernel.built.timestamp()))


def _read(record: Path) -> Kernel:
    try:
        data = json.loads(record.read_text())
        recipe = Recipe(data["page_size"], data["version"], data["configuration"], data["compiler"])
        built = datetime.fromisoformat(data["built"])
        return Kernel(recipe, record.with_name("Image"), data["size"], built, data["steps"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KernelError(f"{record} cannot be read ({error}); remove {record.parent}.") from error


def _configuration(page_size: int) -> str:
    return _hash(kernel_build.configuration(page_size).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _directory(cache: Path | None) -> Path:
    return (cache or default_cache_dir()).absolute() / "kernels"


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _locked(cache: Path | None, tell: Tell) -> Iterator[tuple[Path, int]]:
    """The kernels' directory and the lock's descriptor: one process at a time, others wait."""
    directory = _directory(cache)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KernelError(f"{directory}: {error.strerror}; name another cache with PAGEWARDEN_CACHE_DIR.") from error
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(Step("waiting for another process that builds kernels"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield directory, file.fileno()
