import { join } from 'node:path';
import { fromHost, membersOf } from '../core/plan.ts';
import { openLab } from '../lab/open.ts';
import { defineCommand } from './command.ts';

export const kubeconfig = defineCommand({
  usage: 'kubeconfig',
  summary: "Prints the path of the lab's kubeconfig.",
  flags: {},
  async run({ flags }) {
    const lab = await openLab(flags.name);
    process.stdout.write(`${lab.folder.kubeconfig}\n`);
    return 0;
  },
});

export const env = defineCommand({
  usage: 'env',
  summary: 'Prints what kubectl and etcdctl need: eval "$(kubelab env)"',
  flags: {},
  async run({ flags }) {
    const { folder, plan } = await openLab(flags.name);
    const endpoints = membersOf(plan, 'etcd').map((etcd) => `https://${fromHost(plan, etcd, 'client')}`);
    const variables = {
      KUBECONFIG: folder.kubeconfig,
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: endpoints.join(','),
      ETCDCTL_CACERT: join(folder.path, 'pki/etcd/ca.crt'),
      ETCDCTL_CERT: join(folder.path, 'pki/etcd/admin.crt'),
      ETCDCTL_KEY: join(folder.path, 'pki/etcd/admin.key'),
    };
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
    process.stdout.write(lines.join(''));
    return 0;
  },
});

function shellQuote(text: string): string {
  return /^[\w./:,=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
