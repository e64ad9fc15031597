"""As many trials at the same time as the memory is enough for."""

import logging

import pytest

from optimize import memory
from optimize.executors import Here


@pytest.fixture(name="machine")
def _machine(tmp_path, monkeypatch):
    """`machine(free_mb, group=(most, used, given_back))`: what the system says, in MB."""
    def say(free_mb=None, group=None):
        if free_mb is not None:
            (tmp_path / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:  {free_mb * 1000} kB\n")
        if group:
            for name, text in zip(("memory.max", "memory.current", "memory.stat"), group, strict=True):
                (tmp_path / name).write_text(f"{text}\n")

    monkeypatch.setattr(memory, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    return say


def test_what_is_free_is_the_least_of_machine_and_container(machine):
    assert memory.available() is None
    machine(500)
    assert memory.available() == 512_000_000
    machine(group=("max", "7", "anon 5"))
    assert memory.available() == 512_000_000
    machine(group=("100000000", "90000000", "anon 5\nactive_file 7000000\ninactive_file 3000000"))
    assert memory.available() == 20_000_000
    machine(group=("100", "200", "anon 5"))
    assert memory.available() == 0


@pytest.mark.parametrize("shape, together", [((500, 1), 512), ((2_520, 100), 66), ((5_040, 5_000), 1), ((0, 3), 512)])
def test_trials_of_large_panels_are_played_one_by_one(shape, together):
    assert memory.trials_together(shape) == together


def test_threads_wait_where_the_memory_is_not_enough_and_the_log_says_so(machine, twin, trials, chunks, gathered, assert_same, caplog):
    machine(2_000)
    assert memory.chunks_at_once((5_040, 5_000), 4) == 2  # of 428 MB each, in half of it
    assert "2 instead of 4 threads play at once: a trial on 5,040 bars x 5,000 symbols takes up to 428 MB, and 2,048 MB are free" in caplog.text
    caplog.clear()
    assert memory.chunks_at_once((504, 5), 4) == 8 and memory.chunks_at_once((5_040, 5_000), 1) == 2 and not caplog.text
    machine(0)
    taken = []
    with caplog.at_level(logging.WARNING), Here(twin, 3) as here:
        assert_same(gathered(here.play(taken.append(each) or each for each in chunks(trials))), twin, trials)
        assert "1 instead of 3 threads play at once" in caplog.text
        taken.clear()
        outcomes = here.play(taken.append(each) or each for each in chunks(trials))
        next(outcomes)
        assert len(taken) == 1
        outcomes.close()
