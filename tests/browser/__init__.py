"""A package, so that fixtures of scope `package` last while a test process goes from one of these files to the next."""
