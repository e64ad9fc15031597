"""A report's directory: written whole or not at all, read back equal, never at the cost of something else."""

import dataclasses
import json
import math
import os
import stat
from pathlib import Path

import numpy as np
import pytest

import reports
from core.bars import Origin
from core.errors import BadSpec, CorruptFile, StoreFailed
from core.spec import RunSpec
from reports import archive


def same(left, right):
    """Equality that counts NaN as equal."""
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if isinstance(left, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def save(result, directory):
    """A report without its drawings."""
    return archive.save(result, directory, "<!DOCTYPE html>", {"equity": b"a picture", "monthly": b"another"})


def content(directory):
    return {path.name: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


def test_what_is_in_it(make_result, tmp_path):
    page = reports.write(make_result(), tmp_path / "run")
    assert page == tmp_path / "run" / "report.html"
    assert {path.name for path in page.parent.iterdir()} == {
        "report.html", "result.json", "spec.toml", "bars.parquet", "panels.parquet", "figures"}
    assert {path.name for path in (page.parent / "figures").iterdir()} == {
        "equity.png", "drawdown.png", "exposure.png", "monthly.png", "trades-1-AAA.png", "trades-2-BBB.png"}
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_the_run_reads_back_equal(make_result, make_bars, tmp_path):
    market = make_bars(150, actions=True, origin=Origin("synthetic", True, "seed 7"))
    result = make_result(market, trades=5, rejected=2, params={"fast": 5}, warnings=["look out"])
    save(result, tmp_path / "run")
    found = reports.load(tmp_path / "run")
    for field in dataclasses.fields(result):
        left, right = getattr(result, field.name), getattr(found, field.name)
        if field.name == "bars":
            assert right.fingerprint == left.fingerprint and right.origin == left.origin
        elif field.name == "spec":
            assert right == left
        elif isinstance(left, dict):
            assert left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
        else:
            assert same(left, right), field.name
    assert isinstance(found.trades[0].entry_session, np.datetime64)


def test_infinite_and_undefined_measures_survive_as_strict_json(make_result, tmp_path):
    result = make_result(trades=0)
    result.metrics.update(profit_factor=math.inf, alpha=-math.inf)
    save(result, tmp_path / "run")
    text = (tmp_path / "run" / "result.json").read_text(encoding="utf-8")
    document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert document["metrics"]["win_rate"] is None and document["metrics"]["profit_factor"] == "inf"
    found = reports.load(tmp_path / "run").metrics
    assert math.isnan(found["win_rate"]) and found["profit_factor"] == math.inf and found["alpha"] == -math.inf


def test_json_holds_what_a_program_needs(make_result, tmp_path):
    result = make_result(rejected=1)
    save(result, tmp_path / "run")
    document = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    assert document["summary"]["final_value"] == result.final_value
    assert document["summary"]["rejected"] == 1
    assert document["data"] | {"bars": 300, "first": "2019-01-02", "source": "sample"} == document["data"]
    assert document["data"]["fingerprint"] == result.bars.fingerprint
    assert len(document["fills"]) == 6 and len(document["trades"]) == 3 and len(document["orders"]) == 7


def test_the_spec_runs_again_and_keeps_no_secret(make_result, tmp_path):
    result = make_result(params={"fast": 5, "api_key": "hunter2"}, commission="0.1%")
    reports.write(result, tmp_path / "run")
    spec = RunSpec.from_toml(tmp_path / "run" / "spec.toml")
    assert spec.params == {"fast": 5, "api_key": "***"} and spec.commission == "0.1%"
    assert all(b"hunter2" not in text for text in content(tmp_path / "run").values())


def test_redrawing_gives_the_same_files(make_result, tmp_path):
    reports.write(make_result(), tmp_path / "run")
    before = content(tmp_path / "run")
    assert reports.redraw(tmp_path / "run") == tmp_path / "run" / "report.html"
    after = content(tmp_path / "run")
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] != after[name]} == set()


def test_an_older_report_is_replaced_and_other_files_in_it_stay(make_result, tmp_path):
    archive.save(make_result(trades=3), tmp_path / "run", "old", {"trades-1-AAA": b"older"})
    (tmp_path / "run" / "notes.txt").write_text("mine", encoding="utf-8")
    save(make_result(trades=0), tmp_path / "run")
    assert (tmp_path / "run" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert {path.name for path in (tmp_path / "run" / "figures").iterdir()} == {"equity.png", "monthly.png"}
    assert reports.load(tmp_path / "run").trades == []
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


def test_an_empty_directory_will_do_and_parents_are_made(make_result, tmp_path):
    (tmp_path / "empty").mkdir()
    save(make_result(trades=0), tmp_path / "empty")
    save(make_result(trades=0), tmp_path / "a" / "b" / "c")
    assert reports.load(tmp_path / "a" / "b" / "c").trades == []


def test_something_else_is_never_overwritten(make_result, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years of work", encoding="utf-8")
    (tmp_path / "file").write_text("text", encoding="utf-8")
    before = content(tmp_path)
    with pytest.raises(BadSpec, match="thesis is not empty and holds no report: name another directory"):
        reports.write(make_result(trades=0), tmp_path / "thesis")
    with pytest.raises(BadSpec, match="file is a file: name a directory"):
        save(make_result(trades=0), tmp_path / "file")
    assert content(tmp_path) == before


def test_the_current_directory_is_not_pulled_away(make_result, tmp_path, monkeypatch):
    save(make_result(trades=0), tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run" / "figures")
    with pytest.raises(BadSpec, match="is the current directory"):
        save(make_result(trades=0), Path(".."))
    assert (tmp_path / "run" / "figures").samefile(Path.cwd())


def test_a_link_stays_a_link(make_result, tmp_path):
    save(make_result(trades=1), tmp_path / "real")
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    assert save(make_result(trades=0), tmp_path / "latest") == tmp_path / "latest" / "report.html"
    assert (tmp_path / "latest").is_symlink() and reports.load(tmp_path / "real").trades == []


@pytest.mark.parametrize("moment", ["filling", "swapping"])
def test_a_failed_write_leaves_the_older_report_whole(make_result, tmp_path, monkeypatch, moment):
    target = tmp_path / "run"
    save(make_result(trades=2), target)
    before = content(target)
    full = OSError(28, "No space left on device")
    if moment == "filling":
        write = Path.write_bytes
        monkeypatch.setattr(Path, "write_bytes", lambda path, data: (_ for _ in ()).throw(full)
                            if path.name == "monthly.png" else write(path, data))
    else:
        rename = Path.rename
        monkeypatch.setattr(Path, "rename", lambda path, to: (_ for _ in ()).throw(full)
                            if path.name == "new" else rename(path, to))
    with pytest.raises(StoreFailed, match="No space left on device"):
        save(make_result(trades=0), target)
    monkeypatch.undo()
    assert content(target) == before
    assert list(tmp_path.iterdir()) == [target]


def test_others_may_read_it_as_the_umask_says(make_result, tmp_path):
    previous = os.umask(0o022)
    try:
        save(make_result(trades=0), tmp_path / "run")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o755


def test_no_report_is_one_clear_line(tmp_path):
    for directory in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadSpec, match=r"^no report in .*: name a directory written by a backtest$"):
            reports.load(directory)
        with pytest.raises(BadSpec):
            reports.redraw(directory)


DAMAGE = {
    "truncated JSON": lambda run: (run / "result.json").write_text('{"format": 1, "sum', encoding="utf-8"),
    "JSON of something else": lambda run: (run / "result.json").write_text("[]", encoding="utf-8"),
    "a later format": lambda run: (run / "result.json").write_text('{"format": 99}', encoding="utf-8"),
    "missing bars": lambda run: (run / "bars.parquet").unlink(),
    "truncated panels": lambda run: (run / "panels.parquet").write_bytes((run / "panels.parquet").read_bytes()[:-99]),
    "foreign panels": lambda run: (run / "panels.parquet").write_bytes((run / "bars.parquet").read_bytes()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_report_is_one_clear_line(make_result, tmp_path, damage):
    save(make_result(trades=1), tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(CorruptFile, match="is damaged") as caught:
        reports.load(tmp_path / "run")
    assert "\n" not in str(caught.value) and "run the backtest again" in str(caught.value)


def test_bars_of_another_run_are_noticed(make_result, make_bars, tmp_path):
    for name, seed in (("one", 1), ("two", 2)):
        save(make_result(make_bars(seed=seed), trades=0), tmp_path / name)
    (tmp_path / "two" / "panels.parquet").replace(tmp_path / "one" / "panels.parquet")
    with pytest.raises(CorruptFile, match="not those of the run"):
        reports.load(tmp_path / "one")
