"""Tests of the benchmarks: they count exactly what arrives."""
