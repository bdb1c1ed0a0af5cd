"""Simulated sector systems: thin shells that send the world's data over the real protocols."""
