"""An Optuna study for a sweep: where it is stored, what it samples with, and that it is the same sweep as before.

Imports core and optimize.objective.
"""

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from core.errors import BadSpec, CerebrolabError, SourceUnavailable, StoreFailed, UnknownName, UsageError
from core.space import Choice, Dimension, Range, Space
from optimize.objective import Objective

if TYPE_CHECKING:
    import optuna

METHODS = ("tpe", "cmaes", "nsga2")
DEFINITION = "definition"  # user attribute of a study: what is swept
TRIES = 3
HEARTBEAT_S = 5
GRACE_S = 20  # a running trial without a heartbeat for so long belongs to a dead process
RETRIES = 3  # of a trial whose process died
Answer = TypeVar("Answer")


def open_study(storage: str | Path | None, name: str, objectives: Sequence[Objective], method: str, seed: int, space: Space,
               about: Mapping[str, Any] | None = None, grace_s: int = GRACE_S) -> "optuna.Study":
    """The study of this name, new or to be gone on with.

    Args:
        storage: an SQLite file, or an address such as "postgresql://user@host/base" that several machines share; None
            keeps it in memory. about: what else must be the same to go on, such as the data's fingerprint; texts and
            numbers. grace_s: whole seconds after which a trial of a dead process is played again.

    Raises:
        UnknownName: no such method. BadSpec: the method cannot search the space, or the study is of another sweep.
        SourceUnavailable: the storage does not answer. StoreFailed: the file cannot be used.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    definition = {"space": space.to_dict(), "objective": [str(each) for each in objectives], **(about or {})}
    definition = json.loads(json.dumps(definition))
    sampler_of(method, seed, space, objectives)  # before anything is written
    address = _Address(storage)
    backend = address.open(grace_s)
    directions: list[Any] = ["minimize" if each.minimize else "maximize" for each in objectives]
    try:
        study = reached(address.shown, lambda: optuna.create_study(storage=backend, study_name=name, directions=directions))
        study.set_user_attr(DEFINITION, definition)
    except optuna.exceptions.DuplicatedStudyError:
        study = reached(address.shown, lambda: optuna.load_study(storage=backend, study_name=name))
        _check_same(name, study.user_attrs.get(DEFINITION, definition), definition)
        seed = (seed + os.getpid() + len(study.get_trials(deepcopy=False))) % 2**32  # the others' draws are not to be repeated
    study.sampler = sampler_of(method, seed, space, objectives)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=5)
    return study


def close_study(study: "optuna.Study") -> None:
    """Close the connections of a study's storage."""
    backend = getattr(study._storage, "_backend", None)
    if backend is not None:
        backend.remove_session()
        backend.engine.dispose()


def address_of(study: "optuna.Study") -> str:
    """Where a study is stored, without its password."""
    backend = getattr(study._storage, "_backend", None)
    return "memory" if backend is None else _Address(str(backend.url)).shown


def sampler_of(method: str, seed: int, space: Space, objectives: Sequence[Objective]) -> "optuna.samplers.BaseSampler":
    """Optuna's sampler for a method.

    Raises:
        UnknownName: no such method. BadSpec: it cannot search the space, or takes one objective only.
    """
    import optuna

    if method not in METHODS:
        raise UnknownName.of("method", method, METHODS)
    varied = {name: each for name, each in space.dimensions.items() if not is_fixed(each)}
    if not varied:
        raise BadSpec("no parameter varies: give one a range, such as -p fast=5:100:5")
    if method == "cmaes":
        _check_cmaes(varied, objectives)
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if method == "nsga2":
        return optuna.samplers.NSGAIISampler(seed=seed)
    with quiet():
        return optuna.samplers.TPESampler(seed=seed, multivariate=True)


def _check_cmaes(varied: Mapping[str, Dimension], objectives: Sequence[Objective]) -> None:
    choices = [name for name, each in varied.items() if isinstance(each, Choice)]
    if choices:
        raise BadSpec(f"cmaes searches ranges of numbers, and {', '.join(choices)} is a choice: use --method tpe")
    if len(varied) < 2:
        raise BadSpec(f"cmaes searches two or more ranges, and {', '.join(varied)} is the only one: use --method tpe")
    if len(objectives) > 1:
        raise BadSpec(f"cmaes takes one objective, not {len(objectives)}: use --method nsga2")


def distributions(space: Space) -> dict[str, "optuna.distributions.BaseDistribution"]:
    """Optuna's distributions of the dimensions that vary."""
    return {name: _distribution(each) for name, each in space.dimensions.items() if not is_fixed(each)}


def params_of(space: Space, suggested: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a trial: what Optuna suggested, on the steps of each range, and what is fixed."""
    return {name: _value(each, suggested[name]) if name in suggested else _only(each)
            for name, each in space.dimensions.items()}


def is_fixed(dimension: Dimension) -> bool:
    """Whether it has a single value."""
    if isinstance(dimension, Range) and dimension.step is None:
        return dimension.low == dimension.high
    return len(dimension) == 1


def _distribution(dimension: Dimension) -> "optuna.distributions.BaseDistribution":
    import optuna.distributions as kinds

    if isinstance(dimension, Choice):
        return kinds.CategoricalDistribution(dimension.values)
    if dimension.step is None:
        return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    last, step = dimension[len(dimension) - 1], dimension.step
    if dimension.whole:
        return kinds.IntDistribution(int(dimension.low), int(last), log=dimension.log, step=1 if dimension.log else int(step))
    return kinds.FloatDistribution(dimension.low, last, log=dimension.log, step=None if dimension.log else step)


def _value(dimension: Dimension, value: Any) -> Any:
    if isinstance(dimension, Choice) or dimension.step is None:
        return value
    return dimension[min(round((value - dimension.low) / dimension.step), len(dimension) - 1)]


def _only(dimension: Dimension) -> Any:
    return dimension.low if isinstance(dimension, Range) else dimension[0]


def _check_same(name: str, stored: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    for key in {**definition, **stored}:
        if stored.get(key) != definition.get(key):
            raise BadSpec(f"the study {name!r} has another {key}: {stored.get(key)}, not {definition.get(key)}; "
                          "name another study, or repeat the sweep as it was")


class _Address:
    """Where a study is stored."""

    def __init__(self, storage: str | Path | None) -> None:
        text = str(storage or "").removeprefix("sqlite:///")
        self.file = Path(text).absolute() if text and "://" not in text else None
        self.url = f"sqlite:///{self.file}" if self.file else storage and str(storage)

    @property
    def shown(self) -> str:
        """The address without its password."""
        return str(self.file) if self.file else self._parsed.render_as_string(hide_password=True) if self.url else "memory"

    @property
    def _parsed(self) -> Any:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            found = make_url(self.url or "")
        except ArgumentError:
            raise BadSpec("the storage address is not understood: write a file, or postgresql://USER:PASSWORD@HOST/BASE") from None
        known = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
        return found.set(drivername=known.get(found.drivername, found.drivername))

    def open(self, grace_s: int) -> "optuna.storages.BaseStorage":
        """The storage."""
        import optuna
        import sqlalchemy.event

        if not self.url:
            return optuna.storages.InMemoryStorage()
        if self.file:
            _make_folder(self.file)
        url = self._parsed
        waits = {"timeout": 60.0} if url.drivername.startswith("sqlite") else {"connect_timeout": 10}
        options = {"connect_args": waits, "pool_pre_ping": True}

        def opened() -> "optuna.storages.BaseStorage":
            with quiet():
                storage = optuna.storages.RDBStorage(
                    url.render_as_string(hide_password=False), options, heartbeat_interval=min(HEARTBEAT_S, grace_s),
                    grace_period=grace_s, heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(RETRIES))
            if self.file:
                storage.engine.dispose()
                sqlalchemy.event.listen(storage.engine, "connect", _write_ahead)
                _take_in_turn(storage, self.file)
            return storage

        return reached(self.shown, opened)


def _take_in_turn(storage: Any, file: Path) -> None:
    """Have processes take waiting trials one after the other: SQLite does not lock the row that it reads before it changes it."""
    import optuna
    from filelock import FileLock

    change, turn = storage.set_trial_state_values, FileLock(f"{file}.lock")

    def in_turn(trial_id: int, state: "optuna.trial.TrialState", values: Sequence[float] | None = None) -> bool:
        if state != optuna.trial.TrialState.RUNNING:
            return change(trial_id, state, values)
        with turn:
            return change(trial_id, state, values)

    storage.set_trial_state_values = in_turn


def _write_ahead(connection: Any, _: object) -> None:
    """Writers do not wait for the disk, nor for readers; a killed process loses nothing."""
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(f"cannot write the study {file}: {error.strerror}; name another file") from None


def reached(address: str, call: Callable[[], Answer]) -> Answer:
    """What a call to the storage answers; it is tried three times.

    Raises:
        SourceUnavailable: it did not answer. StoreFailed: the file cannot be used. UsageError: a driver is missing.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError

    reason: object = ""
    for attempt in range(TRIES):
        try:
            return call()
        except (OperationalError, StorageInternalError) as error:
            reason = error.orig if isinstance(error, OperationalError) else error.__cause__
            if attempt < TRIES - 1:
                time.sleep(0.3 * 3**attempt)
        except DBAPIError as error:
            raise StoreFailed(f"{address} cannot hold a study: {_line(error.orig)}; name another") from None
        except (ImportError, NoSuchModuleError) as error:
            raise UsageError(f"no driver for {address} is installed ({_line(error)}): pip install 'psycopg[binary]', or name a "
                             "file") from None
        except RuntimeError as error:  # another version's tables
            raise StoreFailed(f"{address} cannot hold a study: {_line(error)}") from None
    raise _unreached(address, reason)


def _unreached(address: str, reason: object) -> CerebrolabError:
    advice = "check the address and that the server runs" if "://" in address else "name a file that can be written"
    kind = SourceUnavailable if "://" in address else StoreFailed
    return kind(f"the study storage {address} did not answer (tried {TRIES} times): {_line(reason)}; finished trials are kept; "
                f"{advice}")


def _line(reason: object) -> str:
    return " ".join(str(reason).split())


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's warnings of experimental parts, and that heartbeats belong to `optimize`."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", "Heartbeat of storage")
        yield
