// Parameters and inputs shared by all attention backward kernels.
alias E = f32;

struct Params {
  rows: u32,
  columns: u32, // D4
  kv_heads: u32,
  window: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4<E>>;
@group(0) @binding(1) var<storage, read> k: array<vec4<E>>;
@group(0) @binding(2) var<storage, read> v: array<vec4<E>>;
@group(0) @binding(3) var<storage, read> d_o: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> delta: array<vec2<f32>>;
