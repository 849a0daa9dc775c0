// What the tests need besides npm packages: a Vulkan driver for Dawn, Chromium and Firefox, Python.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { root, run } from './project.mjs';

/** Dawn needs Vulkan 1.3 with features that Mesa's lavapipe has had since this version. */
const OLDEST_MESA = 24;

/**
 * Version 140 can't be driven over WebDriver BiDi as the tests require, and lacks WebGPU in workers; 153 is known to
 * work.
 */
const OLDEST_FIREFOX = 153;

/** The oldest Python with wheels of the packages in e2e/interop/requirements.txt. */
const OLDEST_PYTHON = '3.11';

/** Requirements of tests: how to detect and how to install each. */
const requirements = {
  vulkan: {
    title: 'a Vulkan driver (or another GPU interface) for Dawn',
    present: () => tsx('src/launch/probeGpu.ts').status === 0,
    packages: ['libvulkan1', 'mesa-vulkan-drivers'],
    instruction: {
      linux: `Install Mesa's Vulkan drivers, ${OLDEST_MESA} or newer: mesa-vulkan-drivers and libvulkan1 (Debian, Ubuntu), mesa-vulkan-drivers and vulkan-loader (Fedora), vulkan-swrast (Arch).`,
      darwin: 'Metal comes with macOS; run this in a session that can see the GPU.',
      win32: 'Direct3D 12 comes with Windows 10 and 11; update the graphics driver.',
    },
  },
  gpuCompiler: {
    title: 'Mesa’s compiler for AMD GPUs, which shows what a GPU makes of the kernels,',
    present: () => tsx('src/lab/bench/isa/probeCompiler.ts').status === 0,
    packages: ['gcc', 'libc6-dev', 'libvulkan-dev', 'spirv-tools', 'mesa-vulkan-drivers'],
    instruction: {
      linux:
        'Install gcc, vulkan-loader-devel, vulkan-headers, spirv-tools and mesa-vulkan-drivers (Fedora); gcc, vulkan-headers, spirv-tools and vulkan-radeon (Arch).',
      darwin: 'It needs Linux: its test is skipped.',
      win32: 'It needs Linux: its test is skipped.',
    },
  },
  chromium: {
    title: 'Chromium',
    present: () => browserPath('chromium') !== undefined,
    packages: ['chromium'],
    instruction: {
      linux:
        'Run: npx playwright install --with-deps chromium (or install the package chromium: Fedora, Arch).',
      darwin: 'Run: npx playwright install chromium',
      win32: 'Run: npx playwright install chromium',
    },
  },
  firefox: {
    title: `Firefox ${OLDEST_FIREFOX} or newer`,
    present: () => firefoxVersion() >= OLDEST_FIREFOX,
    packages: ['firefox-esr'],
    instruction: {
      linux: 'Install Firefox: the package firefox (Fedora, Arch, Ubuntu).',
      darwin: 'Install Firefox in /Applications (brew install --cask firefox).',
      win32: 'Install Firefox from https://www.mozilla.org/firefox/ (winget install Mozilla.Firefox).',
    },
  },
  python: {
    title: `Python ${OLDEST_PYTHON} or newer with venv`,
    present: () => pythonCommand() !== undefined,
    packages: ['python3-venv'],
    instruction: {
      linux: 'Install the package python3 (Fedora) or python (Arch).',
      darwin: 'Install it from https://www.python.org/downloads/ (brew install python).',
      win32: 'Install it from https://www.python.org/downloads/ (winget install Python.Python.3.13).',
    },
  },
};

/**
 * Installs the missing ones of `names` if this is a Debian and we have permission; elsewhere prints instructions.
 * Returns what is still missing, as name → instruction.
 */
export async function installRequirements(names) {
  const isMissing = (name) => !requirements[name].present();
  let missing = names.filter(isMissing);
  if (missing.length > 0 && debianRelease() && mayInstall()) {
    console.log(`Installing ${missing.map((name) => requirements[name].title).join(', ')} …`);
    await aptInstall(missing.flatMap((name) => requirements[name].packages));
    missing = missing.filter(isMissing);
  }
  const instructions = missing.map((name) => {
    const { title, instruction, packages } = requirements[name];
    const how = debianRelease()
      ? `As root: apt-get install ${packages.join(' ')}`
      : (instruction[process.platform] ?? instruction.linux);
    return [name, `${title} is missing. ${how}`];
  });
  for (const [, instruction] of instructions) console.error(instruction);
  return Object.fromEntries(instructions);
}

/** The command of a Python that can create the environment of e2e/interop; undefined if there is none. */
export function pythonCommand() {
  const [major, minor] = OLDEST_PYTHON.split('.');
  const check = `import ensurepip, sys, venv; sys.exit(sys.version_info < (${major}, ${minor}))`;
  return ['python3', 'python'].find((command) => spawnSync(command, ['-c', check]).status === 0);
}

/** Runs a TypeScript file of the project, without output. */
function tsx(file, args = []) {
  return spawnSync(process.execPath, ['--import', 'tsx', file, ...args], { cwd: root, encoding: 'utf8' });
}

/** The path of the browser that the tests would start. */
function browserPath(name) {
  return tsx('src/launch/browserPath.ts', [name]).stdout?.trim() || undefined;
}

/** 153 for "Mozilla Firefox 153.7.0esr"; 0 if there is none. */
function firefoxVersion() {
  const path = browserPath('firefox');
  const { stdout } = path ? spawnSync(path, ['--version'], { encoding: 'utf8' }) : {};
  return Number(/(\d+)\./.exec(stdout ?? '')?.[1] ?? 0);
}

/** The code name of this Debian ("bookworm"); undefined on other systems, including derivatives. */
function debianRelease() {
  if (!existsSync('/etc/os-release')) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const value = (key) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return value('ID') === 'debian' ? value('VERSION_CODENAME') : undefined;
}

/** The prefix of apt-get: none for root, sudo if it needs no password. */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

function mayInstall() {
  return asRoot() !== undefined;
}

async function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const [command, ...rest] = [...(asRoot() ?? []), 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args];
  return run(command, rest, { env, stdio: ['ignore', 'inherit', 'inherit'] });
}

async function aptInstall(packages) {
  await apt('update');
  const install = (names, ...options) =>
    apt('install', '-y', '--no-install-recommends', ...options, ...names);
  const mesa = 'mesa-vulkan-drivers';
  if (packages.includes(mesa) && majorVersion(versionsOf(mesa).candidate) < OLDEST_MESA) {
    const backports = `${debianRelease()}-backports`;
    if (!versionsOf(mesa).all.some((version) => majorVersion(version) >= OLDEST_MESA)) {
      await addBackports(backports);
    }
    await install([mesa], '-t', backports);
    packages = packages.filter((name) => name !== mesa);
  }
  await install(packages);
}

/** The mirror that apt has this release from: it will have the backports too. */
function debianMirror() {
  const format = '$(ORIGIN)|$(CODENAME)|$(REPO_URI)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
  const line = (stdout ?? '').split('\n').find((text) => text.startsWith(`Debian|${debianRelease()}|`));
  return line?.split('|')[2];
}

async function addBackports(suite) {
  const mirror = debianMirror();
  // Without one the following installation fails, and the user sees what is missing.
  if (!mirror) return;
  const line = `deb ${mirror} ${suite} main\n`;
  const path = '/etc/apt/sources.list.d/graft-backports.list';
  const sudo = asRoot();
  if (sudo.length === 0) writeFileSync(path, line);
  else
    execFileSync(sudo[0], [...sudo.slice(1), 'tee', path], {
      input: line,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  await apt('update');
}

/** The version that apt would install, and all versions it knows. */
function versionsOf(name) {
  const { stdout = '' } = spawnSync('apt-cache', ['policy', name], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return {
    candidate: /^ {2}Candidate: (\S+)/m.exec(stdout)?.[1] ?? '',
    all: [...stdout.matchAll(/^(?: {5}| \*\*\* )(\d\S*) \d+$/gm)].map(([, version]) => version),
  };
}

/** 25 for "25.0.7-2~bpo12+1"; 0 if it is not a version. */
function majorVersion(version) {
  return Number(/^(?:\d+:)?(\d+)/.exec(version)?.[1] ?? 0);
}
