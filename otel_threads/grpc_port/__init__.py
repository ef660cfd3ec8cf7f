"""What both gRPC ports have in common: gRPC's own server with our limits around it."""
