import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '..');
const PUBLIC_BASE = 'node:24-bookworm-slim';
/** A pull that has not begun to answer by then will not. */
const PULL_TIMEOUT_MS = 120_000;

/** Programs of a node; what is missing on this machine is missing in the image, but for these the engine needs. */
const REQUIRED = [
  'busybox',
  'dockerd',
  'containerd',
  'containerd-shim-runc-v2',
  'runc',
  'docker',
  'ip',
  'nft',
  'mount',
  'umount',
  'nsenter',
  'unshare',
];
const OPTIONAL = ['xtables-nft-multi', 'bridge', 'conntrack'];
const LINKS: Readonly<Record<string, string>> = {
  iptables: 'xtables-nft-multi',
  'iptables-restore': 'xtables-nft-multi',
  'iptables-save': 'xtables-nft-multi',
};

/** Undefined where Node's public image can be used; else the name of a base made from this machine's files. */
export async function baseImage(): Promise<string | undefined> {
  if (await succeeds(['docker', 'image', 'inspect', PUBLIC_BASE])) return undefined;
  const name = `kubelab-base:${await inputsHash()}`;
  if (await succeeds(['docker', 'image', 'inspect', name])) return name;
  if (await succeeds(['docker', 'pull', '--quiet', PUBLIC_BASE])) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'kubelab-base-'));
  try {
    await assemble(folder);
    await importFolder(folder, name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return name;
}

async function succeeds([command = '', ...args]: readonly string[]): Promise<boolean> {
  try {
    await run(command, args, { timeout: PULL_TIMEOUT_MS });
    return true;
  } catch {
    // The exit code is the answer.
    return false;
  }
}

/** A root file system: busybox, Node, the engine, the network tools, and the packages of production. */
async function assemble(folder: string): Promise<void> {
  for (const path of [
    'bin',
    'etc/ssl/certs',
    'usr/local/bin',
    'usr/sbin',
    'tmp',
    'run',
    'var/lib',
    'root',
    'proc',
    'sys',
    'dev',
    'kubelab',
  ]) {
    await mkdir(join(folder, path), { recursive: true });
  }
  await symlink('/run', join(folder, 'var/run'));
  const programs = new Map<string, string>([['node', process.execPath]]);
  for (const name of [...REQUIRED, ...OPTIONAL]) {
    const path = await findProgram(name);
    if (path !== undefined) programs.set(name, path);
    else if (REQUIRED.includes(name))
      throw new Error(`${name} is needed to make a base image, and is not installed here`);
  }
  const plugins = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/xtables`;
  await cp(plugins, join(folder, plugins), { recursive: true }).catch(() => undefined);
  for (const [name, path] of programs) {
    await cp(path, join(folder, name === 'busybox' ? 'bin' : 'usr/local/bin', name), { dereference: true });
    for (const library of await librariesOf(path)) await copyLibrary(library, folder);
  }
  for (const [link, program] of Object.entries(LINKS)) {
    if (programs.has(program)) await symlink(program, join(folder, 'usr/local/bin', link));
  }
  const { stdout: applets } = await run('busybox', ['--list']);
  for (const applet of applets.trim().split('\n')) {
    // Busybox lists itself; and where the real program is there, it is wanted.
    if (applet !== 'busybox' && !programs.has(applet) && !(applet in LINKS))
      await symlink('busybox', join(folder, 'bin', applet));
  }
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\ndocker:x:999:\n');
  await writeFile(join(folder, 'etc/os-release'), 'ID=kubelab\nNAME=kubelab\nPRETTY_NAME="kubelab node"\n');
  await writeFile(join(folder, 'etc/nsswitch.conf'), 'hosts: files dns\n');
  await cp('/etc/ssl/certs/ca-certificates.crt', join(folder, 'etc/ssl/certs/ca-certificates.crt')).catch(
    () => undefined,
  );
  await copyPackages(join(folder, 'kubelab'));
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']) {
    const path = await realpath(join(folder, name)).catch(() => undefined);
    if (path !== undefined) return path;
  }
  return undefined;
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]).catch(() => ({ stdout: '' }));
  return [...stdout.matchAll(/(?:=> )?(\/[^\s]+) \(0x/g)].map(([, path]) => path ?? '');
}

async function copyLibrary(path: string, folder: string): Promise<void> {
  // The loader looks where the program says: /lib64 and the folders of /lib.
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  await cp(path, target, { dereference: true });
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly dev?: boolean; readonly link?: boolean; readonly resolved?: string }>
  >;
}

/** Whatever the lock file does not call a tool of development, but Node itself, which is there already. */
async function copyPackages(target: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as LockFile;
  for (const [path, { dev, link, resolved }] of Object.entries(lock.packages)) {
    if (
      !path.startsWith('node_modules/') ||
      dev === true ||
      path === 'node_modules/node' ||
      basename(path).startsWith('node-bin-')
    )
      continue;
    const to = join(target, path);
    await mkdir(dirname(to), { recursive: true });
    if (link === true) await symlink(join('../'.repeat(path.split('/').length - 1), resolved ?? ''), to);
    else
      await cp(join(ROOT, path), to, {
        recursive: true,
        filter: (from) => !/\.(md|map|markdown|d\.[cm]?ts)$|\/\.bin$/.test(from),
      }).catch(ignoreMissing);
  }
}

/** Packages for other platforms are in the lock file, but not here. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

async function importFolder(folder: string, name: string): Promise<void> {
  const path = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const tar = spawn('tar', ['-C', folder, '--owner=0', '--group=0', '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const load = spawn('docker', ['import', '--change', path, '-', name], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  tar.stdout.pipe(load.stdin);
  const code = await new Promise<number | null>((done) => load.once('exit', done));
  if (code !== 0) throw new Error('the engine did not take the base image');
}

/** A new lock file, or another Node, makes another base. */
async function inputsHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'images/base.ts']) hash.update(await readFile(join(ROOT, file)));
  return hash.update(process.version).digest('hex').slice(0, 12);
}
