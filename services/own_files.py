"""What a specification from outside may not name unless that is allowed: code and files of this machine. Imports core only."""

from core.errors import UsageError
from core.spec import RunSpec

ADVICE = "is a file or code of this machine, which is not taken from outside: "


def is_code(name: str) -> bool:
    """Whether the name of a strategy or sizer is code of one's own: "file.py:Class", "module:Class"."""
    return ":" in name or name.endswith(".py")


def refuse(spec: RunSpec) -> None:
    """Raise `UsageError` if a specification names code or files of this machine."""
    for name in ("strategy", "sizer"):
        if is_code(str(getattr(spec, name) or "")):
            raise UsageError(f"{name} {getattr(spec, name)!r:.60} {ADVICE}name a shipped one")
    if spec.source.partition(":")[0] == "csv" or any(symbol.lower().endswith(".csv") for symbol in spec.symbols):
        raise UsageError(f"source {spec.source!r:.60} {ADVICE}name sample, yahoo, alpaca or synthetic")
    for name in ("universe", "events", "sectors", "shorts"):
        if getattr(spec, name) is not None:
            raise UsageError(f"{name} {getattr(spec, name)!r:.60} {ADVICE}leave it out")
