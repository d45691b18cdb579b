"""Play Atlassian Cloud on loopback: an organization's admin API and its sites, as a scenario describes them."""
