"""Scores -> Estimates -> Verdicts: pure functions, no model, no clock but the one given."""
