"""The programs in which agents live: one file for each, with what Postroom puts into its configuration and how to see whether it works.

A new harness is a new file and a row in table.py. All files of users are changed through changes.py.
"""
