"""HTTP below the routes: middleware, limits, problems, JSON, paging."""
