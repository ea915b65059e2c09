"""Gymnasium environments in the libraries that people train with, each in a virtual environment of its own."""
