"""Checksums of the rows of an index: one seal for all rows of one model, unit or key in a table, and one over all seals.

So a row that was changed, added, removed or moved since it was written is noticed, and the text names the model. A seal proves that the
index is what kdprobe wrote; it keeps nobody out who writes new seals too.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

OWNERS = {"meta": "key", "models": "model_id", "scores": "model_id", "measurements": "model_id", "units": "unit_id"}
"""Sealed tables, and the column that says whose a row is."""
TABLE = """CREATE TABLE seals (
    part TEXT NOT NULL, owner TEXT NOT NULL, rows INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (part, owner)
) STRICT"""
ALL = ("", "")
"""Part and owner of the seal over all seals."""

Key = tuple[str, str]
Seal = tuple[int, str]
"""How many rows, and the SHA-256 of them."""


def seal(rows: Iterable[tuple[Any, ...]]) -> Seal:
    """Seal rows, whatever their order. MessagePack tells 1 from 1.0, and NULL from an infinity."""
    encoded = sorted(msgspec.msgpack.encode(row) for row in rows)
    return len(encoded), hashlib.sha256(b"".join(encoded)).hexdigest()


def seals_of(tables: Mapping[str, Iterable[tuple[Any, ...]]], places: Mapping[str, int]) -> dict[Key, Seal]:
    """Seal all rows of all tables; `places` says in which column of each table its owner stands."""
    found: dict[Key, Seal] = {}
    for part, rows in tables.items():
        owned: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        place = places[part]
        for row in rows:
            owned[row[place]].append(row)
        found |= {(part, owner): seal(group) for owner, group in owned.items()}
    return found


class Ledger:
    """All seals, and the one over them: a sum of hashes, so that a change of one seal costs two of them, however many there are."""

    def __init__(self, seals: Mapping[Key, Seal]):
        self.seals: dict[Key, Seal] = {}
        self._sum = 0
        for key, value in seals.items():
            if key != ALL:
                self.put(key, value)

    def put(self, key: Key, value: Seal | None) -> None:
        """Set the seal of an owner; None takes it away."""
        before = self.seals.pop(key, None)
        if before is not None:
            self._sum -= _number(key, before)
        if value is not None:
            self.seals[key] = value
            self._sum += _number(key, value)

    @property
    def whole(self) -> Seal:
        """How many seals there are, and the sum of their hashes."""
        return len(self.seals), f"{self._sum % 2**256:064x}"


def differences(written: Mapping[Key, Seal], found: Mapping[Key, Seal]) -> list[str]:
    """What is not as it was written, in words.

    Parameters
    ----------
    written
        Seals as they stand in the index, that over all seals among them.
    found
        Seals of the rows that are there.
    """
    problems = []
    kept = {key: value for key, value in written.items() if key != ALL}
    for part, owner in sorted(kept.keys() | found.keys(), key=str):  # a damaged file has owners of any type
        before, now = kept.get((part, owner)), found.get((part, owner))
        if before == now:
            continue
        noun = _NOUNS.get(part, f"rows of {part!r},")
        if now is None:
            how = "gone"
        elif before is None:
            how = "there and no run wrote them"
        elif before[0] != now[0]:
            how = f"{now[0]}, and {before[0]} were written"
        else:
            how = "not what was written"
        problems.append(f"index: {noun} {owner if part == 'meta' else short(owner)} are {how}")
    if written.get(ALL) != Ledger(kept).whole:
        problems.append("index: the seals of its rows are not those that were written")
    return problems


def short(name: Any) -> str:
    """The beginning of an id, whatever a damaged file holds in its place."""
    return str(name)[:12]


_NOUNS = {
    "meta": "rows of the entry",
    "models": "rows of model",
    "scores": "scores of model",
    "measurements": "measurements of model",
    "units": "rows of unit",
}


def _number(key: Key, value: Seal) -> int:
    return int.from_bytes(hashlib.sha256(msgspec.msgpack.encode((*key, *value))).digest())
