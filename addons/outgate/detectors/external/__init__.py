"""Guards outside the gateway: what each shape of them is asked, and how its answers are read. No transport here."""
