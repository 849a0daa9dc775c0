// Workgroups of a one-dimensional job, laid over x and y because a dimension holds 65,535 at most.
fn flat_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}

// The row of a workgroup where x goes along the rows, and the rows are laid over y and z.
fn row_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.z * groups.y + group.y;
}
