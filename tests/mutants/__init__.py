"""A sample of small faults, and whether the tests find them: ``python -m tests.mutants``."""
