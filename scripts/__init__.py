"""The command line `cerebrolab`, one module per command.

May import everything; heavy packages are imported inside the commands that need them, so that help stays fast.
"""
