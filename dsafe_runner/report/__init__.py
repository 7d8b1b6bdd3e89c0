"""What people look at: progress lines, the terminal section, the files of a run."""
