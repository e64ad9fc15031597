"""`create_app`: the dashboard as an ASGI application, which lets its pages load from nowhere else. Imports Streamlit and Starlette."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util
from streamlit.web import bootstrap

PAGES = ("/signals", "/backtest", "/sweep", "/strategies", "/data", "/subscriptions")  # of app.py, but the first, which is at the root
SCRIPT = Path(__file__).parent / "app.py"
OPTIONS: Mapping[str, Any] = {
    "server.headless": True, "server.fileWatcherType": "none", "server.enableCORS": True, "server.enableXsrfProtection": True,
    "server.enableStaticServing": False, "browser.gatherUsageStats": False, "client.toolbarMode": "minimal", "client.showErrorDetails": "none",
    "logger.level": "warning", "logger.enableRich": False, "theme.showWidgetBorder": True,
    "theme.light.primaryColor": "#2456e6", "theme.light.backgroundColor": "#f5f6f8", "theme.light.secondaryBackgroundColor": "#ffffff",
    "theme.light.textColor": "#1b1f27", "theme.dark.primaryColor": "#4c82f7", "theme.dark.backgroundColor": "#0e1116",
    "theme.dark.secondaryBackgroundColor": "#1b212b", "theme.dark.textColor": "#e7eaf0"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
                               "font-src 'self' data:; worker-src 'self' blob:; frame-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
                               "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
ROOT = "window.__streamlit = {BACKEND_BASE_URL: location.origin + '/', MAIN_PAGE_BASE_URL: location.origin + '/'}"


def create_app(host: str, port: int, hosts: Sequence[str] = ()) -> ASGIApp:
    """The application.

    Args:
        host, port: where it will be served. hosts: names under which it may be called; () = any.
    """
    bootstrap.load_config_options({**OPTIONS, "server.address": host, "server.port": port, "server.allowedHosts": list(hosts)})
    return st.App(SCRIPT, routes=[Route(path, _index) for path in ("/", *PAGES)], middleware=[Middleware(Guarded)])


class Guarded:
    """Adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, guarded)


async def _index(request: Request) -> HTMLResponse:
    return HTMLResponse(_page(), headers={"Cache-Control": "no-cache"})


@cache
def _page() -> str:
    """The page of Streamlit, told where the root is, so that the address of a page is not tried as one."""
    page = Path(file_util.get_static_dir(), "index.html").read_text(encoding="utf-8")
    return page.replace("<title>Streamlit</title>", "<title>cerebrolab</title>").replace("<head>", f"<head><script>{ROOT}</script>", 1)
