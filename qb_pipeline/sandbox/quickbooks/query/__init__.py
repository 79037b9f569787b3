"""QBO's query language: text to statement, statement to SQL over the stored objects."""
