"""Workflows of a repository, and dispatching them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator import runs, workflow_files
from simulator.records import Account, Repository
from simulator.rest import World
from simulator.run_records import FOLDER, Workflow, WorkflowRun
from simulator.workflow_files import Refused, WorkflowFile

Json = Any
REFS = ("refs/heads/", "refs/tags/")


def known(world: World, repository: Repository) -> list[Workflow]:
    """The workflows that GitHub knows: those whose files the default branch has."""
    names = repository.git.names_in(f"refs/heads/{repository.default_branch}", FOLDER)
    return [_workflow(world, repository, f"{FOLDER}/{name}") for name in names if name.endswith((".yml", ".yaml"))]


def find(world: World, repository: Repository, key: str) -> Workflow | None:
    """A known workflow by its id or the name of its file."""
    return next((one for one in known(world, repository) if key in {str(one.id), one.file}), None)


def file_at(repository: Repository, sha: str, path: str) -> WorkflowFile | None:
    """What the file of a workflow says in a commit, `None` where there is none. Raises `Refused`."""
    text = repository.git.blob(sha, path)
    return None if text is None else workflow_files.read(text, path)


def name_of(repository: Repository, workflow: Workflow) -> str:
    """What a workflow is called on the default branch; by its path where the file does not say."""
    try:
        file = file_at(repository, f"refs/heads/{repository.default_branch}", workflow.path)
    except Refused:
        file = None
    return file.name if file else workflow.path


def dispatch(
    world: World, repository: Repository, workflow: Workflow, ref: str, given: Mapping[str, Json], actor: Account
) -> WorkflowRun:
    """A run of the workflow as its file is at a branch or tag. Raises `Refused`."""
    full = next((name for name in _full_names(ref) if repository.git.ref(name)), None)
    sha = repository.git.resolve(full) if full else None
    if full is None or sha is None:
        raise Refused(f"No ref found for: {ref}")
    file = file_at(repository, sha, workflow.path)
    if file is None:
        raise Refused("Workflow does not have 'workflow_dispatch' trigger")
    inputs = workflow_files.held(file, given)
    short = full.split("/", 2)[2]
    context = {"github.actor": actor.login, "github.ref": full, "github.ref_name": short, "github.sha": sha}
    title = workflow_files.title(file, inputs, context)
    return runs.begin(world, repository, workflow, file, title, short, sha, inputs, actor)


def _full_names(ref: str) -> tuple[str, ...]:
    return (ref,) if ref.startswith(REFS) else tuple(prefix + ref for prefix in REFS)


def _workflow(world: World, repository: Repository, path: str) -> Workflow:
    """The workflow with that file, under the id that it once got."""
    state, key = world.state, (repository.full_name, path)
    with state.lock:
        if key not in state.workflows:
            state.workflows[key] = Workflow(state.next_id("workflow"), repository.full_name, path, state.now())
        return state.workflows[key]
