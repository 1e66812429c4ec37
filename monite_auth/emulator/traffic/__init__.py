"""What clients do: the tokens that they hold, and their requests, which are limited, counted, logged and told to the page."""
