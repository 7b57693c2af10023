"""How far a job is, and how long it may still take: a share of the whole job, from what earlier
jobs took.

weights   what each stage takes where nothing is known yet
past      what earlier jobs took: read from done/, scaled to another job's size and options
likeness  how much one job's times tell of another's
estimate  one start: what is done, what is left, how sure that is
reporter  writes it into the job's folder
words     the same in words, one wording for PROGRESS.txt, STATUS.txt, the terminal, the API and the
page
"""

# what a worker does itself: bring input/, wait for its engine, put results in place
COPY, READY, PROMOTE = "copy", "ready", "promote"
