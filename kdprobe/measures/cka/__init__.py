"""Centred kernel alignment, in feature space or Gram space, with its null and its interval."""
