"""The words of the harness as types: events, findings, verdicts, configuration. No I/O happens here."""
