"""chart_generate: pictures of figures."""
