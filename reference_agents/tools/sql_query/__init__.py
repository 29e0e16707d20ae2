"""sql_query: questions to a database that cannot be changed."""
