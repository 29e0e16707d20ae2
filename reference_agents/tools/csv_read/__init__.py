"""csv_read: tables in files."""
