"""The steps of the graph, one module each, named by its part in the paper.

::

    summarizer          a subject for every text of the sample, a summary where it is long
    taxonomy_updater    one minibatch of one trial: evidence, edits, a new version, its score
        residual        edits from the evidence of what is wrong (the default style)
        paper           edits from the whole table and the whole minibatch
    reviewer            the last look at a trial's best version
    selector            which finalist is the taxonomy
    await_user          where a run waits for its user; it does nothing else
    plan                what was said becomes a plan; reading free text is one call of the LLM
        splitting       the parts of a category, found in its documents
        steering        undo, redo, on with the loop, a stage anew: where the state goes
    answer              a question's answer, from the data
    confirm             where a proposal waits for its yes; it does nothing else
    apply_edits         what was confirmed becomes a version
    labeler             raw votes of the LLM
    settle_labels       from votes to labels
    clean_labels        new labels that look wrong are asked about again, or dropped
    active_round        what the LLM is asked about next: where a first student is unsure
    train_classifier    the labels distilled and saved
    classify_rest       labels for what the LLM did not see
    publish             the files that people and other programs read

    settings            everything that can be set about a run
    state               what is checkpointed
    context             what every node is given: settings, tables, LLM, encoder, progress
    reading             the sample as models and vectors see it
    view                what questions and proposals are answered from
"""
