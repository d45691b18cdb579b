"""How somebody came in: from who is asked for, and a snapshot with its report, to a trace. Pure."""
