"""The engine that reads responses from files: ours, and those of lm-evaluation-harness."""
