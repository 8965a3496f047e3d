"""Other codebases: the names of their tensors, their checkpoints, their golden files."""
