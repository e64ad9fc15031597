"""Rounds of five trials in the ledger, for tests that write from several processes."""

import numpy as np

from core.measures import MEASURES
from journal import SweepHead


def append_round(journal, name, at):
    """Five trials of the sweep `name` in one transaction."""
    head = SweepHead(name, name, "", ["AAA"], "f", {}, {}, "grid", "sharpe", 0, "twin", "2020-01-02", "2020-12-31", 250)
    sweep, _ = journal.ledger.begin(head)
    params = [{"at": at, "part": part} for part in range(5)]
    empty = np.zeros((5, 2))
    journal.ledger.append(sweep, range(5 * at, 5 * at + 5), params, np.zeros((5, len(MEASURES))), empty, empty)


def rounds(journal, name):
    """The round of each trial of the sweep `name`, in order."""
    return [each["at"] for sweep in journal.ledger.sweeps(name) for batch in journal.ledger.trials(sweep.id)
            for each in batch.params]
