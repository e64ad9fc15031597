"""Compiled code that is older than what it calls is compiled anew."""

import os
import subprocess
import sys
from pathlib import Path

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


FRESH = """
from pathlib import Path
from engine.twin.batch import compiled, play_many
print(compiled())
folder = Path(play_many._cache.cache_path)
folder.mkdir(parents=True, exist_ok=True)
(folder / "batch.play_many-1.py311.nbi").touch()
print(compiled())
"""


def test_it_is_known_whether_the_first_call_will_compile(tmp_path):
    shown = subprocess.run([sys.executable, "-c", FRESH], env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, capture_output=True,
                           text=True, check=True, cwd=Path(__file__).parents[2])
    assert shown.stdout.split() == ["False", "True"]
