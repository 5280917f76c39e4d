"""Benchmarks: ``python -m benchmarks`` drives a real server and prints the server's costs."""
