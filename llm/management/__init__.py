"""Commands of the llm room."""
