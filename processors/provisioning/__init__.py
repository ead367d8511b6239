"""What is asked of the networks, and on which distributor services and installed items are."""
