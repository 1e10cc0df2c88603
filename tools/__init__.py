"""What nodes call, and later the chat agent: most of it pure, none of it asks an LLM.

::

    evidence            where documents fall among categories: what fits, groups, twins, rivals
    score               how good a version is for held-out documents
    settle              from raw votes to labels
    train_classifier    labels distilled into a classifier, measured by cross-validation
    compare             what became of the categories between two taxonomies; comparison is the value
    export              taxonomy.json and the label tables
    report              report.html, from report_data, with loop_chart and edit_wording
    plain               text from outside made safe to show
"""
