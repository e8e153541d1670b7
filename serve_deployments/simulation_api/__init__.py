"""The simulation API: live simulations over HTTP, a FastAPI application on Ray Serve."""
