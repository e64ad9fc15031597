"""One module for each group of paths, with a `router`. Imports services and what is beside it."""
