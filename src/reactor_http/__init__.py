"""What the runtime's and the coordinator's HTTP servers share: limits of bodies, listening, and ending cleanly."""
