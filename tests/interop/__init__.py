"""Our client and our runtime beside the published ones: real processes, real WebRTC, all on this machine."""
