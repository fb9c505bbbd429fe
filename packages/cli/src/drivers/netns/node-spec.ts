import { fileURLToPath } from 'node:url';
import { memberCommand } from '../../core/member-command.ts';
import type { MemberPlan } from '../../core/plan.ts';
import { kubelabCommand } from '../../self.ts';
import type { ProcessSpec } from '../../supervisor/keeper.ts';
import type { DriverLab } from '../driver.ts';
import { nodeNamespace } from './network.ts';

/** The cgroup of a node, with all its containers below it. */
export function nodeCgroup(lab: DriverLab, node: MemberPlan): string {
  return `kubelab-${lab.plan.name}/${node.name}`;
}

/** A node as namespaces: network (made before), process, mount, host name. When its first process dies, the kernel ends all the others. */
export function nodeProcess(lab: DriverLab, node: MemberPlan): ProcessSpec {
  const { folder, plan } = lab;
  const cgroup = nodeCgroup(lab, node);
  const paths = { config: folder.config(node.name), data: folder.data(node.name) };
  const entry = kubelabCommand([...memberCommand(plan, node, paths), `--cgroup-parent=/${cgroup}`]);
  const init = fileURLToPath(new URL('init.sh', import.meta.url));
  return {
    command: 'unshare',
    args: [
      ...['--pid', '--mount', '--uts', '--ipc', '--fork', '--kill-child=KILL', '--mount-proc'],
      ...['nsenter', `--net=/run/netns/${nodeNamespace(plan, node)}`],
      ...['sh', init, node.name, cgroup, entry.command, ...entry.args],
    ],
    env: { KUBELAB_NODE_CPU: plan.nodeCpu, KUBELAB_NODE_MEMORY: plan.nodeMemory },
    logFile: folder.log(node.name),
    cgroup,
    stopTimeoutMs: 20_000,
  };
}
