"""Worlds whose truth is known, for people who write their own probe of information (`information`) or their own report section (`zoo`)."""
