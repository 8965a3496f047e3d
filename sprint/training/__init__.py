"""The training of a run: loop, step, batches, checkpoint."""
