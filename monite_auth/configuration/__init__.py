"""What `Settings` is made of: addresses, credentials and their files, proxies, and names that nobody knows."""
