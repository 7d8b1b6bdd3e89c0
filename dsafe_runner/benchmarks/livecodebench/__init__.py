"""LiveCodeBench: sets, rows of its files, and the table of its problems."""
