"""The Flask application and the threaded HTTP server under it."""

from __future__ import annotations

import socket

import flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from simulator import (
    downloads,
    githttp,
    rest,
    rest_app,
    rest_checks,
    rest_comments,
    rest_people,
    rest_refs,
    rest_releases,
    rest_repository,
    rest_reviews,
    rest_runs,
    rest_statuses,
    rest_workflows,
)
from simulator.graphql import endpoint as graphql
from simulator.pages import views
from simulator.rest import World

# Importing these registers their endpoints.
REST_MODULES = (
    rest_app,
    rest_checks,
    rest_comments,
    rest_people,
    rest_refs,
    rest_releases,
    rest_repository,
    rest_reviews,
    rest_runs,
    rest_statuses,
    rest_workflows,
)


class _Handler(WSGIRequestHandler):
    """One write for each answer, sent at once: else each call waits 40 ms for an acknowledgement."""

    wbufsize = -1
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Calls are kept in `Simulator.calls`, not printed."""


def server(app: flask.Flask, listener: socket.socket) -> BaseWSGIServer:
    """A server on a socket that listens already, with a thread for each connection."""
    host, port = listener.getsockname()
    return make_server(host, port, app, threaded=True, request_handler=_Handler, fd=listener.detach())


def application(world: World) -> flask.Flask:
    """REST, GraphQL, git and pages of that world."""
    app = flask.Flask("simulator", static_folder=None)
    app.register_blueprint(rest.blueprint(world))
    app.register_blueprint(graphql.blueprint(world))
    app.register_blueprint(githttp.blueprint(world))
    app.register_blueprint(downloads.blueprint(world))
    app.register_blueprint(views.blueprint(world))
    return app
