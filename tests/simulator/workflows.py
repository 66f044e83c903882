"""A repository with workflows, and the calls that tests make for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import FULL_NAME, GitHub

ACTIONS = f"/repos/{FULL_NAME}/actions"
DISPATCHES = f"{ACTIONS}/workflows/preview.yml/dispatches"
PREVIEW = """\
name: Preview
run-name: Preview of ${{ inputs.pull_request }} (${{ github.event.inputs.correlation }}) at ${{ github.ref_name }}
on:
  workflow_dispatch:
    inputs:
      pull_request: {required: true, type: string}
      correlation: {required: false}
      target: {type: choice, default: linux-arm64, options: [linux-arm64, linux-x64]}
      debug: {type: boolean, default: false}
jobs:
  build:
    name: Build for aarch64
    runs-on: ubuntu-24.04-arm
    steps:
      - uses: actions/checkout@v4
      - name: Configure
        run: ./configure
      - run: |
          make
          make install
  after:
    runs-on: [self-hosted, linux]
    needs: build
    steps: [{run: echo done}]
"""
FILES = {
    ".github/workflows/preview.yml": PREVIEW,
    ".github/workflows/plain.yaml": "on: [push, workflow_dispatch]\njobs: {a: {runs-on: x}}\n",
    ".github/workflows/one.yml": "name: One\non: workflow_dispatch\nrun-name: ' '\njobs: {a: {runs-on: x}}\n",
    ".github/workflows/ci.yml": "name: CI\non: push\njobs: {a: {runs-on: x}}\n",
    ".github/workflows/broken.yml": "on: [\n",
    ".github/workflows/README.md": "No workflow.\n",
}


@pytest.fixture
def actions(github: GitHub) -> GitHub:
    """The simulator with `FILES` on its default branch; `topic` has none of them."""
    github.source.git("checkout", "--quiet", "main")
    github.source.commit("Workflows", dict(FILES))
    github.sim.push(FULL_NAME, "main", "main")
    return github


def dispatched(github: GitHub, workflow: str = "preview.yml", ref: str = "main", **inputs: Any) -> int:
    """The id of a new run, by the App's bot."""
    body = {"ref": ref, "return_run_details": True, "inputs": {"pull_request": "7", **inputs}}
    if workflow != "preview.yml":
        del body["inputs"]
    return int(github.client.json("POST", f"{ACTIONS}/workflows/{workflow}/dispatches", body)["workflow_run_id"])


def run_of(github: GitHub, run_id: int) -> Any:
    """A run as the REST interface shows it."""
    return github.client.json("GET", f"{ACTIONS}/runs/{run_id}")
