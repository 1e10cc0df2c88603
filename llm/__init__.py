"""The LLM: a chat model from a spec, structured answers, retries, a ledger and a budget.

::

    spec          choose_model: which LLM, and why; the only place that reads the environment for it
    chat          Chat: questions in, committed answers out, many at once
    request       Request and its key in the store
    answer        Answer and Usage
    store         AnswerStore, which the workspace implements; MemoryStore
    budget        Budget
    structured    how an endpoint is made to answer with an object; repair asks once more
    opening       from a spec to a wire; wire and transport carry requests
    calling       one call until it succeeds or is given up; faults tells what went wrong
    embedded      the server on this machine (embedded_server is its process, weights its model file)
    fake          FakeModel, for tests and trials
"""
