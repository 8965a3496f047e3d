"""Claims of papers judged on a report's numbers: what a rule selects, what may be tested here, what comes of it."""
