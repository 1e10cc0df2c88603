"""The LLM: a chat model from a spec, structured answers, retries, a ledger and a budget (floor 2)."""
