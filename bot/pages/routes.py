"""The addresses of a run's page and its evidence. Who does not know the key of a page cannot guess it."""

from __future__ import annotations

import json

from flask import Flask, Response, abort
from redis import Redis

from bot.pages.run_page import RunView, render_run
from config.settings import Settings
from workers.store import Store
from workers.stress.evidence import FILES, evidence_files, evidence_from_json, with_evidence
from workers.stress.result import Result
from workers.stress.show import seen_of
from workers.stress.store import StressStore
from workers.tools import web_url

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def add_pages(web: Flask, settings: Settings, redis: Redis) -> None:
    """Adds the pages to the web application."""
    stresses, store = StressStore(redis), Store(redis)

    @web.get("/runs/<key>")
    def run(key: str) -> Response:
        run_id = stresses.run_of_page(key)
        record = store.record(run_id) if run_id is not None else None
        state = stresses.get(run_id) if run_id is not None else None
        if record is None or run_id is None:
            abort(404, "There is no such page, or not any more.")
        seen = seen_of(state) if state is not None else None
        if isinstance(seen, Result):
            kept = {anchor: evidence_from_json(json.loads(text)) for anchor, text in stresses.evidence(run_id).items()}
            seen = with_evidence(seen, kept)
        view = RunView(
            repository=record.run.repository,
            number=record.run.number,
            head=record.run.head,
            base=record.run.base,
            profiles=tuple(report.profile for report in store.reports(run_id)),
            seen=seen,
            evidence_url=f"/runs/{key}",
            web_url=web_url(settings.api_url),
        )
        return Response(render_run(view), mimetype="text/html", headers=_HEADERS)

    @web.get("/runs/<key>/<anchor>/<name>")
    def evidence(key: str, anchor: str, name: str) -> Response:
        run_id = stresses.run_of_page(key)
        text = stresses.evidence(run_id).get(anchor) if run_id is not None else None
        files = evidence_files(evidence_from_json(json.loads(text))) if text is not None else {}
        if name not in files:
            abort(404, "There is no such evidence, or not any more.")
        if name == FILES["core"]:
            disposition = {"Content-Disposition": f"attachment; filename={anchor}.core.gz"}
            return Response(files[name], mimetype="application/gzip", headers={**_HEADERS, **disposition})
        return Response(files[name], content_type="text/plain; charset=utf-8", headers=_HEADERS)
