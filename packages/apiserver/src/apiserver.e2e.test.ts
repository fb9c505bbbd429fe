import assert from 'node:assert/strict';
import { request as httpsRequest } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, test } from 'node:test';
import { ConfigMap, isStatus, Pod } from '@kubelab/api';
import { createClient } from '@kubelab/client';
import { realClock, realRandom, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { foreignCertificate, kubectlVersions, type Lab, startLab } from './testing/lab.ts';

let lab: Lab;

before(async () => {
  lab = await startLab();
});
after(() => lab.stop());

function client(server: string) {
  return createClient(
    { servers: [server], ca: lab.ca, ...lab.admin, userAgent: 'e2e' },
    { clock: realClock, random: realRandom, log: silentLogger },
  );
}

const versions = await kubectlVersions(['1.27', '1.28', '1.29', '1.30', '1.31', '1.32', '1.33']);
for (const version of versions) {
  test(`kubectl ${version} does an object's whole life`, async () => {
    const ns = `v${version.replace('.', '-')}`;
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await lab.kubectl(args, { version });
      assert.equal(code, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    await run('create', 'namespace', ns);
    await run('create', 'serviceaccount', 'default', '-n', ns);
    await run('create', 'configmap', 'a', '--from-literal=x=y', '-n', ns);
    await run('create', 'deployment', 'web', '--image=nginx', '--replicas=2', '-n', ns);
    assert.match(
      await run('get', 'deployments', '-n', ns),
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2/,
    );
    await run('scale', 'deployment', 'web', '--replicas=3', '-n', ns);
    await run('scale', 'deployment', 'web', '--replicas=4', '--current-replicas=3', '-n', ns);
    assert.equal(await run('get', 'deployment', 'web', '-n', ns, '-o', 'jsonpath={.spec.replicas}'), '4');
    await run('label', 'deployment', 'web', 'tier=front', '-n', ns);
    await run('annotate', 'configmap', 'a', 'note=x', '-n', ns);
    await run('set', 'image', 'deployment/web', 'nginx=nginx:2', '-n', ns);
    await run('patch', 'configmap', 'a', '-p', '{"data":{"x":"z"}}', '-n', ns);
    await run('expose', 'deployment', 'web', '--port=80', '-n', ns);
    assert.match(await run('describe', 'service', 'web', '-n', ns), /IP: +10\.96\./);
    await run('run', 'pod', '--image=nginx', '-n', ns);
    assert.match(await run('get', 'all', '-n', ns), /deployment\.apps\/web/);
    assert.match(await run('api-resources'), /deployments +deploy +apps\/v1/);
    if (version >= '1.29') {
      assert.match(await run('explain', 'pod.spec.containers'), /FIELD: containers/);
      const manifest = JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'applied', namespace: ns },
        data: { a: '1' },
      });
      const apply = async (text: string, ...flags: string[]) => {
        const { code, stdout, stderr } = await lab.kubectl(['apply', ...flags, '-f', '-'], {
          version,
          input: text,
        });
        assert.equal(code, 0, stderr);
        return stdout;
      };
      assert.match(await apply(manifest), /configmap\/applied created/);
      assert.match(await apply(manifest), /configmap\/applied unchanged/);
      assert.match(await apply(manifest.replace('"1"', '"2"')), /configmap\/applied configured/);
      assert.match(
        await apply(manifest.replace('applied', 'ssa'), '--server-side'),
        /configmap\/ssa serverside-applied/,
      );
    }
    assert.equal((await run('auth', 'can-i', 'create', 'pods', '-n', ns)).trim(), 'yes');
    assert.equal(
      (await lab.kubectl(['auth', 'can-i', 'create', 'pods', '--as=nobody'], { version })).stdout.trim(),
      'no',
    );
    assert.match(await run('create', 'token', 'default', '-n', ns), /^eyJ/);
    await run('create', 'rolebinding', 'viewer', '--clusterrole=view', '--user=vera', '-n', ns);
    assert.match(await run('get', 'pods', '-n', ns, '--as=vera'), /pod +0\/1 +Pending/);
    await run('delete', 'pod', 'pod', '-n', ns);
    await run('delete', 'deployment,service,configmap', '--all', '-n', ns);
    assert.equal((await lab.kubectl(['get', 'deployment', 'web', '-n', ns], { version })).code, 1);
  });
}

test('kubectl get -w shows each change as it happens', async () => {
  const watching = lab.kubectl([
    'get',
    'configmaps',
    '-n',
    'kube-public',
    '-w',
    '--request-timeout=3s',
    '--no-headers',
  ]);
  await eventually('a watch is open', async () =>
    (await lab.kubectl(['get', '--raw', '/metrics'])).stdout.includes('verb="WATCH"} 1'),
  );
  await lab.kubectl(['create', 'configmap', 'seen', '--from-literal=a=b', '-n', 'kube-public']);
  await lab.kubectl(['delete', 'configmap', 'seen', '-n', 'kube-public']);
  const { stdout } = await watching;
  assert.equal(stdout.split('\n').filter((line) => line.startsWith('seen')).length, 2, stdout);
});

test('A1 eight writers make 800 increments over both doors, and none is lost', async () => {
  const clients = [client(lab.url), client(`grpcs://127.0.0.1:${lab.grpcPort}`)];
  const ref = { name: 'counter', namespace: 'default' };
  await clients[0]?.create(ConfigMap, { metadata: ref, data: { n: '0' } });
  const writer = async (index: number): Promise<void> => {
    const mine = clients[index % clients.length];
    if (mine === undefined) throw new Error('no client');
    for (let done = 0; done < 100; ) {
      const found = await mine.get(ConfigMap, ref);
      try {
        await mine.update(ConfigMap, { ...found, data: { n: String(Number(found.data?.['n']) + 1) } });
        done++;
      } catch (error) {
        if (!isStatus(error, 'Conflict')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => writer(index)));
  assert.equal((await clients[1]?.get(ConfigMap, ref))?.data?.['n'], '800');
  for (const one of clients) one.close();
});

test('E1 what one door has written the other reads at once', async () => {
  const [rest, grpc] = [client(lab.url), client(`grpcs://127.0.0.1:${lab.grpcPort}`)];
  for (let i = 0; i < 50; i++) {
    const ref = { name: `seen-${i}`, namespace: 'default' };
    await rest.create(ConfigMap, { metadata: ref });
    assert.equal((await grpc.get(ConfigMap, ref)).metadata.name, ref.name);
    await grpc.delete(ConfigMap, ref);
    await assert.rejects(rest.get(ConfigMap, ref), (error) => isStatus(error, 'NotFound'));
  }
  rest.close();
  grpc.close();
});

interface Credentials {
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

function codeOf(
  { cert, key, token }: Credentials,
  path = '/api/v1/namespaces',
  options: object = {},
): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const tls = cert === undefined || key === undefined ? {} : { cert, key };
    const request = httpsRequest(
      `${lab.url}${path}`,
      { ca: lab.ca, agent: false, headers, ...tls, ...options },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    request.end();
  });
}

test('S1 certificates: right 200, foreign 401, none 403; a serving certificate is no client', async () => {
  assert.equal(await codeOf(lab.admin), 200);
  assert.equal(await codeOf({}), 403);
  assert.equal(await codeOf({}, '/version'), 200);
  const foreign = await foreignCertificate('kubernetes-admin', ['system:masters']);
  assert.equal(await codeOf(foreign), 401);
  assert.equal(await codeOf(foreign, '/version'), 401, 'not even what anonymous may see');
  const bob = await lab.certificate('bob');
  assert.equal(await codeOf(bob), 403);
  const { readFile } = await import('node:fs/promises');
  const pki = `${lab.folder}/members/apiserver-1/pki`;
  const serving = {
    cert: await readFile(`${pki}/apiserver.crt`, 'utf8'),
    key: await readFile(`${pki}/apiserver.key`, 'utf8'),
  };
  assert.equal(await codeOf(serving), 401);
  assert.equal(await codeOf({ ...lab.admin, token: 'garbage' }), 200, 'the certificate speaks first');
  assert.equal(await codeOf({ token: 'garbage' }), 401);
});

test('S7 nothing below TLS 1.2, and nothing in plain text', async () => {
  assert.match(
    String(
      await codeOf(lab.admin, '/version', {
        maxVersion: 'TLSv1.1',
        minVersion: 'TLSv1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      }),
    ),
    /ERR_SSL|EPROTO|ECONNRESET/,
  );
  await assert.rejects(fetch(`http://127.0.0.1:${lab.port}/version`));
});

test('S1 the gRPC door refuses a foreign certificate', async () => {
  const foreign = await foreignCertificate('kubernetes-admin', ['system:masters']);
  const bad = createClient(
    { servers: [`grpcs://127.0.0.1:${lab.grpcPort}`], ca: lab.ca, ...foreign, userAgent: 'e2e' },
    { clock: realClock, random: realRandom, log: silentLogger },
  );
  await assert.rejects(
    Promise.race([
      bad.list(Pod),
      new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), 3000)),
    ]),
  );
  bad.close();
});

test('HTTP/2 and HTTP/1.1 answer on the same port', async () => {
  const session = connectHttp2(lab.url, { ca: lab.ca, ...lab.admin });
  const stream = session.request({ ':path': '/api/v1/namespaces/default' });
  const code = await new Promise((resolve) =>
    stream.once('response', (headers) => resolve(headers[':status'])),
  );
  stream.resume();
  session.close();
  assert.equal(code, 200);
});

test('A3 a body above the limit is 413, and the server lives on', async () => {
  const code = await new Promise((resolve) => {
    const request = httpsRequest(
      `${lab.url}/api/v1/namespaces/default/configmaps`,
      {
        ca: lab.ca,
        ...lab.admin,
        agent: false,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.on('error', () => resolve('closed'));
    const chunk = Buffer.alloc(64 * 1024, 'a');
    const write = (left: number): void => {
      if (left === 0) request.end();
      else request.write(chunk, () => write(left - 1));
    };
    write(64);
  });
  assert.ok(code === 413 || code === 'closed', String(code));
  assert.equal(await codeOf(lab.admin), 200);
});

test('a server that is asked to end says so, ends its watches and gives its place away', async () => {
  const last = await startLab();
  const watching = last.kubectl(['get', 'configmaps', '-w', '--no-headers']);
  await eventually('a watch is open', async () =>
    (await last.kubectl(['get', '--raw', '/metrics'])).stdout.includes('verb="WATCH"} 1'),
  );
  const startedMs = performance.now();
  await last.stop();
  await watching;
  assert.ok(performance.now() - startedMs < 8000);
});
