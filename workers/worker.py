"""`celery -A workers.worker worker`: the app with settings from the environment, for who starts Celery himself."""

from __future__ import annotations

from config.settings import load
from workers.app import create_app

app = create_app(load())
