import { normalizePath, type Plugin } from 'vite';
import { readShaders, shaderFolder } from '../cli/shaders.ts';

const ID = 'virtual:shaders';
const RESOLVED = `\0${ID}`;

/** Offers `virtual:shaders`, and reloads what imports it when a shader changes. */
export function wgslPlugin(): Plugin {
  const folder = normalizePath(shaderFolder);
  return {
    name: 'graft-wgsl',
    resolveId: (id) => (id === ID ? RESOLVED : undefined),
    load(id) {
      if (id !== RESOLVED) return undefined;
      return `export default ${JSON.stringify(readShaders(), null, 1)};`;
    },
    configureServer(server) {
      server.watcher.add(shaderFolder);
      server.watcher.on('all', (_event, path) => {
        if (!normalizePath(path).startsWith(folder)) return;
        for (const environment of Object.values(server.environments)) {
          const module = environment.moduleGraph.getModuleById(RESOLVED);
          if (module) void environment.reloadModule(module);
        }
      });
    },
  };
}
