"""Services: portfolio, strategies and data for others to call, by REST and by gRPC. Imports everything but scripts."""
