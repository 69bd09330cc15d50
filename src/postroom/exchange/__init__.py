"""The verbs: each is rules, one transaction, and the bells afterwards."""
