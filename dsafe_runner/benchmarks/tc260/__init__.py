"""Question banks of the user's, sampled and examined as TC260-003 says."""
