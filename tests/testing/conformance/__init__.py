"""The suites to inherit: our own classes pass them, and broken ones do not."""
