"""The memory: RocksDB tables, changelog restore, the warehouse."""
