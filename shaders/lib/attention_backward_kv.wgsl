// Bindings of the dk and dv kernels.
//#include lib/attention_backward.wgsl
@group(0) @binding(5) var<storage, read> segment_end: array<u32>;
@group(0) @binding(6) var<storage, read_write> d_k: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> d_v: array<vec4<f32>>;
@group(0) @binding(8) var<uniform> params: Params;
