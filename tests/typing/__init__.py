"""What the types promise: checked by mypy and pyright, never run.

An ``ignore`` here is an expectation: where the error goes away, both checkers report the ignore as unnecessary.
`mutations.py` proves that these files notice when a promise is broken.
"""
