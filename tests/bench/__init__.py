"""The benchmark: gobind beside what one would otherwise write, and beside what cannot be avoided.

``make bench`` runs it, ``python -m tests.bench --help`` tells the rest. A row is one piece of work; the ways to do it
are measured in turn, many short repeats of each, so that a busy machine slows all of them alike. Times are medians, and
the ratio of two ways is the median of their ratios in each turn.

    measure    cases, rows, timing
    peers      fetches and builds the other ways into .bench, each optional
    go/, rust/ their sources
    work/      the rows, by subject
    bars       how fast gobind has to be
    report     the table, files of results and their comparison
    plot       the picture
"""
