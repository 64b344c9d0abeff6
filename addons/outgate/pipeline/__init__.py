"""Facts, contracts, the compiler that orders stages by them, and the executor that keeps them current."""
