"""Fan-out: each message in a log is sealed once and delivered to everybody who reads it."""
