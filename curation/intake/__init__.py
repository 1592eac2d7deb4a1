"""From files to queries: layouts read, records taken or refused with a reason, languages, problems, benchmarks."""
