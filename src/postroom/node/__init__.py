"""`postroom up`: one process for each user and machine that serves the post room over HTTP. Nobody else needs it to run."""
