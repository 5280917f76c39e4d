"""Benchmarks: ``python -m benchmarks`` drives a real server and prints what it cost the server."""
