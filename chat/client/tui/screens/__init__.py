"""Screens for what commands can do as well: each gets plain values and callbacks.

None knows a core or a file. What other people wrote goes through `sheet.shown`.
"""
