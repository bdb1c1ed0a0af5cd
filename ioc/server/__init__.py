"""What runs inside `ioc serve` besides the API: the pulse of evaluation, the sources' states, push sources."""
