"""Compiled code that is older than what it calls is compiled anew."""

import os

from engine.twin.stale import forget


def test_compiled_functions_older_than_any_source_are_forgotten(tmp_path):
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    for name, moment in (("a.py", 100), ("b.py", 300), ("__pycache__/a.old.nbi", 200), ("__pycache__/a.new.nbi", 400)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    called = tmp_path.parent / f"{tmp_path.name}_called.py"
    called.touch()
    os.utime(called, (250, 250))
    assert forget(tmp_path, (called,)) == 1
    assert [each.name for each in cache.iterdir()] == ["a.new.nbi"]
    os.utime(called, (500, 500))
    assert forget(tmp_path, (called,)) == 1 and not list(cache.iterdir())
    assert forget(tmp_path / "nowhere", ()) == 0
