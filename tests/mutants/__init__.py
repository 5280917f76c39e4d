"""Mutation sampling: do the tests find small faults? (``python -m tests.mutants``)"""
