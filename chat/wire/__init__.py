"""The protocol of docs/protocol.md without I/O: it is given lines and values, and returns them.

Nothing here imports Twisted, opens a file or reads a clock: time and randomness are arguments.
"""
