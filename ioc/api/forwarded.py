"""Headers by which the centre tells the lab who asks; a client's own are never passed on."""

CALLER_HEADER = "X-IOC-Caller"
PERMISSIONS_HEADER = "X-IOC-Permissions"
