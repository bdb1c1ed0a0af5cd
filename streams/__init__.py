"""Stream workers: readings to panes, cases to case updates, one output for one input."""
