"""The commands behind `dsafe`, one module each; `cli.py` only parses."""
