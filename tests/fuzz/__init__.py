"""Input that nobody sane would send, in amounts that nobody would write by hand; each from a seed that replays it."""
