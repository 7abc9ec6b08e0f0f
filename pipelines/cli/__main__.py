"""`python -m pipelines.cli` is `lms`."""

from pipelines.cli import main

main(prog_name="lms")
