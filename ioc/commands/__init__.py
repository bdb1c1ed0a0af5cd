"""The commands, and the composition of the parts: only here do streams, connectors and the API meet."""
