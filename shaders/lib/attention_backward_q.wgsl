// Bindings of the dq kernels.
//#include lib/attention_backward.wgsl
@group(0) @binding(5) var<storage, read> segment_start: array<u32>;
@group(0) @binding(6) var<storage, read_write> d_q: array<vec4<f32>>;
@group(0) @binding(7) var<uniform> params: Params;
