// Threads of a subgroup: the adapter's, where it has one size only.
const SUBGROUP: u32 = 32;
