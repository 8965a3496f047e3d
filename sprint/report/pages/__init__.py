"""The pages of a report: which there are, what stands on them, where links lead, and how they become files."""
