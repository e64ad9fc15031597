"""Where the API is and who may look: from the environment that `cerebrolab serve dashboard` sets; a visitor's token stays in the session.

Imports Streamlit and what is beside it.
"""

import hmac
import os

import streamlit as st

from services.dashboard.client import Client, client_of

API, TOKEN, ASKS = "DASHBOARD_API", "DASHBOARD_TOKEN", "DASHBOARD_ASKS"
_SAID = "token that was said"


def api() -> Client:
    """The API, with the token of the visitor or else of the command."""
    return client_of(os.environ.get(API, "http://127.0.0.1:8000"), st.session_state.get(_SAID) or os.environ.get(TOKEN, ""))


def let_in() -> bool:
    """Whether the visitor may look: from this machine everybody, from others who has said the token."""
    return not os.environ.get(ASKS) or _SAID in st.session_state


def say(token: str) -> bool:
    """Note the token a visitor has said; False = it is wrong."""
    token, known = token.strip(), os.environ.get(TOKEN, "")
    right = hmac.compare_digest(token.encode(), known.encode()) if os.environ.get(ASKS) else token.isascii() and token.isprintable()
    if right and token:
        st.session_state[_SAID] = token
    return bool(right and token)
