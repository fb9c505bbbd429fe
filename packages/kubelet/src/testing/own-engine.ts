import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { eventually } from '@kubelab/component-base/testing';
import { connectEngine, type Engine } from '../runtime/docker/engine.ts';

/** Why real containers cannot be tried here; undefined when they can. */
export function engineSkipReason(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for an engine of its own';
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', '/usr/local/bin'];
  const missing = ['dockerd', 'ip', 'unshare', 'nsenter', 'busybox'].filter(
    (tool) => !folders.some((folder) => existsSync(join(folder, tool))),
  );
  return missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;
}

/** A Docker engine in namespaces of its own: nothing of the machine's own engine is touched. */
export interface OwnEngine {
  readonly endpoint: string;
  readonly folder: string;
  readonly engine: Engine;
  /** Enters the engine's network, as a prefix of a command. */
  readonly enterNetwork: readonly string[];
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

let count = 0;

export async function startOwnEngine(): Promise<OwnEngine> {
  removeLeftOvers();
  const name = `kltest-${process.pid}-${count++}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const endpoint = `unix://${join(folder, 'docker.sock')}`;
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  const engine = await connectEngine(endpoint);
  let running: { stop(): Promise<void> } | undefined;

  const self: OwnEngine = {
    endpoint,
    folder,
    engine,
    enterNetwork: ['nsenter', `--net=/run/netns/${name}`],
    async start() {
      rmSync(join(folder, 'x'), { recursive: true, force: true });
      running = spawnEngine(name, folder);
      await eventually('the engine answers', () => engine.ping(), 30_000);
    },
    async kill() {
      await running?.stop();
    },
    async remove() {
      await running?.stop();
      execFileSync('ip', ['netns', 'del', name]);
      removeCgroups(name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

/** Ends its command when its own standard input ends: the engine cannot outlive the test, however that dies. */
const KEEPER = '"$@" & child=$!; cat > /dev/null; kill -KILL $child; wait $child';

function spawnEngine(name: string, folder: string): { stop(): Promise<void> } {
  mkdirSync(join(folder, 'x'), { recursive: true });
  rmSync(join(folder, 'pid'), { force: true });
  const log = openSync(join(folder, 'dockerd.log'), 'a');
  const command = [
    ...['unshare', '--pid', '--mount', '--uts', '--ipc', '--fork', '--kill-child=KILL', '--mount-proc'],
    ...['nsenter', `--net=/run/netns/${name}`, 'dockerd'],
    ...['-H', `unix://${join(folder, 'docker.sock')}`],
    ...[
      '--data-root',
      join(folder, 'data'),
      '--exec-root',
      join(folder, 'x'),
      '--pidfile',
      join(folder, 'pid'),
    ],
    ...['--bip', '10.251.0.1/24', '--iptables=false', '--ip-masq=false', '--userland-proxy=false'],
    ...['--cgroup-parent', `/${name}`],
  ];
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', ...command], { stdio: ['pipe', log, log] });
  const ended = new Promise<void>((resolve) => keeper.once('exit', () => resolve()));
  return {
    async stop() {
      keeper.stdin?.end();
      await ended;
    },
  };
}

/** What earlier tests left that were killed in the middle: namespaces and folders named after a process that is gone. */
function removeLeftOvers(): void {
  const isLeft = (name: string) => {
    const pid = /^kltest-(\d+)-/.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  };
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  for (const name of namespaces.filter(isLeft)) {
    execFileSync('ip', ['netns', 'del', name]);
    removeCgroups(name);
  }
  for (const name of readdirSync(tmpdir()).filter(isLeft))
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
}

/** Empty cgroups are left behind in every hierarchy; the deepest go first. */
function removeCgroups(name: string): void {
  const hierarchies = existsSync('/sys/fs/cgroup') ? readdirSync('/sys/fs/cgroup') : [];
  for (const hierarchy of ['.', ...hierarchies]) {
    const top = join('/sys/fs/cgroup', hierarchy, name);
    if (!existsSync(top)) continue;
    for (const child of readdirSync(top, { withFileTypes: true })) {
      if (child.isDirectory()) tryRemove(join(top, child.name));
    }
    tryRemove(top);
  }
}

function tryRemove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Some process still ends in it; a folder of the kernel's costs nothing.
  }
}

/** The machine's static busybox as an image. */
export async function importBusybox(engine: Engine, image = 'busybox:test'): Promise<void> {
  const { pack } = await import('tar-stream');
  const tar = pack();
  tar.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync('/bin/busybox'));
  tar.entry({ name: 'bin/sh', type: 'symlink', linkname: 'busybox' });
  for (const applet of [
    'sleep',
    'cat',
    'echo',
    'ls',
    'wget',
    'httpd',
    'env',
    'id',
    'true',
    'false',
    'tail',
    'touch',
    'stat',
    'hostname',
    'ps',
  ]) {
    tar.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  }
  tar.entry({ name: 'tmp', type: 'directory', mode: 0o1777 });
  tar.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/:/bin/sh\n');
  tar.finalize();
  const [repo, tag] = image.split(':');
  const progress = await engine.importImage(Readable.from(tar), {
    fromSrc: '-',
    repo,
    tag,
    changes: 'CMD ["/bin/sh"]',
  });
  for await (const _ of progress);
}
