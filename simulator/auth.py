"""Who is calling, and what they may do: App JWTs, installation tokens, or nobody."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.records import App, Installation, Repository, Token
from simulator.state import State

LONGEST_JWT = timedelta(minutes=10)
CLOCK_DRIFT = timedelta(seconds=60)
UNREADABLE = "A JSON web token could not be decoded"
NOT_ACCESSIBLE = "Resource not accessible by integration"


class Refused(Exception):
    """The answer to a caller that is not let in: an HTTP status and GitHub's message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True)
class Nobody:
    """A caller without credentials."""


@dataclass(frozen=True)
class AsApp:
    """The App itself, by a JWT."""

    app: App


@dataclass(frozen=True)
class AsInstallation:
    """An installation, by its token."""

    app: App
    installation: Installation
    token: Token

    def reaches(self, repository: Repository) -> bool:
        """Whether the token is for that repository."""
        names = self.token.repositories or self.installation.repositories
        return repository.full_name in names & self.installation.repositories


Caller = Nobody | AsApp | AsInstallation


@dataclass(frozen=True)
class Permission:
    """A permission on a repository; any of `names` will do. `level` is read or write."""

    names: tuple[str, ...]
    level: str

    def granted_to(self, token: Token) -> bool:
        """Whether the token holds it."""
        enough = {"write", "admin"} if self.level == "write" else {"read", "write", "admin"}
        return "metadata" in self.names or any(token.permissions.get(name) in enough for name in self.names)


def new_key() -> tuple[str, str]:
    """A new RSA key: private and public, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def caller(state: State, authorization: str | None) -> Caller:
    """Who an `Authorization` header speaks for. Raises `Refused` for credentials that are not good."""
    if not authorization:
        return Nobody()
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() not in {"bearer", "token"}:
        raise Refused(401, "Bad credentials")
    if credentials.count(".") == 2:
        return AsApp(_app_of_jwt(state, credentials))
    return _installation(state, credentials)


def git_caller(state: State, authorization: str | None) -> Caller:
    """The same for git, which sends an installation token as the password of `x-access-token`."""
    if not authorization:
        return Nobody()
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise Refused(401, "Bad credentials")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refused(401, "Bad credentials") from None
    if user != "x-access-token":
        raise Refused(401, "Password authentication is not supported for Git operations.")
    return _installation(state, password)


def check_access(who: Caller, repository: Repository | None, needed: Permission) -> Repository:
    """The repository, if the caller may do that to it. Raises `Refused` as GitHub does."""
    visible = isinstance(who, AsInstallation) and repository is not None and who.reaches(repository)
    if repository is None or (repository.private and not visible):
        raise Refused(404, "Not Found")
    if isinstance(who, AsApp):
        raise Refused(403, NOT_ACCESSIBLE)
    if visible and isinstance(who, AsInstallation):
        if not needed.granted_to(who.token):
            raise Refused(403, NOT_ACCESSIBLE)
    elif needed.level == "write":
        raise Refused(401, "Requires authentication") if isinstance(who, Nobody) else Refused(403, NOT_ACCESSIBLE)
    return repository


def _installation(state: State, value: str) -> AsInstallation:
    token = state.tokens.get(value)
    if token is None or token.expires_at <= state.now():
        raise Refused(401, "Bad credentials")
    installation = state.installations.get(token.installation_id)
    if installation is None:
        raise Refused(401, "Bad credentials")
    return AsInstallation(state.apps[installation.app_id], installation, token)


def _app_of_jwt(state: State, encoded: str) -> App:
    """The App whose key signed it. GitHub's clock, not this machine's, says whether it is still good."""
    try:
        issuer = str(jwt.decode(encoded, options={"verify_signature": False}).get("iss", ""))
        app = state.apps.get(int(issuer)) if issuer.isdigit() else None
        if app is None:
            raise Refused(404, "Integration not found")
        options: jwt.types.Options = {
            "require": ["iat", "exp", "iss"],
            "verify_exp": False,
            "verify_iat": False,
            "verify_iss": False,
        }
        claims = jwt.decode(encoded, app.public_key_pem, algorithms=["RS256"], options=options)
    except jwt.PyJWTError:
        raise Refused(401, UNREADABLE) from None
    _check_times(state, claims["iat"], claims["exp"])
    return app


def _check_times(state: State, issued: object, expires: object) -> None:
    now = state.now().timestamp()
    if not isinstance(issued, int | float) or issued > now + CLOCK_DRIFT.total_seconds():
        raise Refused(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )
    if not isinstance(expires, int | float) or expires <= now:
        raise Refused(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the"
            " assertion expires",
        )
    if expires > now + LONGEST_JWT.total_seconds():
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
