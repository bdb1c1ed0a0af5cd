"""Live values over websockets."""
