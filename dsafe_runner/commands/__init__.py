"""The verbs of `dsafe`, one module each: `add_arguments` and `run`. `cli.py` imports the one that was asked for."""
