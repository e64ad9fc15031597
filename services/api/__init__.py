"""The REST API. Imports what `services` imports; FastAPI."""
