import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scenario } from '../scenario.ts';
import { writeCertificates } from '../support/certificates.ts';
import { measureOperations, rate } from '../support/operations.ts';
import { alternate } from '../support/rounds.ts';
import { common } from './writes.ts';

/** Puts over TLS; the client verifies the server's certificate, and has none itself. */
export const tls: Scenario = {
  name: 'TLS',
  figures: ['put-tls'],
  async run(bench) {
    if (!bench.client.hasTls) {
      bench.results.skip('put-tls', "OpenSSL's headers are not installed (Debian: libssl-dev)");
      return;
    }
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-bench-tls-'));
    bench.defer(() => rm(folder, { recursive: true, force: true }));
    const certificates = await writeCertificates(folder);
    const options = { ...common, connections: 64, ca: certificates.ca };
    const setUp = { rounds: bench.scale.rounds, members: 1, name: 'TLS', tls: certificates };
    await alternate(bench, setUp, (store) =>
      measureOperations(bench, store, [{ mode: 'put', options, gives: [['put-tls', rate]] }]),
    );
  },
};
