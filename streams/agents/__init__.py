"""The two agents: readings to panes, cases to case updates."""
