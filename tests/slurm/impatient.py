"""snakemake as it is, except that it asks Slurm every second how its jobs are.

The executor asks ever more seldom, by ten seconds each time, and sleeps through its own end: right for a busy cluster,
minutes of waiting for these tests.
"""

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

Executor.next_seconds_between_status_checks = property(lambda executor: 1, lambda executor, seconds: None)

if __name__ == "__main__":
    main()
