"""Routes of the lab, one module per resource."""
