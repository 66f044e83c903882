"""Addresses that large things are downloaded from.

On GitHub they are on another host and signed: who knows one needs no token for a short time, and is refused with one.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import quote

import flask

from simulator.files import Stored
from simulator.records import Call, Ticket
from simulator.rest import World

ROOT = "/_downloads"
LIFETIME = timedelta(minutes=5)
TWO_CREDENTIALS = (
    "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the X-Amz-Algorithm query "
    "parameter, Signature query string parameter or the Authorization header should be specified</Message></Error>"
)
EXPIRED = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
GONE = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"


def address(world: World, stored: Stored, name: str, content_type: str) -> str:
    """Where `stored` can be had for some minutes, as a file of that name."""
    state, key = world.state, secrets.token_hex(20)
    with state.lock:
        state.tickets[key] = Ticket(stored, name, content_type, state.now() + LIFETIME)
    return f"{world.links.web}{ROOT}/{quote(name, safe='')}?sig={key}"


def send(stored: Stored, name: str, content_type: str) -> flask.Response:
    """The file itself, or the range of it that is asked for."""
    return flask.send_file(
        stored.path, content_type, as_attachment=True, download_name=name, conditional=True, etag=False
    )


def blueprint(world: World) -> flask.Blueprint:
    """Everything that `address` leads to."""
    downloads = flask.Blueprint("downloads", __name__)

    @downloads.get(f"{ROOT}/<path:_name>")
    def download(_name: str) -> flask.Response:
        request = flask.request
        fault = world.faults.take(request.method, request.path)
        answer = _error("Ordered to fail.", fault.status) if fault else _answer(world)
        if fault:
            answer.headers.update(fault.headers)
        with world.state.lock:
            world.state.downloads.append(Call(request.method, request.path, answer.status_code))
        return answer

    return downloads


def _answer(world: World) -> flask.Response:
    request, state = flask.request, world.state
    if "Authorization" in request.headers:
        return _error(TWO_CREDENTIALS, 400)
    ticket = state.tickets.get(request.args.get("sig", ""))
    if ticket is None or ticket.until <= state.now():
        return _error(EXPIRED, 403)
    if not ticket.stored.path.exists():
        return _error(GONE, 404)
    return send(ticket.stored, ticket.name, ticket.content_type)


def _error(text: str, status: int) -> flask.Response:
    return flask.Response(text, status, content_type="application/xml")
