"""What there is, without HTTP: partners and their records, who may do what, the time, and where ids come from."""
