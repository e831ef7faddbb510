"""How results come in as files: read, checked row by row, matched to materials, shown beforehand, handed to the ledger."""
