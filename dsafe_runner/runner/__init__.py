"""The one expensive phase: prepare, ask, store, score."""
