// Workgroups of a one-dimensional job, laid over x and y because a dimension holds 65,535 at most.
fn flat_group(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.y * groups.x + group.x;
}
