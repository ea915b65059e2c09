"""The control plane: API keys, tokens, sessions, a fair queue, and the workers that run models."""
