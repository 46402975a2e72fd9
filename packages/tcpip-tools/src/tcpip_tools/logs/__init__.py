"""What can be done with transcripts: shown, summed up, compared, turned into other things, cleaned of secrets.

The modules here know nothing of click. They take values and give `Event` to report, or bytes to write.
"""
