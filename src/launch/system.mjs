// What the tests need beside npm packages: a Vulkan driver for Dawn, Chromium and Firefox, Python.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { root, run } from './project.mjs';

/** Dawn needs Vulkan 1.3 with what Mesa's lavapipe has had since this version. */
const OLDEST_MESA = 24;

/** 140 cannot be driven over WebDriver BiDi as the tests do, nor has it WebGPU in workers; 153 is known to do. */
const OLDEST_FIREFOX = 153;

/** The oldest Python with wheels of the packages in e2e/interop/requirements.txt. */
const OLDEST_PYTHON = '3.11';

/** What tests may need: how to see that it is there, and how to get it. */
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
 * Installs what is missing of `names`, where this is a Debian and we may; elsewhere says what to do.
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

/** The command that starts a Python which can make the environment of e2e/interop; undefined where there is none. */
export function pythonCommand() {
  const [major, minor] = OLDEST_PYTHON.split('.');
  const check = `import ensurepip, sys, venv; sys.exit(sys.version_info < (${major}, ${minor}))`;
  return ['python3', 'python'].find((command) => spawnSync(command, ['-c', check]).status === 0);
}

/** Runs a TypeScript file of the project, quietly. */
function tsx(file, args = []) {
  return spawnSync(process.execPath, ['--import', 'tsx', file, ...args], { cwd: root, encoding: 'utf8' });
}

/** Where the browser is that the tests would start. */
function browserPath(name) {
  return tsx('src/launch/browserPath.ts', [name]).stdout?.trim() || undefined;
}

/** 153 of "Mozilla Firefox 153.7.0esr"; 0 where there is none. */
function firefoxVersion() {
  const path = browserPath('firefox');
  const { stdout } = path ? spawnSync(path, ['--version'], { encoding: 'utf8' }) : {};
  return Number(/(\d+)\./.exec(stdout ?? '')?.[1] ?? 0);
}

/** The code name of this Debian ("bookworm"); undefined on other systems, derivatives included. */
function debianRelease() {
  if (!existsSync('/etc/os-release')) return undefined;
  const text = readFileSync('/etc/os-release', 'utf8');
  const value = (key) => new RegExp(`^${key}="?([^"\n]*)"?$`, 'm').exec(text)?.[1];
  return value('ID') === 'debian' ? value('VERSION_CODENAME') : undefined;
}

/** The words that come before apt-get: none for root, sudo where it asks for no password. */
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

/** Where apt has this release from: the mirror that will have its backports too. */
function debianMirror() {
  const format = '$(ORIGIN)|$(CODENAME)|$(REPO_URI)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
  const line = (stdout ?? '').split('\n').find((text) => text.startsWith(`Debian|${debianRelease()}|`));
  return line?.split('|')[2];
}

async function addBackports(suite) {
  const mirror = debianMirror();
  // Without one the installation that follows fails, and the person is told what is missing.
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

/** The version apt would install and all it knows of. */
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

/** 25 of "25.0.7-2~bpo12+1"; 0 of what is no version. */
function majorVersion(version) {
  return Number(/^(?:\d+:)?(\d+)/.exec(version)?.[1] ?? 0);
}
