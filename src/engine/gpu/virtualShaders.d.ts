/** Every `shaders/<name>.wgsl` by name, with its includes resolved at build time. */
declare module 'virtual:shaders' {
  const shaders: Record<string, string>;
  export default shaders;
}
