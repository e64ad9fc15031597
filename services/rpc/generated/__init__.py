"""What grpc_tools makes of the files in services/rpc/protos, see services/rpc/generate.py; not written by hand."""
