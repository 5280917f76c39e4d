"""Administration: requests by the operator, to a running server or on its files."""
