"""What `ioc up` and the launcher share: an exit code, and the environment of all processes."""

from collections.abc import Mapping

CANNOT_START = 2
"""Exit code of the launcher when no part can start; it has printed the reason."""
ENVIRONMENT: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "1",
    # A thread that a library starts would be missing in forked processes.
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    # glibc keeps a heap per thread, and another thread cannot use what a burst left in one.
    "MALLOC_ARENA_MAX": "2",
}
"""Read when the launcher starts and imports the libraries."""
