"""Commands that print an answer of their own: check, compare, doctor."""
