"""What a change costs: each figure once, with what it is paid in."""

from __future__ import annotations

import pytest

from checker.report import Cost, Memory
from tests.workers.report.samples import A, B, report
from workers.report.costs import Figure, change, factor, figures, merged, shared_targets
from workers.report.voice import PLAIN


def cost(base: int | None, head: int | None, unit: str = "bytes", memory: Memory | None = None) -> Cost:
    return Cost.model_validate(
        {"id": "c", "title": "C", "heap": None, "os_page": None, "base": base, "head": head}
        | {"unit": unit, "memory": memory}
    )


@pytest.mark.parametrize(
    ("given", "says", "by"),
    [
        (cost(16384, 65536), "16 KiB → 64 KiB", "×4"),
        (cost(65536, 16384, memory=Memory.RESIDENT), "64 KiB → 16 KiB of resident memory", "÷4"),
        (
            cost(33_538_048, 536_805_376, memory=Memory.ADDRESS_SPACE),
            "32 MiB → 512 MiB of address space, not resident",
            "×16",
        ),
        (cost(65536, 81920), "64 KiB → 80 KiB", "+16 KiB"),
        (cost(81920, 65536), "80 KiB → 64 KiB", "-16 KiB"),
        (cost(0, 48), "0 bytes → 48 bytes", "+48 bytes"),
        (cost(1024, 4096, "count"), "1,024 → 4,096", "×4"),
        (cost(12, 20, "percent"), "12% → 20%", "+8 points"),
        (cost(None, 16384), "none → 16 KiB", ""),
    ],
)
def test_a_change_in_words(given: Cost, says: str, by: str) -> None:
    assert (change(given), factor(given)) == (says, by)


def test_heap_configs_page_sizes_and_targets_that_agree_are_told_once() -> None:
    found = figures(report(A, B))
    commit = [figure for figure in found if figure.id == "commit"]
    assert [(len(figure.heaps), figure.os_pages, figure.targets) for figure in commit] == [
        (9, (4096, 16384), ("linux-arm64",))
    ]
    assert [figure.heaps for figure in found if figure.id == "slab"] == [
        ("utility", "bmalloc_small_segregated", "bmalloc_small_bitfit", "jit_small_segregated", "jit_small_bitfit"),
        ("bmalloc_medium_segregated", "bmalloc_medium_bitfit", "jit_medium_bitfit"),
    ]
    assert shared_targets(found) == ("linux-arm64",)


def test_a_page_size_is_named_only_where_it_makes_a_difference() -> None:
    def at(os_page: int, head: int) -> tuple[str, Cost]:
        return "linux-arm64", cost(4096, head).model_copy(update={"os_page": os_page})

    (same,) = merged([at(4096, 8192), at(16384, 8192)])
    assert same.os_pages == ()
    one, other = merged([at(4096, 8192), at(16384, 32768)])
    assert (one.os_pages, other.os_pages) == ((4096,), (16384,))
    assert merged([at(4096, 4096)]) == ()


def test_where_a_figure_counts() -> None:
    figure = Figure("c", "C", "", "", ("utility",), (4096, 16384), ("linux-arm64",))
    assert figure.where(("linux-arm64", "darwin-arm64"), PLAIN) == "utility, 4K and 16K pages, linux-arm64"
    assert figure.where(("linux-arm64",), PLAIN) == "utility, 4K and 16K pages"
