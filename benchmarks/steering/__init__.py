"""Messages that steer a taxonomy, and the plans that they should come to; the README says what not to read."""
