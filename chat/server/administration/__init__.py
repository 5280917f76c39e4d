"""Administration: what the operator asks of a server that runs, or of its files."""
