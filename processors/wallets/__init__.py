"""What prepaid services are paid from: a wallet with numbered entries that is never overdrawn."""
