"""Real data, one file a task. `sources` knows where files come from, `splits` what is trained and measured on which rows."""
