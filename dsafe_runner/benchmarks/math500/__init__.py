"""MATH-500: the set, and the boxed answer of a solution."""
