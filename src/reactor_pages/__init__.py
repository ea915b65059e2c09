"""The pages that runtime and coordinator serve: the playground and the operator's page, with what they are made of."""
