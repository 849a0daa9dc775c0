import { fileURLToPath } from 'node:url';
import { normalizePath, type Plugin } from 'vite';
import { readShaders, shaderFolder } from '../hosts/node/shaders.ts';

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

/** For bundles: Node reads shaders/ of the repository, which they lack. */
export function embeddedShaders(): Plugin {
  const reader = normalizePath(fileURLToPath(new URL('../hosts/node/shaders.ts', import.meta.url)));
  return {
    name: 'graft-embedded-shaders',
    enforce: 'pre',
    load: (id) =>
      id === reader
        ? `import shaders from 'virtual:shaders'; export const readShaders = () => shaders;`
        : undefined,
  };
}
