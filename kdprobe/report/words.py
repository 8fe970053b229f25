"""Words of the report: verdict sentences, sizes, counts; plain numbers come from `kdprobe.core.words`."""

from collections.abc import Sequence

from kdprobe.core.result import Measurement, Refusal, Result
from kdprobe.core.words import counted as counted
from kdprobe.core.words import decimals as decimals
from kdprobe.core.words import interval as interval
from kdprobe.core.words import limit as limit
from kdprobe.core.words import listed as listed
from kdprobe.core.words import number as number
from kdprobe.core.words import plain as plain


def p_value(p: float) -> str:
    """Return a p value, the small ones as a bound.

    Examples
    --------
    >>> p_value(0.0123), p_value(1e-9)
    ('0.012', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_told(p: float) -> str:
    """Return a p value as a sentence has it.

    Examples
    --------
    >>> p_told(0.0123), p_told(1e-9)
    ('p = 0.012', 'p < 0.001')
    """
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"


def result(found: Result) -> str:
    """Return a measurement as `interval` does, or why there is none."""
    if isinstance(found, Refusal):
        return f"not known ({found.reason})"
    return interval(found.value, found.low, found.high, found.unit)


def compared(found: Measurement, more: str, less: str) -> str:
    """Return a difference with the word for its direction, so that the number itself has no sign.

    Examples
    --------
    >>> lower = Measurement(value=-0.15, low=-0.20, high=-0.10, n=10, unit="nats")
    >>> compared(lower, "higher by {}", "lower by {}")
    'lower by 0.15 nats [0.10, 0.20]'
    """
    if found.value >= 0:
        return more.replace("{}", result(found), 1)
    return less.replace("{}", interval(-found.value, -found.high, -found.low, found.unit), 1)


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


def setting(column: str) -> str:
    """Return what a page calls a setting: the teacher's weight and the temperature by their letters.

    Examples
    --------
    >>> setting("alpha"), setting("temperature"), setting("teacher_steps")
    ('α', 'T', 'teacher steps')
    """
    return {"alpha": "α", "temperature": "T"}.get(column, column.replace("_", " "))


def capitalised(text: str) -> str:
    """Return the text with its first letter, and only that, in upper case."""
    return text[:1].upper() + text[1:]
