"""From a request to its answer: `dispatch` finds the operation and checks, `resource` and `lists` do what many operations do."""
