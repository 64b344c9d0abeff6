"""Facts, contracts, the compiler that orders stages by them, and the incremental executor of a compiled plan."""
