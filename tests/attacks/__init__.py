"""Attacks on a server started as users start it: ``make attack``, or ``python -m tests.attacks``.

Each module here has attacks of one kind. An attack is a function that is given an `Arena`, tries
something, and returns the figure it saw; it raises `Fell` if the server fell short.
"""
