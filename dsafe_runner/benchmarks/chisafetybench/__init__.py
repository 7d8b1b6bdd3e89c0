"""CHiSafetyBench: its sets and our answer key."""
