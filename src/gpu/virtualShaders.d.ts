/** Every `shaders/<name>.wgsl` by name, with its includes resolved, put into the bundle by the build. */
declare module 'virtual:shaders' {
  const shaders: Record<string, string>;
  export default shaders;
}
