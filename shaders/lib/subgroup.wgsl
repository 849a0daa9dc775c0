// Threads per subgroup: the adapter's, if it has only one size.
const SUBGROUP: u32 = 32;
