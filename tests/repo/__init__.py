"""Tests of the repository itself: versions, layout, what is written where."""
