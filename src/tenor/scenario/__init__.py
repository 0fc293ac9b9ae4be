"""What if: shifts of curve, funding, prices and macro data, and how far what they make lies from history."""
