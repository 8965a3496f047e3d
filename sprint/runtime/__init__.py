"""What every room stands on: files, locks, processes, randomness, progress, errors, strict reading."""
