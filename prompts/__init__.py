"""Prompts: versioned files, their rendering, and one pure parser each.

::

    NAME.md    version, system and user message of a prompt
    prompt     load_prompt(name).render(...): a variable that is missing is an error
    quoting    texts as data: cut to length, unable to close the quotation they stand in
    plan       the answer to `plan`, what a user's message asks for, and the grammar that bounds it
    answers    the parsers: the model's text in, a value out, ValueError on anything else
    judge      the parser of a judge's letters: what cannot be read is no judgement
"""
