from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from workers.build.inspection.bounds import EscapesError
from workers.build.inspection.paths import Layout


@pytest.mark.parametrize(
    ("name", "place"),
    [("a", "a"), ("./a/b", "a/b"), ("a//b/", "a/b"), ("a/../b", "b"), ("a/b/../../c", "c"), (".", "."), ("..a", "..a")],
)
def test_names_are_places(name: str, place: str) -> None:
    assert Layout().place(name) == PurePosixPath(place)


@pytest.mark.parametrize("name", ["..", "../a", "a/../../b", "/a", "//a", "./../a", "a\0b"])
def test_names_that_lead_out_are_refused(name: str) -> None:
    with pytest.raises(EscapesError):
        Layout().place(name)


@pytest.mark.parametrize("name", ["..\\a", "a\\b", "C:a", "c:/a", "C:\\a"])
def test_in_zips_names_of_windows_are_refused(name: str) -> None:
    with pytest.raises(EscapesError):
        Layout(zipped=True).place(name)
    assert Layout().place(name) == PurePosixPath(name)


def test_what_lies_below_a_link_lies_where_it_leads() -> None:
    layout = Layout()
    assert layout.link("lib", "usr/lib") == PurePosixPath("lib")
    assert layout.link("usr/lib/current", "../versions/2") == PurePosixPath("usr/lib/current")
    assert layout.place("lib/current/x") == PurePosixPath("usr/versions/2/x")


def test_a_file_takes_the_place_of_a_link_and_is_not_written_through_it() -> None:
    layout = Layout()
    layout.link("a", "b")
    assert layout.place("a") == PurePosixPath("a")
    assert layout.place("a/x") == PurePosixPath("a/x")
    assert list(layout.links()) == []


@pytest.mark.parametrize("target", ["../..", "../../x", "/etc", "d/../../../x", "x\0"])
def test_links_that_lead_out_are_refused(target: str) -> None:
    with pytest.raises(EscapesError):
        Layout().link("d/link", target)


def test_links_may_climb_as_long_as_they_stay_inside() -> None:
    layout = Layout()
    layout.link("a/b/link", "../../c")
    assert list(layout.links()) == [(PurePosixPath("a/b/link"), "../../c")]


def test_a_link_that_climbs_through_another_is_followed_as_a_kernel_would() -> None:
    layout = Layout()
    layout.link("a/b/top", "../..")
    with pytest.raises(EscapesError):
        layout.link("out", "a/b/top/../x")
    with pytest.raises(EscapesError):
        layout.place("a/b/top/../x")


def test_a_link_that_a_later_one_leads_out_is_told() -> None:
    layout = Layout()
    layout.link("out", "a/b/../../x")
    assert list(layout.led_out()) == []
    layout.link("a/b", "../c")
    assert list(layout.led_out()) == ["out"]
    with pytest.raises(EscapesError):
        list(layout.links())


def test_circles_end() -> None:
    layout = Layout()
    layout.link("a", "b")
    layout.link("b", "a")
    layout.link("self", "self/self")
    with pytest.raises(EscapesError):
        layout.place("a/x")
    assert list(layout.led_out()) == ["a", "b", "self"]


def test_hard_links_name_a_member() -> None:
    assert Layout().hard_link("a/b", "./c") == (PurePosixPath("a/b"), PurePosixPath("c"))
    with pytest.raises(EscapesError):
        Layout().hard_link("a/b", "../c")


def test_absolute_links_of_packages_count_from_their_root() -> None:
    layout = Layout(rooted=True)
    layout.link("etc/alternatives/x", "/usr/bin/x")
    assert list(layout.links()) == [(PurePosixPath("etc/alternatives/x"), "../../usr/bin/x")]
    with pytest.raises(EscapesError):
        layout.link("out", "/../x")
    with pytest.raises(EscapesError):
        layout.place("/etc/passwd")
