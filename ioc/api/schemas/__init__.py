"""JSON of the API: one typed dictionary for each shape, and the functions that make them."""
