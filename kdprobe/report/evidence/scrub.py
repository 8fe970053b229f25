"""Free text without absolute paths and network addresses: a page is mailed, and tracebacks name homes and hosts."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

_POSIX = re.compile(r"(?<![\w/.:<…])/(?:[^\s/:'\"<>|()\[\],;]+/)+")
_WINDOWS = re.compile(r"(?<!\w)[A-Za-z]:\\(?:[^\s\\:'\"<>|]+\\)*")
_ADDRESS = re.compile(r"\b(?:tcp|tls|ucx|ssh|file)://\S+")


def scrub_text(text: str) -> str:
    """Return the text with the folders of absolute paths replaced by "…/", and addresses by "…".

    Examples
    --------
    >>> scrub_text("/home/ada/kd/train.py line 3; tcp://10.0.0.7:8786 refused; and/or 1/2")
    '…/train.py line 3; … refused; and/or 1/2'
    """
    if "/" not in text and "\\" not in text:
        return text
    return _WINDOWS.sub("…/", _POSIX.sub("…/", _ADDRESS.sub("…", text)))


def scrub(value: Any) -> Any:
    """Scrub the text in a frame, or in nested mappings and sequences; anything else is returned as it is."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, pd.DataFrame):
        texts = {str(name): _scrubbed(column) for name, column in value.items() if not pd.api.types.is_numeric_dtype(column)}
        return value.assign(**texts)
    if isinstance(value, Mapping):
        return {scrub(key): scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(scrub(item) for item in value)
    return value


def _scrubbed(column: Any) -> Any:
    changed = {text: scrub_text(text) for text in column.dropna().unique() if isinstance(text, str) and scrub_text(text) != text}
    return column.replace(changed) if changed else column
