"""Names that people choose: of branches, files, pull requests and commits. None gets out of its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt

from tests.workers.gitrepos import commit, git
from tests.workers.heard import Heard
from tests.workers.house import BAD, GOOD, REPOSITORY

SETTINGS = ".github/pagewarden.yml"
OUR_HTML = re.compile(r"(</?(sub|details|summary|br)>|<!-- pagewarden(:[a-z]+)? -->|[^<>]|\s)*")
BRANCHES = {
    "quotes": "a\"b'c",
    "shell": ";$(id)|`id`&",
    "unicode": "é/日本/ß",
    "long": "x" * 200,
    "escapes": "%2e%2e%2f",
    "query": "a#b&c=d+e",
    "HTML": "<b>bold</b><img/src=x>",
    "mention": "@everyone/@octocat",
    "Markdown": "a](evil.example)_b_`c`<!--",
    "option": "-upload-pack=x",
    "right to left": "\u202egnp",
    "HEAD": "HEAD",
    "sha": "0123456789abcdef0123456789abcdef01234567",
}
TITLES = [
    '@everyone <img src=x onerror=alert(1)> [here](http://evil.example) ![](http://evil.example/x.png) "`$(id)`"',
    "</details><!-- pagewarden -->\n\n# Approved by @octocat\n\n/ok-to-test",
    "\u202e`'\"\\|* _ ~~x~~ http://evil.example www.evil.example #1 " + "long " * 40,
]
PATHS = [
    "Source/a\n@everyone.h",
    'Source/"q".h',
    "Source/'q'.h",
    "Source/\u202eh.h",
    "Source/<img src=x>.h",
    "Source/<!-- pagewarden -->.h",
    "Source/](http:/evil.example)[.h",
    "Source/`x`.h",
    "Source/a|b.h",
    "Source/%2e%2e.h",
    "Source/@octocat/x.h",
    "Source/-rf.h",
    "Source/*.h",
    "Source/\\x.h",
    "Source/é ü.h",
    "Source/a\tb\r.h",
    "Source/;$(id).h",
    f"Source/{'x' * 200}.h",
]


def harms(body: str, root: str) -> Iterator[str]:
    """Whatever people could be led astray by: HTML, images, mentions and links that are not ours."""
    for token in MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(body):
        if token.type == "html_block" and not OUR_HTML.fullmatch(token.content):
            yield token.content
        for child in token.children or []:
            if child.type == "html_inline" and not OUR_HTML.fullmatch(child.content):
                yield child.content
            if child.type == "image":
                yield str(child.attrs)
            if child.type == "link_open" and not str(child.attrs["href"]).startswith(f"{root}/"):
                yield str(child.attrs["href"])
            if child.type in {"text", "text_special"} and re.search(r"@\w|://|www\.|\u202e", child.content):
                yield child.content


def is_harmless(heard: Heard, *shas: str, repository: str = REPOSITORY) -> bool:
    """Whether the comments and the checks of these commits are. An assertion names what is not."""
    outputs = [run["output"] for sha in shas for run in heard.simulator.check_runs(repository, sha)]
    texts = [text for output in outputs for text in (output["summary"], output["text"]) if text]
    bodies = heard.house.comments() if heard.house.number else []
    found = [harm for text in [*texts, *bodies] for harm in harms(text, heard.simulator.url)]
    assert found == []
    assert not any("\u202e" in output["title"] or "\n" in output["title"] for output in outputs)
    return bool(outputs)


def test_harm_is_seen_where_it_is_done() -> None:
    for body in ("@octocat", "<b>x</b>", "![](http://x/y)", "[x](http://evil.example)", "<div>\n", "see http://x"):
        assert list(harms(body, "http://127.0.0.1:1")), body


@pytest.mark.parametrize("name", BRANCHES.values(), ids=BRANCHES)
def test_a_branch_may_have_any_name_that_git_takes(heard: Heard, name: str) -> None:
    git(heard.house.source, "checkout", "--quiet", "-b", "named", "main")
    commit(heard.house.source, {SETTINGS: "labels: 3\n"})
    heard.simulator.push(REPOSITORY, name, "named")
    sha = heard.house.change(BAD, start="named")
    heard.simulator.push(REPOSITORY, f"of/{name}", sha)
    heard.house.number = heard.simulator.open_pull(REPOSITORY, f"of/{name}", name, "A change").number
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    assert "settings of the base are invalid" in heard.house.told(sha)
    assert len(heard.house.comments()) == 1
    group = heard.simulator.queue(REPOSITORY, heard.house.number)
    heard.settle()
    assert heard.house.conclusions(group.head_sha) == ["failure"]
    assert is_harmless(heard, sha, group.head_sha)
    assert all(status < 300 for status, _ in heard.answers())


@pytest.mark.parametrize("name", [BRANCHES["quotes"], BRANCHES["HTML"], BRANCHES["unicode"]])
def test_a_default_branch_may_have_any_name_that_git_takes(heard: Heard, name: str) -> None:
    git(heard.house.source, "checkout", "--quiet", "-b", name, "main")
    heard.simulator.create_repository("acme/odd", heard.house.source, private=True)
    heard.simulator.install(heard.house.tools.settings.app_id, "acme/odd")
    sha = heard.simulator.push("acme/odd", name, commit(heard.house.source, {**BAD, SETTINGS: "labels: 3\n"}))
    heard.settle()
    (run,) = heard.simulator.check_runs("acme/odd", sha)
    assert run["conclusion"] == "failure"
    assert is_harmless(heard, sha, repository="acme/odd")


@pytest.mark.parametrize("title", TITLES, ids=["Markdown", "lines", "long"])
def test_a_title_is_told_to_others_as_text(heard: Heard, title: str) -> None:
    source = heard.house.source
    git(source, "checkout", "--quiet", "-B", "change", "main")
    commit(source, {"Source/page.h": "#define PAGE 65536\n"})
    git(source, "commit", "--quiet", "--amend", f"--message={title}")
    first = heard.simulator.push(REPOSITORY, "change", "change")
    pull = heard.simulator.open_pull(REPOSITORY, "change", "main", " ".join(title.split()), body=title)
    heard.house.number = pull.number
    heard.settle()
    assert is_harmless(heard, first)
    heard.simulator.merge(REPOSITORY, pull.number)
    git(source, "checkout", "--quiet", "main")
    git(source, "reset", "--quiet", "--hard", first)
    git(source, "checkout", "--quiet", "-B", "next", "main")
    commit(source, {"Source/page.h": "#define PAGE 4096\n"})
    git(source, "commit", "--quiet", "--amend", f"--message={title}")
    sha = heard.simulator.push(REPOSITORY, "next", commit(source, {"Source/watched.c": "/* new */\n"}))
    heard.house.number = heard.simulator.open_pull(REPOSITORY, "next", "main", " ".join(title.split())).number
    heard.settle()
    assert heard.house.conclusions(sha) == ["failure"]
    (comment,) = heard.house.comments()
    assert f"/pull/{pull.number}" in comment
    assert is_harmless(heard, sha)


def test_files_may_have_any_name_that_git_takes(heard: Heard) -> None:
    sha = heard.open({**dict.fromkeys(PATHS, "#define X 1\n"), **BAD})
    assert heard.house.conclusions(sha) == ["failure"]
    (comment,) = heard.house.comments()
    assert "Changes: 19 files" in comment
    assert is_harmless(heard, sha)


@pytest.mark.parametrize("path", [path for path in PATHS if not set(path) & set('"\n\r\\')])
def test_a_broken_limit_is_told_wherever_it_is_broken(heard: Heard, path: str) -> None:
    name = path.removeprefix("Source/")
    sha = heard.open({path: "#define PAGE 4096\n", "Source/page.h": f'#include "{name}"\n'})
    assert heard.house.conclusions(sha) == ["failure"]
    # GitHub would refuse all annotations because of one path that it cannot show.
    assert heard.house.annotated(sha) == ([(path, 1)] if path.isprintable() else [])
    assert "page-covers-os-page" in heard.house.told(sha)
    assert is_harmless(heard, sha)


def test_a_header_may_say_anything(heard: Heard) -> None:
    said = '@everyone <script>x</script> [x](http://evil.example) `"'
    sha = heard.open({"Source/page.h": f"#define PAGE ({said})\n"})
    assert heard.house.conclusions(sha) == ["failure"]
    error = heard.push({"Source/page.h": f"#error {said}\n#define PAGE 1\n"})
    assert heard.house.conclusions(error) == ["failure"]
    mended = heard.push(GOOD)
    assert heard.house.conclusions(mended) == ["success"]
    assert is_harmless(heard, sha, error, mended)
