"""The line client: standard input and output, for a person or a script."""
