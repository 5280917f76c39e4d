"""Tests of the benchmarks: what they count is what arrived."""
