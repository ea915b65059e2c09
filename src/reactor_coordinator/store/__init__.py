"""The database: tables, transactions, and the queries of each kind of record."""
