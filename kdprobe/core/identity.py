"""Content ids: the same content has the same id on every machine and in every process."""

import hashlib
import json
from typing import Any

import msgspec


def canonical(content: Any) -> bytes:
    """Return `content` (records, dicts, lists, numbers, text) as canonical JSON: sorted keys, no spaces, no NaN.

    Examples
    --------
    >>> canonical({"b": 1, "a": (2.0, None)})
    b'{"a":[2.0,null],"b":1}'
    """
    plain = msgspec.to_builtins(content, str_keys=True)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def content_id(content: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `content`, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(content)).hexdigest()


def derived_seed(*parts: Any) -> int:
    """Return a 63-bit seed that depends on every part, and on nothing else.

    Seeds made from (seed, role, "init") and (seed, role, "order") are unrelated streams, so that a teacher and a twin of equal width
    are two networks, and a student's batch order says nothing about its teacher's.

    Examples
    --------
    >>> derived_seed(0, "student", "init") == derived_seed(0, "teacher", "init")
    False
    """
    return int.from_bytes(hashlib.sha256(canonical(parts)).digest()[:8], "big") >> 1
