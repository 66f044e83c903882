"""Markdown that is shown as GitHub shows it, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.pages.markdown import ALLOWED, render


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a<!-- pagewarden -->b", "<p>ab</p>"),
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("|a|b|\n|-|:-:|\n|1|2|", '<td>1</td>\n<td class="align-center">2</td>'),
        ("<details open><summary>More</summary>\n\n*text*\n\n</details>", "<summary>More</summary>\n<p><em>text</em>"),
        ("> [!WARNING]\n> Hot", '<blockquote class="alert alert-warning">\n<p>Warning\nHot</p>'),
        ("[a](https://example.com/?a=1&b=2)", 'href="https://example.com/?a=1&amp;b=2" rel="nofollow noreferrer"'),
        ("```c++\na < b\n```", '<code class="language-c++">a &lt; b\n</code>'),
    ],
)
def test_what_comments_use(text: str, shown: str) -> None:
    assert shown in render(text)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)" onclick="alert(1)">x</a>',
        '<a href="//evil.example/">x</a>',
        '<p style="background:url(x)" onclick=alert(1) class="row">x</p>',
        "<svg/onload=alert(1)>",
        "<style>*{display:none}</style>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        '<details ontoggle="alert(1)" open>',
    ],
)
def test_nothing_that_runs_gets_through(text: str) -> None:
    shown = render(text)
    for part in (
        "<script",
        "<img",
        "<svg",
        "<style",
        "<iframe",
        'href="java',
        'href="//',
        "onclick=alert",
        'class="row',
    ):
        assert part not in shown
    assert not [tag for tag in _tags(shown) if "on" in tag.partition(" ")[2].replace("open", "")]


@given(st.text(alphabet=st.sampled_from("<>/!-\"'=& \nabdetailsscripthref[]()`|*"), max_size=120))
def test_whatever_is_written_only_known_tags_come_out_balanced(text: str) -> None:
    open_tags: list[str] = []
    for tag in _tags(render(text)):
        name = tag.strip("/").split(" ")[0]
        assert name in ALLOWED
        if tag.startswith("/"):
            assert open_tags.pop() == name
        elif name not in {"br", "hr"}:
            open_tags.append(name)
    assert open_tags == []


def _tags(shown: str) -> list[str]:
    """What stands between angle brackets; in text and attributes they are escaped."""
    return [piece.split(">")[0] for piece in shown.split("<")[1:]]
