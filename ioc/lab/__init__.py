"""The analysts' side: a process of its own over snapshots of the store, so that no question can hold the centre up."""
