"""knowledge_base: what words mean here."""
