"""git over smart HTTP: fetching from the simulated repositories, by `git http-backend`. Nobody may push."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

import flask

from simulator import auth
from simulator.git import environment, git_program
from simulator.records import Call, Repository
from simulator.rest import World

CHUNK = 64 * 1024
READ_CONTENTS = auth.Permission(("contents",), "read")
# Request headers that git http-backend reads from its environment.
PASSED_ON = {"Content-Encoding": "HTTP_CONTENT_ENCODING", "Git-Protocol": "GIT_PROTOCOL"}


def blueprint(world: World) -> flask.Blueprint:
    """`/{owner}/{name}.git/…` for every repository, and without `.git` as on GitHub."""
    git = flask.Blueprint("git", __name__)

    @git.get("/<owner>/<name>/info/refs")
    def advertise(owner: str, name: str) -> flask.Response:
        if flask.request.args.get("service") != "git-upload-pack":
            return _finish(world, flask.Response("Only fetching is served here.\n", 403))
        return _finish(world, _serve(world, owner, name, "info/refs"))

    @git.post("/<owner>/<name>/git-upload-pack")
    def upload_pack(owner: str, name: str) -> flask.Response:
        return _finish(world, _serve(world, owner, name, "git-upload-pack"))

    return git


def _serve(world: World, owner: str, name: str, service: str) -> flask.Response:
    request = flask.request
    fault = world.faults.take(request.method, request.path)
    if fault:
        return flask.Response("Ordered to fail.\n", fault.status, dict(fault.headers))
    try:
        repository = _let_in(world, f"{owner}/{name.removesuffix('.git')}")
    except auth.Refused as refused:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if refused.status == 401 else {}
        message = "Repository not found." if refused.status == 404 else refused.message
        return flask.Response(f"{message}\n", refused.status, headers, content_type="text/plain")
    return _run(repository, service)


def _let_in(world: World, full_name: str) -> Repository:
    who = auth.git_caller(world.state, flask.request.headers.get("Authorization"))
    found = world.state.repository(full_name)
    if isinstance(who, auth.Nobody) and (found is None or found.private):
        raise auth.Refused(401, "Authentication required")
    return auth.check_access(who, found, READ_CONTENTS)


def _run(repository: Repository, service: str) -> flask.Response:
    """Hand the request to git, through a file, and its answer on, in pieces: neither is held in memory."""
    request = flask.request
    with tempfile.TemporaryFile() as body:
        while piece := request.stream.read(CHUNK):
            body.write(piece)
        size = body.tell()
        body.seek(0)
        variables = {
            "GIT_PROJECT_ROOT": str(repository.git.directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{repository.git.directory.name}/{service}",
            "QUERY_STRING": request.query_string.decode(),
            "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.content_type or "",
            "CONTENT_LENGTH": str(size),
            **{name: request.headers[header] for header, name in PASSED_ON.items() if header in request.headers},
        }
        process = subprocess.Popen(
            [git_program(), "-c", "safe.directory=*", "http-backend"],
            env=environment(variables),
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    assert process.stdout is not None
    status, headers = _cgi_head(process.stdout)
    return flask.Response(_pieces(process, process.stdout), status, headers)


def _cgi_head(output: IO[bytes]) -> tuple[int, list[tuple[str, str]]]:
    status, headers = 200, []
    while line := output.readline().strip().decode("latin-1"):
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value.strip()))
    return (status, headers) if headers else (500, [])


def _pieces(process: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := output.read1(CHUNK):  # type: ignore[attr-defined]  # IO[bytes] hides the buffered reader
            yield piece
    finally:
        output.close()
        process.kill()  # nothing to do where it has ended; else the client hung up
        process.wait()


def _finish(world: World, response: flask.Response) -> flask.Response:
    with world.state.lock:
        world.state.git_calls.append(Call(flask.request.method, flask.request.path, response.status_code))
    return response
