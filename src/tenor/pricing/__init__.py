"""What a contract is worth: bonds, conversion factors and the forward price of what is deliverable."""
