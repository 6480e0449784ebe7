"""The ground that both programs share: canonical bytes, strict reading, digests, schemas, chains."""
