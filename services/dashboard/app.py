"""The script that Streamlit runs for every visit: the navigation and the page that was chosen."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from services.dashboard import guarded, markup
from services.dashboard.views import account, backtest, data, signals, strategies, subscriptions, sweep

PAGES: tuple[tuple[str, str, Callable[[], Any]], ...] = (
    ("Account", "account", account.show), ("Signals", "signals", signals.show), ("Backtest", "backtest", backtest.show),
    ("Sweep", "sweep", sweep.show), ("Strategies", "strategies", strategies.show), ("Data", "data", data.show),
    ("Subscriptions", "subscriptions", subscriptions.show))

chosen = st.navigation([st.Page(partial(guarded.shown, view), title=title, url_path=path, default=path == "account")
                        for title, path, view in PAGES], position="top")
st.set_page_config(page_title=f"{chosen.title} · cerebrolab", page_icon=str(markup.ICON), layout="wide")
st.html(markup.STYLE)
chosen.run()
