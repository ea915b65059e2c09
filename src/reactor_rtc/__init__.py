"""WebRTC for the client and the runtime: a port of a few verbs, its adapter over the engine, and frames."""
