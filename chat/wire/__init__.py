"""The protocol of docs/protocol.md without I/O: lines and values in, lines and values out.

Nothing here imports Twisted, opens a file or reads a clock: time and randomness are arguments.
"""
