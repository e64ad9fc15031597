"""What the routes over sweeps and verdicts take and answer, as pydantic models. Imports the journal, numpy and pydantic.

Arrays of float64 and float32 are base64 of their bytes, little-endian. Moments are UTC nanoseconds.
"""

import base64
import binascii
from typing import Annotated, Any, Self

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from core.measures import MEASURES
from journal import TrialBatch
from services.api.parts import Body
from services.api.record_bodies import Facts, LongText, Name, Number, Page, Symbol, Text
from services.api.run_bodies import MOST_RECORDS, Count, Finite, Int64, Universe

MOST_TRIALS, MOST_NUMBERS = 1_000, 100_000  # in one answer
Value = bool | int | Finite | Annotated[str, StringConstraints(max_length=1_000)]
Packed = Annotated[bytes, BeforeValidator(lambda text: _unpacked(text)), PlainSerializer(lambda raw: base64.b64encode(raw).decode()),
                   WithJsonSchema({"type": "string", "contentEncoding": "base64"})]


def _unpacked(text: Any) -> bytes:
    try:
        return text if isinstance(text, bytes) else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("Value should be base64") from None


class NewSweep(Body):
    """What makes a sweep the same sweep again; an unfinished one with this key is gone on with."""

    key: Name
    strategy: LongText
    strategy_source: LongText
    universe: Universe
    fingerprint: Text
    spec: Facts
    space: Facts
    method: Text
    objective: Text
    seed: Int64
    engine: Text
    start: Text
    end: Text
    sessions: Count


class Sweep(BaseModel):
    """A sweep as it was recorded."""

    id: int
    key: str
    created_ns: int
    finished_ns: int | None
    strategy: str
    strategy_source: str
    universe: list[str]
    fingerprint: str
    spec: dict[str, Any]
    space: dict[str, Any]
    method: str
    objective: str
    seed: int
    engine: str
    start: str
    end: str
    sessions: int


class SweepsAsked(Body):
    """Which sweeps: of a strategy, and on these symbols; null = any."""

    strategy: LongText | None = None
    universe: Universe | None = None
    after: Count = 0
    limit: Annotated[int, Field(ge=1, le=MOST_TRIALS)] = 100


class SweepPage(Page):
    """Sweeps, the first first."""

    sweeps: list[Sweep]


class CountedSweep(Sweep):
    """A sweep, and how many of its trials are recorded."""

    trials: int


class LatestSweeps(BaseModel):
    """Sweeps, the last first."""

    sweeps: list[CountedSweep]


class Measured(BaseModel):
    """A trial as people read it."""

    number: int
    params: dict[str, Any]
    measures: dict[str, float | None] = Field(description="By name; null where not defined.")


class MeasuredPage(Page):
    """Trials in the order of their numbers."""

    trials: list[Measured]


class TrialCount(BaseModel):
    """How many trials are recorded."""

    trials: int


class NumberPage(Page):
    """The numbers of trials that are recorded, in order."""

    numbers: list[int]


class Trials(BaseModel):
    """Trials of one sweep."""

    names: list[Name] = Field(max_length=100, description="Of the measures, in their order.")
    numbers: list[Count] = Field(max_length=MOST_RECORDS)
    params: list[dict[Text, Value]] = Field(max_length=MOST_RECORDS)
    measures: Packed = Field(description="Base64 of (trials, measures) float64, NaN where not defined.")
    blocks: Packed = Field(description="Base64 of (trials, 2, blocks) float32: sums of session returns by block, then sums of their squares.")


class NewTrials(Trials):
    """Trials to record, all or none; those whose number is recorded already are left as they are."""

    finished: bool = Field(default=False, description="The sweep is complete with them.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.names != list(MEASURES):
            raise ValueError(f"names must be those of this version, {', '.join(MEASURES)}")
        m = len(self.numbers)
        if len(self.params) != m:
            raise ValueError(f"params must be as many as numbers, {m}, not {len(self.params)}")
        if len(self.measures) != m * len(MEASURES) * 8:
            raise ValueError(f"measures must be {m} x {len(MEASURES)} float64, {m * len(MEASURES) * 8} bytes, not {len(self.measures)}")
        if len(self.blocks) % (8 * m or 1) or bool(self.blocks) != bool(m):
            raise ValueError(f"blocks must be {m} x 2 x as many float32 as there are blocks, not {len(self.blocks)} bytes")
        return self

    def batch(self) -> TrialBatch:
        """The trials as the journal has them."""
        m = len(self.numbers)
        blocks = np.frombuffer(self.blocks, "<f4").reshape(m, 2, -1 if m else 0)
        measures = np.frombuffer(self.measures, "<f8").reshape(m, len(MEASURES))
        return TrialBatch(np.array(self.numbers, np.int64), self.params, measures, blocks[:, 0], blocks[:, 1])


class TrialPage(Trials, Page):
    """Trials in the order of their numbers."""


class NewVerdict(Body):
    """What the gate says of a strategy's source with these parameters on these symbols and data."""

    key: Name | None = Field(default=None, description="Names the verdict, so that telling it twice records it once.")
    run_id: Number | None = None
    strategy: LongText
    strategy_source: LongText
    params: Facts
    universe: list[Symbol] = Field(max_length=50_000)
    fingerprint: Text
    passed: bool
    reasons: list[LongText] = Field(max_length=1_000)
    numbers: Facts
