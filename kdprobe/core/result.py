"""A value with its interval, or a refusal with its reason: nothing else leaves a probe."""

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["estimate", "lower_bound", "upper_bound", "bracket"]
Status = Literal["ok", "unresolved", "capped", "infinite", "ties", "invalid"]
Estimand = Literal["this checkpoint", "this recipe"]

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A finite value with its interval.

    Parameters
    ----------
    value
        The estimate. For ``kind="bracket"``, the model value.
    low, high
        Ends of the 95 % interval, or of the bracket.
    n
        Number of independent units behind the interval: probe rows (or blocks of rows) for *this checkpoint*, seeds for
        *this recipe*.
    unit
        "" for a pure number, "nats", "target variances", ...
    kind
        What the value is: an estimate, a lower or an upper bound, or a bracket.
    status
        "ok", or what limits the value: see the page of the probe that gave it.
    estimand
        "this checkpoint": the interval speaks of these weights and of new rows. "this recipe": it speaks of new seeds.
    details
        Further finite numbers by name (``null_sd``, ``z``, ``p``, ...).
    curves
        Named curves, each a tuple of (x, y).
    notes
        Sentences that a reader of the value must know.

    Raises
    ------
    ValueError
        If a number is NaN or infinite, or if ``low > high``: such a result must be a `Refusal`.

    Examples
    --------
    >>> m = Measurement(value=0.5, low=0.4, high=0.6, n=100, unit="nats")
    >>> float(m)
    0.5
    >>> str(m)
    '0.500 nats [0.400, 0.600]'
    """

    value: float
    low: float
    high: float
    n: int
    unit: str = ""
    kind: Kind = "estimate"
    status: Status = "ok"
    estimand: Estimand = "this checkpoint"
    details: Mapping[str, float] = field(default_factory=dict[str, float])
    curves: Mapping[str, Curve] = field(default_factory=dict[str, Curve])
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            number = getattr(self, name)
            # numpy scalars are welcome, but only plain floats are kept: they print, hash and serialise alike
            object.__setattr__(self, name, float(number))
            if not math.isfinite(number):
                raise ValueError(f"{name}={number!r} is not finite: a question without an answer needs a Refusal")
        if self.low > self.high:
            raise ValueError(f"low={self.low!r} lies above high={self.high!r}")
        for key, number in self.details.items():
            if not math.isfinite(number):
                raise ValueError(f"details[{key!r}]={number!r} is not finite: leave it out and say why in a note")

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        doubt = "" if self.status == "ok" else f" ({self.status})"
        return f"{self.value:.3f}{unit} [{self.low:.3f}, {self.high:.3f}]{doubt}"

    def _repr_html_(self) -> str:
        notes = "".join(f"<br><small>{html.escape(note)}</small>" for note in self.notes)
        status = "" if self.status == "ok" else f" <em>({html.escape(self.status)})</em>"
        return (
            f"<span><strong>{self.value:.4g}</strong> {html.escape(self.unit)} [{self.low:.4g}, {self.high:.4g}]{status}"
            f" <small>n = {self.n}, {html.escape(self.estimand)}</small>{notes}</span>"
        )


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Legal input that has no answer, with the reason and what to do about it.

    Examples
    --------
    >>> r = Refusal(reason="layer 'hidden1' is constant", advice="leave it out")
    >>> r.value is None, r.status
    (True, 'refused')
    """

    reason: str
    advice: str = ""
    value: None = None
    status: Literal["refused"] = "refused"

    def __str__(self) -> str:
        return f"refused: {self.reason}" + (f" ({self.advice})" if self.advice else "")

    def _repr_html_(self) -> str:
        advice = f"<br><small>{html.escape(self.advice)}</small>" if self.advice else ""
        return f"<span><em>refused:</em> {html.escape(self.reason)}{advice}</span>"


Result = Measurement | Refusal
