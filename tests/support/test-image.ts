import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

/**
 * An image made of this machine's static busybox, written as a `docker save` archive without any engine: a web server on 8080 that says
 * which pod it is and whose address it sees.
 */
export const TEST_IMAGE = 'kubelab-test/web:1';

const BUSYBOX_PLACES = ['/bin/busybox', '/usr/bin/busybox'];

export function findBusybox(): string | undefined {
  return BUSYBOX_PLACES.find((path) => existsSync(path) && isStatic(path));
}

function isStatic(path: string): boolean {
  try {
    return /not a dynamic executable|statically linked/.test(
      execFileSync('sh', ['-c', `ldd ${path} 2>&1 || true`], { encoding: 'utf8' }),
    );
  } catch {
    return false;
  }
}

/** As process 1 the shell has to say itself that it ends when it is asked to. */
const SERVE = 'trap "exit 0" TERM; httpd -f -p 0.0.0.0:8080 -h /www & wait';
const WHO = '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n%s %s\\n" "$(hostname)" "$REMOTE_ADDR"\n';

export async function writeTestImage(path: string, busybox: string): Promise<void> {
  const layer = await layerOf(busybox);
  const diffId = `sha256:${sha256(layer)}`;
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: ['sh', '-c', SERVE], Env: ['PATH=/bin'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created: '2026-01-01T00:00:00Z' }],
    created: '2026-01-01T00:00:00Z',
  });
  const configName = `${sha256(config)}.json`;
  const archive = pack();
  archive.entry({ name: configName }, config);
  archive.entry({ name: 'layer/layer.tar' }, layer);
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: configName, RepoTags: [TEST_IMAGE], Layers: ['layer/layer.tar'] }]),
  );
  archive.finalize();
  await writeFile(path, await buffer(archive));
}

function layerOf(busybox: string): Promise<Buffer> {
  const layer = pack();
  for (const folder of ['bin', 'www', 'www/cgi-bin', 'tmp', 'etc', 'root'])
    layer.entry({ name: `${folder}/`, type: 'directory', mode: 0o755 });
  layer.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(busybox));
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  for (const applet of applets) {
    if (applet !== 'busybox') layer.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  }
  layer.entry({ name: 'www/index.html' }, 'kubelab\n');
  layer.entry({ name: 'www/cgi-bin/who', mode: 0o755 }, WHO);
  layer.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\n');
  layer.finalize();
  return buffer(layer);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
