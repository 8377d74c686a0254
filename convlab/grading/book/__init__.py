"""Keep every grade of every attempt, and say what counts."""
