"""Publish a snapshot for analysts: a file without restricted data, with stable views over it."""
