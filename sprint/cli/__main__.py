"""`python -m sprint.cli`, which torchrun and the tests start."""

from sprint.cli.main import main

main()
