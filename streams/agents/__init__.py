"""The two agents: readings become panes, cases become case updates."""
