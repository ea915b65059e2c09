"""Typed clients from schema documents, as text. Pure: a document goes in, a Python module comes out."""
