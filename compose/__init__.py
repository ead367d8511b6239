"""Everything around the core: Kafka, registry, images, the demo."""
