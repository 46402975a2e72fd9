"""Programs as people of the original system write them, and the tests that run them."""
