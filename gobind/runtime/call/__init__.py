"""One synchronous call: the generated method, the status of a call that needs one, deadlines."""
