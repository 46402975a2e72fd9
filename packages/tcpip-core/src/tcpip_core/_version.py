"""The version of this distribution: a literal, because asking the metadata costs 18 ms at import."""

__version__ = "0.1.0"
