"""Prompts: versioned files, their rendering, and one pure parser each."""
