"""What nodes and the chat agent call: evidence, scores, settling labels, training, export and the report."""
