"""The engine that asks servers of the OpenAI chat API."""
