"""The demo of the restyle model: a real clip, restyled live while commands change how."""
