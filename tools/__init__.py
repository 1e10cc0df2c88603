"""What nodes call: most of it pure, none of it asks an LLM.

::

    evidence            where documents fall among categories: what fits, groups, twins, rivals
    score               how good a version is for held-out documents
    coverage            which texts stand for all others, and so are labelled
    label_questions     the questions that a text is labelled by
    settle              from raw votes to labels
    cleaning            which labels are likely wrong
    active              which texts to ask about next
    relabel             which labels an edit leaves standing, and which texts are asked again
    train_classifier    labels distilled into a classifier, measured by cross-validation
    commands            "/merge 1, 2 into Billing" and the like; references finds what is meant
    understand          what the LLM read in a message, held against the message's own words
        mentions        which categories words speak of
        spoken_*        what the words ask for: edits, wishes, and the patterns of both
    questions           answers from the data, through a view; overlap finds what is hard to tell apart
    preview             what edits would do, shown before they are applied
    parts               how one category's documents come apart
    shrink              merges that bring a taxonomy down to a size
    compare             what became of the categories between two taxonomies; comparison is the value
    export              taxonomy.json and the label tables
    report              report.html, from report_data, with loop_chart and edit_wording
    plain               text from outside made safe to show
"""
