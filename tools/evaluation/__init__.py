"""Is a taxonomy any good? Figures with intervals, from gold labels, from people, from another run, from itself.

Nothing here opens an LLM, and nothing that a judge is given (`Outcome`) holds gold labels: these come separately.
"""
