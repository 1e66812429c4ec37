"""What is answered: a whole answer that has not been sent yet, and the refusals."""
