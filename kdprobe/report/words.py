"""Numbers as a reader wants them: no more digits than the interval supports, a minus sign, units."""

import math
from collections.abc import Sequence

from kdprobe.core.result import Refusal, Result


def decimals(width: float) -> int:
    """Digits after the point that an interval of this width supports: one more than its leading digit where that is 1 or 2.

    Examples
    --------
    >>> [decimals(width) for width in (0.1, 0.04, 0.02, 7.0)]
    [2, 2, 3, 0]
    """
    if not width > 1e-9:
        return 3
    # a width like .1 - 1e-17 is .1 to any reader
    lead = math.floor(math.log10(width * (1 + 1e-9)))
    return min(max(-lead + (width / 10**lead < 3), 0), 6)


def number(value: float, places: int = 3) -> str:
    """Return a number with a true minus sign and never a negative zero.

    Examples
    --------
    >>> number(-0.0123, 2), number(-0.0001, 2)
    ('−0.01', '0.00')
    """
    text = f"{value:.{places}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def interval(value: float, low: float, high: float, unit: str = "") -> str:
    """Return a value with its interval.

    Examples
    --------
    >>> interval(0.1504, 0.1011, 0.2003, "nats")
    '0.15 nats [0.10, 0.20]'
    """
    places = decimals(high - low)
    return f"{number(value, places)}{' ' if unit else ''}{unit} [{number(low, places)}, {number(high, places)}]"


def p_value(p: float) -> str:
    """Return a p value, the small ones as a bound.

    Examples
    --------
    >>> p_value(0.0123), p_value(1e-9)
    ('0.012', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def result(found: Result) -> str:
    """Return a measurement as `interval` does, or why there is none."""
    if isinstance(found, Refusal):
        return f"not known ({found.reason})"
    return interval(found.value, found.low, found.high, found.unit)


def parameters(size: float) -> str:
    """Return a parameter count.

    Examples
    --------
    >>> parameters(626), parameters(11034), parameters(2.5e6)
    ('0.6 k parameters', '11 k parameters', '2.5 M parameters')
    """
    for scale, letter in ((1e6, "M"), (1e3, "k")):
        if size >= 0.1 * scale:
            return f"{size / scale:.{0 if size >= 10 * scale else 1}f} {letter} parameters"
    return f"{size:.0f} parameters"


def headline(task: str, student: str, size: int) -> str:
    """Name a student, as the cards of the first screen do.

    Examples
    --------
    >>> headline("letters", "mlp-8", 370)
    'letters · student mlp-8 (0.4 k parameters)'
    """
    return f"{task} · student {student} ({parameters(size)})"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "seed"), counted(10, "seed")
    ('1 seed', '10 seeds')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def span(names: Sequence[str], chosen: Sequence[int]) -> str:
    """Return the chosen ones of ordered names, a run of three or more as "first to last".

    Examples
    --------
    >>> span(["8", "16", "32", "64", "128"], [1, 2, 3])
    '16 to 64'
    >>> span(["8", "16", "32", "64", "128"], [0, 2, 3])
    '8, 32 and 64'
    """
    if len(chosen) > 2 and list(chosen) == list(range(chosen[0], chosen[-1] + 1)):
        return f"{names[chosen[0]]} to {names[chosen[-1]]}"
    return listed([names[i] for i in chosen])


def capitalised(text: str) -> str:
    """Return the text with its first letter, and only that, in upper case."""
    return text[:1].upper() + text[1:]
