"""A benchmark of the user's own: file, rows, set."""
