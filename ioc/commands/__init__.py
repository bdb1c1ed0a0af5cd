"""The commands of `ioc`, one module each."""
