"""One file per policy, in the field's terms. Stages never import each other; facts are all they share."""
