"""The shell: the Faust app, the transactional engine, the sink, the command line."""
