"""Raise the limits of system resources that every process of the centre needs."""

import resource
from contextlib import suppress

_WANTED_DESCRIPTORS = 65_536


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one, at most to 65,536; return the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return most
    return soft
