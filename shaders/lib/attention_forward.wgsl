// Parameters and bindings of the attention forward kernels.
alias E = f32;

struct Params {
  rows: u32,
  columns: u32, // D4
  keys: u32,
  kv_heads: u32,
  query_offset: u32,
  window: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<E>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<E>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<E>>;
@group(0) @binding(3) var<storage, read> segment_start: array<u32>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4<E>>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

fn store(at: u32, value: vec4<f32>) {
//#if E == f16
  o[at] = vec4<E>(clamp(value, vec4<f32>(-65504.0), vec4<f32>(65504.0)));
//#else
  o[at] = value;
//#endif
}
