"""What `tickcast doctor` examines of the machine that a server is to run on."""
