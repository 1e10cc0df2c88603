"""The steps of the graph, one module each, named by its part in the paper.

::

    summarizer          a subject for every text of the sample, a summary where it is long
    taxonomy_updater    one minibatch of one trial: evidence, edits, a new version, its score
        residual        edits from the evidence of what is wrong (the default style)
        paper           edits from the whole table and the whole minibatch
    reviewer            the last look at a trial's best version
    selector            which finalist is the taxonomy
    await_user          where a run waits; it does nothing else
    labeler             raw votes of the LLM
    settle_labels       from votes to labels
    train_classifier    the labels distilled and saved
    classify_rest       labels for what the LLM did not see
    publish             the files that people and other programs read

    settings            everything that can be set about a run
    state               what is checkpointed
    context             what every node is given: settings, tables, LLM, encoder, progress
    reading             the sample as models and vectors see it
"""
