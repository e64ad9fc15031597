"""The trade-update stream: every execution of an Alpaca account, posted through the REST API once. Imports what `services` imports.

What the broker tells, by websocket and by request, is in a file before anything else happens with it, and leaves it when the API has
acknowledged it. Neither the database nor anybody's orders are touched.
"""
