"""What a report section reads of a zoo, without a folder on disk."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


class SimulatedZoo:
    """The frames of a `kdprobe.zoo.Zoo`."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], provenance: Mapping[str, Any]):
        self._tables, self._provenance = tables, provenance

    def models(self) -> pd.DataFrame:
        """One row a model."""
        return self._tables["models"].copy()

    def scores(self) -> pd.DataFrame:
        """One row a model × metric × half of the probe rows."""
        return self._tables["scores"].copy()

    def measurements(self) -> pd.DataFrame:
        """One row a student × probe × comparison."""
        return self._tables["measurements"].copy()

    def history(self, model_ids: list[str] | None = None) -> pd.DataFrame:
        """One row a student or twin × recorded step."""
        table = self._tables["history"]
        return table.copy() if model_ids is None else table.loc[table["model_id"].isin(model_ids), :].copy()

    def kept_losses(self, model_ids: Sequence[str] | None = None) -> pd.Series:
        """Last validation loss by model: none stops early in this world."""
        history = self.history(None if model_ids is None else list(model_ids))
        return pd.Series(dict(zip(history["model_id"], history["validation_loss"], strict=True)), dtype=float)

    def runs(self) -> pd.DataFrame:
        """One row a model."""
        return self.models()

    def provenance(self) -> dict[str, Any]:
        """Where a sweep of this world would come from."""
        return dict(self._provenance)
