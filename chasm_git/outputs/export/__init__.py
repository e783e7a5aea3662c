"""Sessions in forms for others: Markdown, web pages, JSON, tables, the providers' own files."""
