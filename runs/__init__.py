"""Durable work over many rows: runs, items, the ledger of paid calls and remembered executions."""
