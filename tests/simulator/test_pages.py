"""The pages, also of things with hostile names."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

import requests

from tests.simulator.conftest import FULL_NAME, GitHub

HOSTILE = "<script>alert(1)</script> \"'& {{ 7 * 7 }}"


def _page(github: GitHub, path: str) -> str:
    answer = requests.get(github.sim.url + path, timeout=10)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.text


def _check(github: GitHub, sha: str, **output: object) -> int:
    body = {"name": "pagewarden", "head_sha": sha, "conclusion": "failure", "output": output}
    return int(github.client.json("POST", f"/repos/{FULL_NAME}/check-runs", body)["id"])


def _annotation(path: str, line: int) -> dict[str, object]:
    return {
        "path": path,
        "start_line": line,
        "end_line": line,
        "annotation_level": "failure",
        "title": "use-count",
        "message": f"broken at {line}",
    }


def test_a_pull_request_with_its_checks_and_comment(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="Wider pages", body="**Why**")
    first = github.sha("topic")
    run = _check(github, first, title="Three rules broken", summary="s", annotations=[_annotation("wide.h", 25)])
    comment = {"body": "| rule | 64K |\n|---|--:|\n| use-count | 257 |\n"}
    github.client.json("POST", f"/repos/{FULL_NAME}/issues/1/comments", comment)
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert "Wider pages" in page
    assert "<strong>Why</strong>" in page
    assert "Some checks were not successful" in page
    assert f'href="/{FULL_NAME}/runs/{run}"' in page
    assert '<td class="align-right">257</td>' in page
    github.sim.push(FULL_NAME, "topic", "topic~1")
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert "No checks yet" in page
    assert "an earlier head" in page
    assert "Three rules broken" in page
    assert "Wider pages" in _page(github, "/")
    assert "Wider pages" in _page(github, f"/{FULL_NAME}")


def test_where_github_has_the_checks_leads_to_them(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    asked = requests.get(f"{github.sim.url}/{FULL_NAME}/pull/1/checks", timeout=10)
    assert asked.url == f"{github.sim.url}/{FULL_NAME}/pull/1#checks"
    assert 'id="checks"' in asked.text
    assert requests.get(f"{github.sim.url}/{FULL_NAME}/pull/2/checks", timeout=10).status_code == 404


def test_annotations_are_on_their_lines(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    annotations = [_annotation("wide.h", 25), _annotation("wide.h", 50), _annotation("meanwhile.h", 1)]
    run = _check(github, github.sha("topic"), title="t", summary="s", annotations=annotations)
    files = _page(github, f"/{FULL_NAME}/pull/1/files")
    assert re.search(r"\+int changed;.*?broken at 25.*? int line26;", files, re.DOTALL)
    assert re.search(r"the diff does not show.*?broken at 50", files, re.DOTALL)
    assert re.search(r"Unchanged files with annotations.*?broken at 1\b", files, re.DOTALL)
    shown = _page(github, f"/{FULL_NAME}/runs/{run}")
    assert "wide.h:25" in shown
    assert "int changed;" in shown
    assert 'id="L25"' in _page(github, f"/{FULL_NAME}/blob/{github.sha('topic')}/wide.h")
    assert "Add and remove" in _page(github, f"/{FULL_NAME}/commit/{github.sha('topic')}")


def test_a_page_looks_again_while_a_check_is_running(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    run = github.client.json("POST", f"/repos/{FULL_NAME}/check-runs", {"name": "x", "head_sha": github.sha("topic")})
    assert 'http-equiv="refresh"' in _page(github, f"/{FULL_NAME}/pull/1")
    github.client.json("PATCH", f"/repos/{FULL_NAME}/check-runs/{run['id']}", {"conclusion": "success"})
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert 'http-equiv="refresh"' not in page
    assert "All checks have passed" in page


def test_hostile_words_stay_words(github: GitHub) -> None:
    path = "a dir/<img src=x onerror=alert(1)> \"'&.h"
    github.source.git("checkout", "--quiet", "-b", "hostile", "main")
    sha = github.source.commit(HOSTILE, {path: f"{HOSTILE}\n"})
    github.sim.push(FULL_NAME, "hostile", sha)
    github.sim.open_pull(FULL_NAME, head="hostile", base="main", title=HOSTILE, body=HOSTILE, author="<b>")
    run = _check(github, sha, title=HOSTILE, summary=HOSTILE, text=HOSTILE, annotations=[_annotation(path, 1)])
    body = {"body": f"{HOSTILE}\n\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))"}
    github.client.json("POST", f"/repos/{FULL_NAME}/issues/1/comments", body)
    details = {"details_url": "javascript:alert(1)"}
    github.client.json("PATCH", f"/repos/{FULL_NAME}/check-runs/{run}", details)
    pages = ["/", f"/{FULL_NAME}/pull/1", f"/{FULL_NAME}/pull/1/files", f"/{FULL_NAME}/runs/{run}"]
    pages += [f"/{FULL_NAME}/commit/{sha}", f"/{FULL_NAME}/blob/{sha}/{quote(path)}"]
    for page in (_page(github, path) for path in pages):
        assert "<script" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert "alert(1)" in page
    assert github.sim.violations == []


def test_pages_that_are_not_there(github: GitHub) -> None:
    sha = github.sha("topic")
    for path in ("/x/y", f"/{FULL_NAME}/pull/9", f"/{FULL_NAME}/runs/1", f"/{FULL_NAME}/blob/{sha}/missing.h"):
        assert requests.get(github.sim.url + path, timeout=10).status_code == 404


def test_a_conversation_with_its_reactions_labels_and_statuses(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    comment = github.sim.comment(FULL_NAME, 1, "mona", "/recheck")
    path = f"/repos/{FULL_NAME}"
    github.client.json("POST", f"{path}/issues/comments/{comment}/reactions", {"content": "eyes"})
    github.client.json("POST", f"{path}/issues/1/labels", {"labels": ["<b>page-size"]})
    status = {"state": "failure", "context": "pagewarden", "description": "2 <i>findings", "target_url": "javascript:x"}
    github.client.json("POST", f"{path}/statuses/{github.sha('topic')}", status)
    github.client.json("POST", f"{path}/pulls/1/reviews", {"event": "COMMENT", "body": "*Two* lines."})
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert "/recheck" in page
    assert 'title="pagewarden[bot] reacted with eyes">👀 1<' in page
    assert "&lt;b&gt;page-size" in page
    assert "2 &lt;i&gt;findings" in page
    assert "javascript:" not in page
    assert "Some checks were not successful" in page
    assert "<em>Two</em> lines." in page
    assert "http-equiv" not in page


def test_a_hidden_comment_is_folded(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    comment = github.sim.comment(FULL_NAME, 1, "mona", "out of date")
    assert "<details" not in _page(github, f"/{FULL_NAME}/pull/1")
    state = github.sim._state
    state.comments[comment] = replace(state.comments[comment], minimized="OFF_TOPIC")
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert re.search(r"<details class=\"minimized\">.*hidden as off topic.*out of date.*</details>", page, re.DOTALL)
    assert github.sim.minimized(comment) == "OFF_TOPIC"


def test_buttons_and_a_merge_are_shown(github: GitHub) -> None:
    github.sim.open_pull(FULL_NAME, head="topic", base="main", title="t")
    action = {"label": "Recheck", "description": "Check <once> more", "identifier": "recheck"}
    body = {"name": "pagewarden", "head_sha": github.sha("topic"), "conclusion": "success", "actions": [action]}
    run = github.client.json("POST", f"/repos/{FULL_NAME}/check-runs", body)["id"]
    assert 'title="Check &lt;once&gt; more">Recheck</button>' in _page(github, f"/{FULL_NAME}/runs/{run}")
    sha = github.sim.merge(FULL_NAME, 1, "hubot")
    page = _page(github, f"/{FULL_NAME}/pull/1")
    assert '<span class="state merged">Merged</span>' in page
    assert f'merged by hubot as <a class="sha" href="/{FULL_NAME}/commit/{sha}"' in page
    assert "wants to merge" not in page
    assert 'Files changed <span class="count">4</span>' in page
