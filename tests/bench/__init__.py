"""Benchmarks: run by `make bench`, print figures and ratios, assert nothing."""
