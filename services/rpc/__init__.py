"""The gRPC services. Imports what `services` imports; grpc."""
