"""What makes the documentation site out of docs/, the code and its docstrings. ``make docs`` builds it into out/site."""
