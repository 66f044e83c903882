"""Apps as their owners and the owners of repositories handle them: made, installed, uninstalled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator import auth
from simulator.records import Account, App, Installation, Repository
from simulator.rest import World
from simulator.state import State


def new_app(state: State, name: str, permissions: Mapping[str, str], events: Sequence[str]) -> App:
    """A GitHub App with a new key, without a webhook."""
    private, public = auth.new_key()
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    app = App(
        id=state.next_id("app"),
        private_key_pem=private,
        public_key_pem=public,
        name=name,
        slug=slug,
        owner=state.account("app-owner"),
        bot=state.account(f"{slug}[bot]", "Bot"),
        webhook_url=None,
        webhook_secret=None,
        permissions=dict(permissions),
        events=tuple(events),
        created_at=state.now(),
    )
    state.apps[app.id] = app
    return app


def install(world: World, app: App, repository: Repository, by: Account) -> Installation:
    """Install an App on a repository. An account has one installation of each App, which gets one repository more."""
    state, name = world.state, repository.full_name
    with state.lock:
        for one in state.installations.values():
            if (one.app_id, one.account) == (app.id, repository.owner):
                more = replace(one, repositories=one.repositories | {name})
                state.installations[one.id] = more
                if more != one:
                    world.sender.installation(more, "added", by, frozenset({name}))
                return more
        made = Installation(state.next_id("installation"), app.id, repository.owner, frozenset({name}), state.now())
        state.installations[made.id] = made
    world.sender.installation(made, "created", by)
    return made


def uninstall(world: World, installation_id: int, by: Account) -> None:
    """Remove an installation; its tokens are worth nothing from then on."""
    with world.state.lock:
        gone = world.state.installations.pop(installation_id)
    world.sender.installation(gone, "deleted", by)
