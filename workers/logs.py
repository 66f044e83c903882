"""Logs: one line an event, and no secret in any of them, whoever wrote it."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

from config.settings import Settings

REDACTED = "[redacted]"
_SECRETS = re.compile(
    r"gh[a-z]_[A-Za-z0-9_.-]{10,}"
    r"|github_pat_\w{10,}"
    r"|\b(?:v1\.)[0-9a-f]{30,}"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=[Bb]earer )[\w.~+/=-]+|(?<=[Bb]asic )[\w.~+/=-]{8,}|(?<=token )[\w.~+/=-]{20,}"
    r'|(?<="token": ")[^"]+|(?<="token":")[^"]+'
    r"|(?<=://)[^/@\s]+(?=@)"
    r"|-----BEGIN [A-Z ]*KEY-----.*?(?:-----END [A-Z ]*KEY-----|$)",
    re.DOTALL,
)


def redacted(text: str, secrets: tuple[str, ...] = ()) -> str:
    """`text` without these secrets and without anything that looks like a token, a key or a password."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return _SECRETS.sub(REDACTED, text)


def configure(settings: Settings) -> None:
    """All logging of this process goes to standard error, through structlog and past `redacted`."""
    console = sys.stderr.isatty()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Other formatters of tracebacks show local variables, and there the secrets are.
    people = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer = people if console else structlog.processors.LogfmtRenderer(bool_as_flag=False)
    formatter = _RedactingFormatter(
        settings,
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if console else [structlog.processors.format_exc_info]),
            renderer,
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # At lower levels these quote answers of GitHub, and with them tokens.
    for name in ("github", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Sees the very line that is written."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)
        # Each line of a key by itself too: a renderer may break it up or escape its newlines.
        key = settings.read_private_key()
        lines = [line for line in key.splitlines() if len(line) > 20 and not line.startswith("-----")]
        self._secrets = tuple(secret for secret in (key, *lines, *settings.webhook_secrets) if secret)

    def format(self, record: logging.LogRecord) -> str:
        """The finished line."""
        return redacted(super().format(record), self._secrets)
