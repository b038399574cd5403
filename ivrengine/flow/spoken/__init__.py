"""Numbers, money, dates and times as the words that a person would say: pure, one module for each language."""
