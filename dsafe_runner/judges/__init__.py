"""Who reads a free-text answer: the protocol, the embedded rules judge, and what a suite may name."""
