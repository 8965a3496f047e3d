"""Intervals, paired differences, claims, and what may be compared. No torch."""
