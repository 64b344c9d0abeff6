"""Network names, addresses, header fields and content codings as values; nothing here opens a socket."""
