"""Settings of one pagewarden: from environment variables (`PAGEWARDEN_…`) or a YAML file.

Environment variables win over the file. The file is named by `--settings` or `PAGEWARDEN_SETTINGS`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config.page_sizes import PAGE_SIZES
from config.profiles import names as profile_names

ENVIRONMENT_PREFIX = "PAGEWARDEN_"


class SettingsError(Exception):
    """Settings that cannot be used. The text names each setting, what was expected and where it was read."""


def bare_environment() -> dict[str, str]:
    """This process's environment without any setting, so without secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}


def _variable(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case bool():
            return json.dumps(value)
        case str() | int() | Path():
            return str(value)
        case _:
            return json.dumps(value)


class Settings(BaseSettings):
    """What a running pagewarden needs to know. Times are seconds, sizes bytes."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, extra="forbid", frozen=True)

    app_id: int = Field(gt=0, description="The GitHub App's id.")
    private_key: SecretStr | None = Field(default=None, description="The App's private key, PEM.")
    private_key_file: Path | None = Field(default=None, description="A file that holds it.")
    webhook_secret: SecretStr = Field(min_length=16, description="The App's webhook secret.")
    webhook_secret_previous: SecretStr | None = Field(
        default=None, min_length=16, description="The secret before it, accepted while a rotation is under way."
    )
    api_url: str = Field(default="https://api.github.com", description="Root of GitHub's REST API.")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    max_payload: int = Field(
        default=25 * 1024 * 1024, gt=0, description="Largest webhook body; GitHub's own cap is 25 MB."
    )

    redis_url: str | None = Field(default=None, description="An external Redis or Valkey; embedded when not set.")
    data_dir: Path = Field(default_factory=lambda: Path.home() / ".local/share/pagewarden")
    cache_dir: Path = Field(default_factory=lambda: Path.home() / ".cache/pagewarden")
    worker_concurrency: int = Field(default=2, ge=1)
    task_time_limit: int = Field(default=240, gt=0)
    visibility_timeout: int = Field(default=300, gt=0)

    profile: str | None = Field(
        default=None,
        description="The profile for repositories that name none; those that come with pagewarden when not set.",
    )
    targets: tuple[str, ...] = Field(default=(), description="Targets to check; all of the profile's when empty.")
    page_sizes: tuple[int, ...] = tuple(PAGE_SIZES.values())
    advice: bool = Field(
        default=True, description="Whether repairs of what a change breaks are searched for, and who broke it."
    )

    queues: tuple[Literal["fast", "build", "stress"], ...] = Field(
        default=("fast", "build", "stress"), min_length=1, description="The queues that a worker takes jobs from."
    )
    preview_drivers: tuple[Literal["actions", "docker", "command"], ...] = Field(
        default=("actions", "command"), description="What may build previews; docker needs an engine or a context."
    )
    docker_context: str | None = Field(default=None, description="The docker context that previews are built with.")
    docker_builder: str | None = Field(default=None, description="The buildx builder that previews are built with.")
    stress: bool | None = Field(
        default=None, description="Whether changes are stressed; when not set, where the machine has what it takes."
    )
    stress_machine: Literal["vm", "native", "user"] = Field(
        default="vm", description="Kernels in QEMU, this arm64 host itself, or QEMU's user mode (4K only)."
    )
    stress_seeds: tuple[int, ...] = Field(default=(1,), min_length=1, max_length=16)
    public_url: str | None = Field(
        default=None, description="Where people reach the web server: runs then have a page, and checks lead to it."
    )

    @field_validator("api_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an address that begins with http:// or https://")
        return value.rstrip("/") if value is not None else None

    @model_validator(mode="after")
    def _consistent(self) -> Settings:
        if (self.private_key is None) == (self.private_key_file is None):
            raise ValueError("set exactly one of private_key and private_key_file")
        if self.task_time_limit >= self.visibility_timeout:
            raise ValueError("task_time_limit must be below visibility_timeout, or a slow task runs twice")
        return self

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles for repositories that name none, by the names that `checker.profile.load_profile` takes."""
        return (self.profile,) if self.profile is not None else profile_names()

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Secrets that a delivery may be signed with, the current one first."""
        secrets = (self.webhook_secret, self.webhook_secret_previous)
        return tuple(secret.get_secret_value() for secret in secrets if secret is not None)

    def environment(self) -> dict[str, str]:
        """Every setting as the environment variable that a child process reads it from, secrets included."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {f"{ENVIRONMENT_PREFIX}{name.upper()}": _variable(value) for name, value in values if value is not None}

    def read_private_key(self) -> str:
        """The App's private key, PEM. Raises `SettingsError` when the file cannot be read."""
        if self.private_key is not None:
            return self.private_key.get_secret_value()
        assert self.private_key_file is not None
        try:
            return self.private_key_file.read_text()
        except OSError as error:
            raise SettingsError(f"private_key_file: cannot read {self.private_key_file}: {error.strerror}") from error

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment variables first, then what `load` read from the file."""
        return (env_settings, init_settings)


def load(path: Path | None = None) -> Settings:
    """Settings from the environment and the file at `path`, or at `PAGEWARDEN_SETTINGS`.

    Raises `SettingsError` with one line per mistake.
    """
    path = path or (Path(named) if (named := os.environ.get("PAGEWARDEN_SETTINGS")) else None)
    values = _read_file(path) if path else {}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None


def _read_file(path: Path) -> dict[str, object]:
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not YAML: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected `name: value` lines at the top level")
    return {str(key): value for key, value in values.items()}


def _explain(error: ValidationError, path: Path | None) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        where = f"{ENVIRONMENT_PREFIX}{name.upper()}" + (f" (or {name} in {path})" if path else "")
        lines.append(f"{where if name else 'settings'}: {problem['msg']}")
    return "\n".join(lines)
