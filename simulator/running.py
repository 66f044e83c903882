"""What people do with workflows, and what the machines do that run them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator import run_resources, runs, workflows
from simulator.run_records import WorkflowRun
from simulator.runs import Contents
from simulator.side import SOMEBODY, Side

Json = Any


class Running(Side):
    """Workflow runs, their artifacts and logs. A run that is not there raises `LookupError`."""

    def dispatch_workflow(
        self, full_name: str, workflow: str, ref: str, inputs: Mapping[str, str] | None = None, by: str = SOMEBODY
    ) -> int:
        """Run a workflow (the name of its file) by hand, at a branch or tag; returns the run's id."""
        repository = self._repository(full_name)
        found = workflows.find(self._world, repository, workflow)
        if found is None:
            raise LookupError(f"{full_name} has no workflow {workflow}")
        return workflows.dispatch(self._world, repository, found, ref, inputs or {}, self._state.account(by)).id

    def workflow_runs(self, full_name: str) -> list[Json]:
        """Workflow runs as the REST interface shows them, also those that it does not list yet, oldest first."""
        repository = self._repository(full_name)
        found = reversed(self._state.runs_of(repository))
        return [run_resources.run(self._links, one, repository, self._state) for one in found]

    def workflow_inputs(self, run_id: int) -> dict[str, str]:
        """What a run was dispatched with, with the defaults of the workflow. GitHub's interface does not tell."""
        return dict(self._run(run_id).inputs)

    def start_workflow(self, run_id: int) -> None:
        """A machine has taken the run."""
        runs.start(self._world, self._run(run_id))

    def upload_artifact(self, run_id: int, name: str, contents: Contents) -> int:
        """An artifact of a run: a zip archive (bytes or a file), or the files for one by name; returns its id."""
        return runs.upload(self._world, self._run(run_id), name, contents).id

    def finish_workflow(
        self,
        run_id: int,
        conclusion: str = "success",
        *,
        artifacts: Mapping[str, Contents] | None = None,
        log: str | Mapping[str, str] = "",
        jobs: Mapping[str, str] | None = None,
        failed_step: str | None = None,
    ) -> None:
        """End a run, after uploading its `artifacts`.

        `jobs` are the conclusions of jobs by name, where they are not those that follow from the run's: its own of the
        first, and skipped of the others where that is a failure. `log` is that of the job that decided, or of each job
        by name. `failed_step` names the step at which a job ended that did not succeed; by default it is its last.
        """
        for name, contents in (artifacts or {}).items():
            self.upload_artifact(run_id, name, contents)
        runs.finish(self._world, self._run(run_id), conclusion, log, jobs, failed_step)

    def cancel_workflow(self, run_id: int, by: str = SOMEBODY) -> None:
        """Cancel a run by hand."""
        runs.finish(self._world, self._run(run_id), "cancelled", by=self._state.account(by))

    def vanish_workflow(self, run_id: int) -> None:
        """Delete a run with all that it has made, at whatever point it is."""
        runs.remove(self._world, self._run(run_id))

    def expire_artifacts(self, run_id: int) -> None:
        """Let the time of a run's artifacts be over."""
        runs.expire(self._world, self._run(run_id))

    def offer_run_details(self, offered: bool) -> None:
        """Whether a dispatch can tell of its run: older servers refuse to be asked for that."""
        self._world.switches.run_details = offered

    def hide_new_runs(self, hidden: bool = True) -> None:
        """List new runs only later: once they are shown, started or ended. GitHub is now and then slow to list one."""
        self._world.switches.hidden_runs = hidden

    def show_workflow(self, run_id: int) -> None:
        """List a run that was hidden so far."""
        runs.show(self._world, self._run(run_id))

    def _run(self, run_id: int) -> WorkflowRun:
        found = self._state.runs.get(run_id)
        if found is None:
            raise LookupError(f"no workflow run {run_id}")
        return found
