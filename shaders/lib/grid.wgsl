// Index of a workgroup in a one-dimensional grid that is spread over x and y, since a dimension is limited to 65,535.
fn flat_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}

// The row of a workgroup if x runs along the rows, and the rows are spread over y and z.
fn row_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.z * groups.y + group.y;
}
