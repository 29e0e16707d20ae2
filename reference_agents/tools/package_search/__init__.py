"""package_search: libraries by what they do."""
