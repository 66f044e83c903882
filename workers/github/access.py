"""Getting in: the App's key makes a short JWT, which buys installation tokens, which are shared through Redis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from github.Auth import AppAuth, Token

from workers.github.client import Client
from workers.github.failures import GitHubError, NotThere, RateLimited, Unauthorized, Uninstalled
from workers.github.streams import Streams
from workers.github.transport import Transport
from workers.tokens import Tokens

EARLY_SECONDS = 300
"""A token that expires sooner than this is not used any more: a job may take that long."""


class GitHub:
    """One App on one GitHub."""

    def __init__(
        self, api_url: str, app_id: int, private_key: str, tokens: Tokens, clock: Callable[[], float] = time.time
    ) -> None:
        self._api_url = api_url
        self._app_id = app_id
        self._private_key = private_key
        self._tokens = tokens
        self._clock = clock
        self._bot: str | None = None

    @contextmanager
    def client(self, installation_id: int, before: Callable[[], None] = lambda: None) -> Iterator[Client]:
        """A client for one job. `before` is called before each of its requests and may raise.

        Raises `RateLimited` without asking GitHub while a limit is known to last, else `GitHubError`.
        """
        if seconds := self._tokens.limited(installation_id):
            raise RateLimited("a rate limit lasts yet", seconds)
        token = self._tokens.token(installation_id) or self._new_token(installation_id)
        refused = self._refused(installation_id)
        transport = Transport(self._api_url, Token(token), before, refused, self._clock)
        client = Client(transport, Streams(self._api_url, token, before, refused, self._clock), token, self._app_id)
        try:
            yield client
        finally:
            client.close()

    def bot(self) -> str:
        """The login under which the App acts. Raises `GitHubError`."""
        if self._bot is None:
            transport = Transport(self._api_url, self._as_app(), clock=self._clock)
            try:
                answer, _ = transport.call("GET", "/app")
            finally:
                transport.close()
            self._bot = f"{answer['slug']}[bot]"
        return self._bot

    def _new_token(self, installation_id: int) -> str:
        # PyGithub would ask for a new token for each object; a JWT alone takes 74 ms.
        refused = self._refused(installation_id)
        transport = Transport(self._api_url, self._as_app(), refused=refused, clock=self._clock)
        try:
            answer, _ = transport.call("POST", f"/app/installations/{installation_id}/access_tokens", body={})
        except NotThere as error:
            raise Uninstalled(str(error)) from error
        finally:
            transport.close()
        token, expires = str(answer["token"]), datetime.fromisoformat(answer["expires_at"])
        self._tokens.keep_token(installation_id, token, expires.timestamp() - EARLY_SECONDS)
        return token

    def _as_app(self) -> AppAuth:
        return AppAuth(self._app_id, self._private_key)

    def _refused(self, installation_id: int) -> Callable[[GitHubError], None]:
        """Remembers what GitHub's refusals mean for all jobs about an installation."""

        def refused(error: GitHubError) -> None:
            if isinstance(error, RateLimited):
                self._tokens.limit(installation_id, error.seconds)
            elif isinstance(error, Unauthorized):
                self._tokens.forget_token(installation_id)

        return refused
