"""Periodic reports: definitions as files, figures of closed periods as published, issues that are kept for ever."""
