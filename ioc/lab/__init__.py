"""The lab: a separate process that answers analysts from snapshots, so that no query can hold up the centre."""
