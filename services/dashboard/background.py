"""Jobs of the API that a page has begun: their progress, how they are ended, and what came out. Imports Streamlit and what is beside it."""

from html import escape
from typing import Any

import streamlit as st

from services.dashboard import access, guarded, markup, words

ACTIVE = ("waiting", "running")
LOOK_S = 0.5


def begin(place: str, path: str, body: Any) -> None:
    """Ask for a job and remember it under the name of a place on a page; what is wrong with it is told there."""
    _forget(place)
    with guarded.part():
        st.session_state[_key(place)] = access.api().post(path, body)["id"]


def outcome(place: str) -> Any:
    """The job of a place once it is done; before that its progress is shown, and why it has failed; None without one that is done."""
    name = st.session_state.get(_key(place))
    if name is None:
        return None
    with guarded.part():
        job = access.api().get(f"/jobs/{name}")
        if job["state"] == "done":
            return job
        if job["state"] in ACTIVE:
            _progress(place, name)
        else:
            problem = (job["problem"] or {}).get("detail", "It was ended before it was done." if job["state"] == "cancelled" else "It is lost: the API ended meanwhile.")
            markup.notice(f"{words.label(job['kind'])}: {job['state']}", problem, "warn" if job["state"] == "cancelled" else "loss")
    return None


@st.fragment(run_every=LOOK_S)
def _progress(place: str, name: str) -> None:
    with guarded.live():
        job = access.api().get(f"/jobs/{name}")
        if job["state"] not in ACTIVE:
            st.rerun()
        stage = job["stage"] or ("waits for its turn" if job["state"] == "waiting" else "begins")
        st.html(f'<div class="progress" role="status"><progress max="1" value="{job["progress"]:.4f}" aria-label="progress"></progress>'
                f"<span>{words.percent(job['progress'])} · {escape(stage)}</span></div>")
        if st.button("Cancel", key=f"cancel {place}"):
            access.api().delete(f"/jobs/{name}")
            st.rerun()


def report(path: str, name: str) -> None:
    """The whole report of a run or job: in its frame once it is asked for, and as a file."""
    if st.toggle("Show the whole report", key=f"report {path}"):
        with guarded.part():
            page = access.api().page(path)
            st.download_button("Save the report", page, f"{name}.html", "text/html", on_click="ignore")
            st.iframe(page, height=900)


def _key(place: str) -> str:
    return f"job of {place}"


def _forget(place: str) -> None:
    st.session_state.pop(_key(place), None)
