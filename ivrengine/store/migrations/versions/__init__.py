"""One file for each version of the tables, ``<number>_<name>.py``; a file that was released is never changed again."""
