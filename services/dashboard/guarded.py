"""What is shown where the API does not answer, wants a token, or says no. Imports Streamlit and what is beside it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from services.dashboard import access, markup
from services.dashboard.client import ApiProblem, NotServed, Unreachable, WrongToken

START = "cerebrolab serve api"
NOT_SET_UP = 409  # what is asked for is possible, once something is set
LOOK_S = 3.0  # between looks whether the API is there again


def shown(view: Callable[[], Any]) -> None:
    """Show a page; where the API is not reachable, or wants a token, what to do about it instead."""
    if not access.let_in():
        _ask_token("This dashboard asks for its token.")
        return
    try:
        view()
    except WrongToken:
        _ask_token("The API asks for a token." if not access.api().token else "The API knows another token.")
    except Unreachable as error:
        markup.title("The API is not reachable")
        markup.notice(str(error), "Start it with this command, or name another address with --api. This page looks again by itself.", "loss", START)
        _look_again()
    except ApiProblem as error:
        _tell(error)


@contextlib.contextmanager
def part() -> Iterator[None]:
    """A part of a page: what is wrong with it is told in its place, and the rest of the page goes on.

    Raises:
        Unreachable, WrongToken: these are of the whole page.
    """
    try:
        yield
    except (Unreachable, WrongToken):
        raise
    except ApiProblem as error:
        _tell(error)


@contextlib.contextmanager
def live() -> Iterator[None]:
    """A part that refreshes by itself: whatever is wrong is told in its place; it looks again."""
    try:
        yield
    except Unreachable:
        markup.notice("The API does not answer at the moment.", "This part looks again by itself.")
    except ApiProblem as error:
        _tell(error)


def _tell(error: ApiProblem) -> None:
    if isinstance(error, NotServed):
        markup.notice("This API is older than this dashboard.", "It does not serve what is shown here: update it, and start it again.", command=START)
    elif error.status == NOT_SET_UP:
        markup.empty(str(error))
    else:
        markup.notice(str(error), tone="loss")


def _ask_token(why: str) -> None:
    markup.title("Who is there?", why)
    with st.form("token", border=True):
        said = st.text_input("Token", type="password", autocomplete="off", help="The one the service was started with: CEREBROLAB_API_TOKEN, or its --token-file.")
        if not st.form_submit_button("Go on", type="primary"):
            return
    if access.say(said):
        st.rerun()
    markup.notice("That is not the token.", "Look into the file that --token-file names where the dashboard was started.", "loss")


@st.fragment(run_every=LOOK_S)
def _look_again() -> None:
    if access.api().alive():
        st.rerun()
