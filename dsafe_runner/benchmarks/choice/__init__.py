"""Multiple choice: how options are written into a question, and which one an answer chose."""
