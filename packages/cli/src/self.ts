import { fileURLToPath } from 'node:url';

/** How kubelab starts another of its own processes: the same Node, the same flags of memory, the component's own main file. */
const MAINS: Readonly<Record<string, string>> = {
  'etcd-lite': '@kubelab/etcd-lite/main',
  apiserver: '@kubelab/apiserver/main',
  scheduler: '@kubelab/scheduler/main',
  'controller-manager': '@kubelab/controller-manager/main',
  kubelet: '@kubelab/kubelet/main',
  'kube-proxy': '@kubelab/kube-proxy/main',
  dns: '@kubelab/dns/main',
  lb: '@kubelab/lb/main',
  node: './node/main.ts',
  images: './images/main.ts',
  supervisor: './supervisor/main.ts',
  proxy: './proxy/main.ts',
  'compose-init': './compose/init.ts',
};

/** Components that are commands of their own, with upstream's flags. */
export const COMPONENTS = Object.keys(MAINS);

/**
 * Small heaps: a lab is two dozen processes on one machine. The young generation is kept small, and memory is
 * given back early, at some cost in speed that a lab does not notice. And one thread each that compiles beside
 * the program, instead of four, as in `./kubelab`.
 */
const NODE_OPTIONS = [
  '--max-semi-space-size=2',
  '--v8-pool-size=1',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=DEP0123',
];

export interface ProcessWords {
  readonly command: string;
  readonly args: readonly string[];
}

/** `kubelab <words>` as a process of its own. */
export function kubelabCommand(words: readonly string[]): ProcessWords {
  const [component = '', ...rest] = words;
  return { command: process.execPath, args: [...NODE_OPTIONS, mainFile(component), ...rest] };
}

function mainFile(component: string): string {
  const main = MAINS[component];
  if (main === undefined) throw new Error(`no component "${component}"`);
  return fileURLToPath(import.meta.resolve(main));
}

/** Runs a component in this process: `kubelab etcd-lite --help` and the like. */
export async function runComponentHere(component: string, argv: readonly string[]): Promise<void> {
  const module = (await import(mainFile(component))) as { main(argv: readonly string[]): Promise<void> };
  await module.main(argv);
}
