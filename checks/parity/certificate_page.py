"""The certificate as files: JSON, and a page to read, in Markdown. Imports core and the modules beside it."""

import json
from collections.abc import Sequence
from pathlib import Path

from checks.parity.certificate import Certificate, plain
from checks.parity.story import State
from core.errors import StoreFailed

DATA, PAGE = "certificate.json", "certificate.md"
SHOWN = 200  # differences on the page; the JSON has all
HEADS = ("class", "bar (UTC)", "symbol", "simulated", "alpaca", "cost", "explanation")
MEANING = {
    "data": "a bar was seen by one side only, later, or with other prices",
    "timing": "decided, sent or filled in another bar",
    "fill": "filled at another price, or another number of shares",
    "sizing": "another number of shares was asked for, or nothing",
    "rejection": "refused on one side only",
}


def write(certificate: Certificate, directory: Path) -> Path:
    """Write `certificate.json` and `certificate.md` into a directory; the path of the page.

    Raises:
        StoreFailed: they cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / DATA).write_text(json.dumps(plain(certificate.summary()), indent=1), encoding="utf-8")
        (directory / PAGE).write_text(page_of(certificate), encoding="utf-8")
    except OSError as error:
        raise StoreFailed(f"the certificate cannot be written to {directory}: {error.strerror or error}; name another folder with --out") from None
    return directory / PAGE


def page_of(certificate: Certificate) -> str:
    """The page: the verdict first, then what was compared, then what differed."""
    parts = [[f"# Parity certificate: {certificate.spec['strategy']}"], [_verdict(certificate)], _ends(certificate), ["## What was compared"],
             _compared(certificate), *_differences(certificate), ["## Spec"], ["```json", json.dumps(plain(dict(certificate.spec)), indent=1), "```"]]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _verdict(certificate: Certificate) -> str:
    verdict = certificate.verdict
    if verdict.name == "nothing traded":
        return "**Nothing traded**: no order was filled on both sides, so nothing is certified. Play more sessions, or other ones."
    unlike, unexplained = len(verdict.differences), len(verdict.unexplained)
    if not unlike:
        said = "**Pass**: backtest and live path did the same to the last order."
    elif not unexplained:
        said = f"**Pass**: backtest and live path differ in {unlike} points, and each is explained."
    else:
        said = f"**Fail**: backtest and live path differ in {unlike} points, and {unexplained} of them nothing explains."
    return f"{said} Of {verdict.orders} orders, {verdict.same} are alike in time, size, price and outcome."


def _ends(certificate: Certificate) -> list[str]:
    sides = list(certificate.ends)
    states = [certificate.ends[side] for side in sides]
    rows = [("value, USD", *(f"{state.value:,.2f}" for state in states)), ("cash, USD", *(f"{state.cash:,.2f}" for state in states)),
            ("holds", *(_held(state) for state in states))]
    return _table(("account at the end", *sides), rows)


def _held(state: State) -> str:
    return ", ".join(f"{size:g} {symbol}" for symbol, size in state.positions.items()) or "nothing"


def _compared(certificate: Certificate) -> list[str]:
    bars, (first, last) = certificate.bars, certificate.played
    wires = " and both websockets" if certificate.path == "streaming" else ""
    live = "live run bar by bar" if certificate.path == "streaming" else "daily run"
    facts = [("simulated", "the backtest's broker, with Alpaca's order rules"),
             ("alpaca", f"the {live}, on a local Alpaca over REST{wires}"),
             ("sessions", f"{first if first == last else f'{first} to {last}'}, in bars of {certificate.interval}"),
             ("bars", f"{bars['source']}: {', '.join(bars['symbols'])}; fingerprint `{bars['fingerprint']}`"
                      + ("; **synthetic**, no statement about any market" if bars["synthetic"] else "")),
             ("planted gaps", ", ".join(certificate.injected) or "none"),
             ("versions", ", ".join(f"{name} {number}" for name, number in certificate.versions.items())),
             *(("note", text) for text in certificate.notes)]
    return [f"- {name}: {text}" for name, text in facts]


def _differences(certificate: Certificate) -> list[list[str]]:
    verdict = certificate.verdict
    if not verdict.differences:
        return []
    costs = {kind: sum(each.cost for each in verdict.differences if each.kind == kind) for kind in MEANING}
    classes = [(kind, str(count), f"{costs[kind]:,.2f}", MEANING[kind]) for kind, count in verdict.counts.items() if count]
    explained = [each for each in verdict.differences if each.explanation]
    parts = [["## Differences"], ["Cost is what the side of Alpaca lost by it, in USD; below 0 it won."],
             _table(("class", "number", "cost", "what differs"), classes)]
    left = SHOWN
    for title, some in (("### Unexplained", verdict.unexplained), ("### Explained", explained)):
        if some[:left]:
            parts += [[title], _table(HEADS, certificate.rows(some[:left]))]
        left = max(left - len(some), 0)
    if len(verdict.differences) > SHOWN:
        parts.append([f"{len(verdict.differences) - SHOWN} more are in {DATA}."])
    return parts


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells]
