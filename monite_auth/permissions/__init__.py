"""What a person may do: their role in Monite, or the application's own `authorize`."""
