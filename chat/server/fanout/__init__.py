"""Fan-out: what is said in a log is sealed once and given to everybody who reads it."""
