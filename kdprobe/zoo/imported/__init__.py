"""Networks that were trained elsewhere, as models of a zoo: what they say of rows, and never a pickle."""
