"""What `ioc up` and the process of its parts have agreed on."""

from collections.abc import Mapping

BEYOND_HELP = 2
"""The exit code of the parts' process when nothing can begin, for a reason that was told."""
ENVIRONMENT: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "1",
    # A thread that a library starts would be missing in the forked processes.
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # glibc keeps a heap for each thread, and what a burst left in one is of no use to another.
    "MALLOC_ARENA_MAX": "2",
}
"""Read when the parts' process starts and as the libraries are imported."""
