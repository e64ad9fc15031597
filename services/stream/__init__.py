"""Trade updates of Alpaca, posted to the REST API. Imports what `services` imports."""
