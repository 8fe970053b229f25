"""Numbers as a reader wants them: no more digits than the interval supports, a minus sign, units."""

import math
import unicodedata
from collections.abc import Sequence


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


def over_seeds(value: float, low: float, high: float, unit: str = "", *, seeds: int) -> str:
    """Return a value with its interval; where that has no width, as every one of some seeds gave the same value, that in its place.

    Examples
    --------
    >>> over_seeds(0.25, 0.25, 0.25, "nats", seeds=8)
    '0.25 nats [every seed gave the same value]'
    >>> over_seeds(0.1504, 0.1011, 0.2003, "nats", seeds=8)
    '0.15 nats [0.10, 0.20]'
    """
    # a mean of equal values may be off by its last digit
    if not seeds or high - low > 1e-12 * max(abs(value), 1e-300):
        return interval(value, low, high, unit)
    return f"{plain(value)}{' ' if unit else ''}{unit} [every seed gave the same value]"


def plain(value: float) -> str:
    """Return a number of which no interval says how far it is known: four digits, never an exponent.

    Examples
    --------
    >>> plain(-0.01234567), plain(11034), plain(-2.5e-05), plain(12), plain(-0.0)
    ('−0.01235', '11034', '−0.000025', '12', '0')
    """
    if not value:
        return "0"
    places = min(max(3 - math.floor(math.log10(abs(value))), 0), 9)
    text = number(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def limit(value: float, places: int) -> str:
    """Return an upper limit above 0, rounded up to so many places, or to as many more as it takes to be no zero.

    Examples
    --------
    >>> limit(0.01231, 4), limit(0.000004, 4), limit(1e-12, 4)
    ('0.0124', '0.000004', '0.000001')
    """
    places = next((n for n in range(places, 7) if value * 10**n >= 0.5), 6)
    return number(max(math.ceil(value * 10**places - 1e-9), 1) / 10**places, places)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "seed"), counted(10, "seed")
    ('1 seed', '10 seeds')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def visible(text: str) -> str:
    """Return text in which what would move a terminal's cursor, its colours or the order of its letters is shown, not sent.

    Names of models, tasks and probes come from files and plug-ins. Line breaks stay: a text of several lines is one.

    Examples
    --------
    >>> visible("a\\x1b[2Jb"), visible("α = −1")
    ('a\\\\x1b[2Jb', 'α = −1')
    """
    return "".join(_shown(sign) if unicodedata.category(sign) in _UNSEEN and sign != "\n" else sign for sign in text)


def _shown(sign: str) -> str:
    return sign.encode("unicode_escape").decode() if sign != "\t" else " "


_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Control, format (direction among them), surrogates, private use, line and paragraph separators."""


LONGEST = 2_000
"""Letters of what an exception says that are kept."""


def said(error: BaseException) -> str:
    """Return what an exception of anybody's code says, such that it can be stored and printed: shortened, and without half letters.

    Examples
    --------
    >>> said(ValueError("no")), said(ValueError("\\udcff")), len(said(ValueError("x" * 50_000_000)))
    ('no', '\\\\udcff', 2001)
    """
    try:
        text = str(error)
    except Exception:
        text = "its text cannot be had"
    shortened = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return shortened.encode("utf-8", "backslashreplace").decode()


def unformulated(text: object) -> object:
    """Return text that a spreadsheet would read as a formula with an apostrophe before it; anything else as it is.

    A carriage return, which writers of CSV leave unquoted and readers take for the end of a row, becomes a space.

    Examples
    --------
    >>> unformulated("=HYPERLINK(0)"), unformulated("＝1+1"), unformulated("kd"), unformulated(-1.5)
    ("'=HYPERLINK(0)", "'＝1+1", 'kd', -1.5)
    """
    if not isinstance(text, str):
        return text
    formula = text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))  # the wide ones too, in Japanese
    return ("'" if formula else "") + text.replace("\r", " ")


def listed(names: Sequence[str]) -> str:
    """Return names as in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"
