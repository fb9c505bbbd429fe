import { type FlagSpecs, runComponent, UsageError } from '@kubelab/component-base';
import { type Address, Balancer, parseAddress } from './balancer.ts';

const flags = {
  listen: { type: 'list', default: ['0.0.0.0:6443'], description: 'addresses to listen on, host:port' },
  backends: { type: 'list', required: true, description: 'API servers, host:port' },
  'connect-timeout': {
    type: 'duration',
    default: 1000,
    description: 'how long one backend may take to accept',
  },
} as const satisfies FlagSpecs;

export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'lb',
      summary: 'Passes TCP connections to the API servers in turn; a dead one is skipped.',
      flags,
      async start({ flags, log, onStop }) {
        const balancer = new Balancer({
          listen: flags.listen.map(address),
          backends: flags.backends.map(address),
          connectTimeoutMs: flags['connect-timeout'],
          log,
        });
        await balancer.start();
        onStop(() => balancer.stop());
        log.info('balancing', { listen: flags.listen, backends: flags.backends });
      },
    },
    argv,
  );
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new UsageError(`"${text}" is not host:port`);
  return parsed;
}

if (import.meta.main) await main(process.argv.slice(2));
