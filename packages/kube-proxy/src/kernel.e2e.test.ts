import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { compileRules, TABLE } from './core/nftables.ts';
import { diffScript, EMPTY, fullScript, type RuleSet } from './core/ruleset.ts';
import type { ServicePort, Target } from './core/services.ts';

/** A network namespace of our own, with three "pods" as local addresses; the kernel's rules are the real ones. */
const NAMESPACE = `kubelab-proxy-test-${process.pid}`;
const PODS = ['10.244.0.2', '10.244.0.3', '10.244.0.4'];
const inside = (words: readonly string[], input?: string) =>
  execFileSync('ip', ['netns', 'exec', NAMESPACE, ...words], {
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
  });

const SERVER = `
  const net = require('node:net');
  for (const host of ${JSON.stringify(PODS)}) net.createServer((s) => s.end(host)).listen(8080, host);
  process.stdout.write('up');
`;
const CLIENT = `
  const [host, port, count] = process.argv.slice(1);
  const net = require('node:net');
  (async () => {
    const got = [];
    for (let i = 0; i < Number(count); i++) got.push(await new Promise((done) => {
      let text = '';
      const started = Date.now();
      const s = net.connect({ host, port, timeout: 2000 });
      s.on('data', (d) => (text += d)).on('close', () => done(text)).on('timeout', () => s.destroy());
      s.on('error', (e) => (text = e.code + (Date.now() - started > 1000 ? ' late' : '')));
    }));
    process.stdout.write(JSON.stringify(got));
  })();
`;

function unavailable(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync('nft', ['--version']);
    execFileSync('ip', ['netns', 'add', NAMESPACE]);
    return false;
  } catch (error) {
    return `needs nft and network namespaces: ${String(error)}`;
  }
}

suite('rules in the kernel', { skip: unavailable() }, () => {
  let server: ReturnType<typeof spawn>;
  let applied: RuleSet = EMPTY;

  const connect = (host: string, port: number, count: number): string[] =>
    JSON.parse(inside([process.execPath, '-e', CLIENT, host, String(port), String(count)])) as string[];
  const apply = (ports: readonly ServicePort[]) => {
    const next = compileRules(ports, {
      clusterCidr: '10.244.0.0/16',
      serviceCidr: '10.96.0.0/16',
      bridgeBypass: false,
    });
    inside(
      ['nft', '-f', '-'],
      applied === EMPTY ? fullScript(TABLE, next) : diffScript(TABLE, applied, next),
    );
    applied = next;
  };
  const web = (targets: readonly string[], affinitySeconds?: number): ServicePort => {
    const list: Target[] = targets.map((address) => ({ address, port: 8080 }));
    return {
      id: 'default/web:/tcp/80',
      protocol: 'tcp',
      port: 80,
      addresses: ['10.96.0.7'],
      nodePort: 30_080,
      affinitySeconds,
      internal: list,
      external: list,
      keepsSource: false,
    };
  };

  before(async () => {
    inside(['ip', 'link', 'set', 'lo', 'up']);
    for (const address of [...PODS, '192.0.2.9'])
      inside(['ip', 'address', 'add', `${address}/32`, 'dev', 'lo']);
    // A way out, as a node has: Service addresses are routed, not local.
    inside(['ip', 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'far']);
    for (const link of ['out', 'far']) inside(['ip', 'link', 'set', link, 'up']);
    inside(['ip', 'address', 'add', '198.51.100.1/24', 'dev', 'out']);
    inside(['ip', 'route', 'add', 'default', 'via', '198.51.100.2']);
    server = spawn('ip', ['netns', 'exec', NAMESPACE, process.execPath, '-e', SERVER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => server.stdout?.once('data', resolve));
  });
  after(async () => {
    server.kill('SIGKILL');
    await delay(50);
    execFileSync('ip', ['netns', 'delete', NAMESPACE]);
  });

  test('a ClusterIP spreads connections over its targets', () => {
    apply([web(PODS)]);
    const answers = connect('10.96.0.7', 80, 60);
    assert.deepEqual(new Set(answers), new Set(PODS));
  });

  test('a node port answers on every address of the node', () => {
    assert.ok(PODS.includes(connect('192.0.2.9', 30_080, 1)[0] ?? ''));
    assert.ok(PODS.includes(connect('127.0.0.1', 30_080, 1)[0] ?? ''));
  });

  test('targets that are gone get nothing from the next transaction on', () => {
    apply([web([PODS[1] ?? ''])]);
    assert.deepEqual(new Set(connect('10.96.0.7', 80, 20)), new Set([PODS[1]]));
  });

  test('session affinity keeps a client with its target, also when others come and go', () => {
    apply([web(PODS, 100)]);
    const first = new Set(connect('10.96.0.7', 80, 15));
    assert.equal(first.size, 1);
    const kept = [...first][0] ?? '';
    apply([web([kept, ...PODS.filter((pod) => pod !== kept).slice(1)], 100)]);
    assert.deepEqual(new Set(connect('10.96.0.7', 80, 15)), first);
  });

  test('a Service without targets, and an address without a Service, refuse at once', () => {
    apply([web([])]);
    assert.deepEqual(connect('10.96.0.7', 80, 1), ['ECONNREFUSED']);
    assert.deepEqual(connect('10.96.99.99', 80, 1), ['ECONNREFUSED']);
    assert.deepEqual(connect('192.0.2.9', 30_080, 1), ['ECONNREFUSED']);
  });

  test('a thousand services of ten targets are one transaction, and one change is a small one', () => {
    const many = Array.from({ length: 1000 }, (_, i): ServicePort => {
      const targets = Array.from({ length: 10 }, (_each, j) => ({
        address: `10.244.${i % 250}.${j + 2}`,
        port: 80,
      }));
      const address = `10.96.${1 + Math.floor(i / 250)}.${i % 250}`;
      return {
        ...web([]),
        id: `s${i}`,
        addresses: [address],
        nodePort: undefined,
        internal: targets,
        external: [],
      };
    });
    apply([web(PODS), ...many]);
    const script = diffScript(
      TABLE,
      applied,
      compileRules([web(PODS.slice(1)), ...many], {
        clusterCidr: '10.244.0.0/16',
        serviceCidr: '10.96.0.0/16',
        bridgeBypass: false,
      }),
    );
    assert.ok(script.split('\n').length < 20, script);
    assert.ok(PODS.includes(connect('10.96.0.7', 80, 1)[0] ?? ''));
  });
});
