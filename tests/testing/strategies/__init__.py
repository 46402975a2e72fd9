"""The strategies of Hypothesis, and the asynchronous state machine."""
